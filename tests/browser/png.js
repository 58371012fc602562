// Writes a screenshot as a PNG of 256 colours, which a picture of a page hardly differs from and which is a third of the size.
import { writeFile } from "node:fs/promises";
import { crc32, deflateSync } from "node:zlib";

const COLOURS = 256;

/** In the browser: the pixels of a PNG as indices into the most frequent colours. Returns both as base64, and the size. */
async function indexed({ base64, colours }) {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  // Colours that differ in the last three bits count as one.
  const bucket = (at) => ((data[at] >> 3) << 10) | ((data[at + 1] >> 3) << 5) | (data[at + 2] >> 3);
  const sums = new Map();
  for (let at = 0; at < data.length; at += 4) {
    const key = bucket(at);
    const sum = sums.get(key) ?? [0, 0, 0, 0];
    for (const channel of [0, 1, 2]) sum[channel] += data[at + channel];
    sum[3] += 1;
    sums.set(key, sum);
  }
  const palette = [...sums.values()].sort((one, other) => other[3] - one[3]).slice(0, colours).map(([red, green, blue, count]) => [red / count, green / count, blue / count].map(Math.round));
  const nearest = new Map();
  const index = (at) => {
    const key = bucket(at);
    if (!nearest.has(key)) {
      const distance = ([red, green, blue]) => (red - data[at]) ** 2 + (green - data[at + 1]) ** 2 + (blue - data[at + 2]) ** 2;
      nearest.set(key, palette.reduce((best, colour, place) => (distance(colour) < distance(palette[best]) ? place : best), 0));
    }
    return nearest.get(key);
  };
  const rows = new Uint8Array(height * (width + 1));
  for (let y = 0, at = 0; y < height; y += 1) for (let x = 0; x < width; x += 1, at += 4) rows[y * (width + 1) + 1 + x] = index(at);
  let text = "";
  for (let at = 0; at < rows.length; at += 8192) text += String.fromCharCode(...rows.subarray(at, at + 8192));
  return { width, height, palette: palette.flat(), rows: btoa(text) };
}

function chunk(type, content) {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(content.length);
  const body = Buffer.concat([Buffer.from(type), content]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, check]);
}

/** Writes a PNG with a palette. `page` is any page, which does the work on the pixels. Returns the size in bytes. */
export async function writePng(page, screenshot, path) {
  const { width, height, palette, rows } = await page.evaluate(indexed, { base64: screenshot.toString("base64"), colours: COLOURS });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = deflateSync(Buffer.from(rows, "base64"), { level: 9, memLevel: 9 });
  const png = Buffer.concat([signature, chunk("IHDR", header), chunk("PLTE", Buffer.from(palette)), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
  await writeFile(path, png);
  return png.length;
}
