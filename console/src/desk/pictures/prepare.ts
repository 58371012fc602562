// Makes a picture ready to be sent. Uses the browser's decoder.
import { PICTURE_BYTES, typeOf, within } from "./pictures";

/** Sides and qualities to try until a picture is small enough. */
const STEPS = [[2400, 0.88], [1800, 0.8], [1200, 0.72]] as const;

/** The picture as it is sent: itself, or a JPEG where it is too large or of another type; null if it is no picture. */
export async function prepare(file: Blob): Promise<Blob | null> {
  const type = typeOf(new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  if (type && file.size <= PICTURE_BYTES) return new Blob([file], { type });
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  try {
    for (const [side, quality] of STEPS) {
      const { width, height } = within(bitmap.width, bitmap.height, side);
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d");
      if (!context) return null;
      // What was transparent is white, as in a chat.
      context.fillStyle = "#fff";
      context.fillRect(0, 0, width, height);
      context.drawImage(bitmap, 0, 0, width, height);
      const made = await canvas.convertToBlob({ type: "image/jpeg", quality });
      if (made.size <= PICTURE_BYTES) return made;
    }
  } finally {
    bitmap.close();
  }
  return null;
}
