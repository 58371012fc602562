// Texts: their size as WeChat counts it, and what lists show of them. Pure.

/** The bytes of a text message of WeChat. */
export const PART_BYTES = 2048;
/** The bytes that the API takes in one text. */
export const TEXT_BYTES = 10_240;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The length in UTF-8. A lone surrogate counts as the replacement character that is sent for it. */
export function bytes(text: string): number {
  return encoder.encode(text).length;
}

/** A text without lone surrogates, which neither UTF-8 nor the API has. */
export function wellFormed(text: string): string {
  return decoder.decode(encoder.encode(text));
}

/** About how many messages a text becomes. */
export function parts(text: string): number {
  return Math.max(1, Math.ceil(bytes(text) / PART_BYTES));
}

/** A text without control and direction characters, on one line. */
export function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]+/g, " ").trim();
}

/** The first character of a name, for a face without a picture. */
export function initial(name: string): string {
  const clean = oneLine(name);
  const [first] = new Intl.Segmenter().segment(clean);
  return first ? first.segment.toLocaleUpperCase() : "?";
}

/** A visitor's number, for those without a name: the same at each look. */
export function visitorNumber(uid: string): number {
  let hash = 0;
  for (const letter of uid) hash = (hash * 31 + letter.codePointAt(0)!) % 9000;
  return 1000 + hash;
}

/** Texts longer than this fold. */
export const FOLD_AT = 4000;
