// Pictures that an agent sends: which ones WeChat takes. Pure.

/** The bytes of a picture, WeChat's limit for an image. */
export const PICTURE_BYTES = 2 * 1024 * 1024;
/** The types of files to choose from. WebP is sent as JPEG. */
export const PICTURE_TYPES = "image/png,image/jpeg,image/gif,image/webp";
/** How many pictures are sent at once at most: as many as there are replies for one message of the visitor. */
export const AT_ONCE = 5;

const SIGNS: [string, number[]][] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
];

/** The type of a picture by its first bytes, whatever its name says; null for what WeChat does not take. */
export function typeOf(start: Uint8Array): string | null {
  return SIGNS.find(([, sign]) => sign.every((byte, index) => start[index] === byte))?.[0] ?? null;
}

/** The sides of a picture so that neither is longer than `most`. */
export function within(width: number, height: number, most: number): { width: number; height: number } {
  const scale = Math.min(1, most / Math.max(width, height, 1));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The files of a paste or a drop that say that they are pictures. */
export function picturesOf(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/")).slice(0, AT_ONCE);
}
