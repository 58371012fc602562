// Links to pages of mini programs inside of texts, as WeChat's customer service messages have them: `<a href="…"
// data-miniprogram-appid="…" data-miniprogram-path="…">text</a>` ("Send customer service message", text). Pure.

/** A link that opens a page of a mini program. */
export interface MiniLink {
  label: string;
  appid: string;
  path: string;
  /** What opens where mini programs cannot be opened. */
  href: string;
}

/** A part of a text. */
export type Segment = { kind: "text"; text: string } | { kind: "link"; link: MiniLink };

/** Writes what would end an attribute or begin a tag in percent encoding, which means the same before and after unescaping. */
function attribute(value: string): string {
  return value.trim().replace(/["'<>\s;]/g, (letter) => encodeURIComponent(letter).replace("'", "%27"));
}

/** A label cannot hold a tag: its brackets become full-width ones, which look alike. */
function labelOf(text: string): string {
  return text.replaceAll("<", "＜").replaceAll(">", "＞").replace(/\s+/g, " ").trim();
}

/** The text of a link. */
export function linkText({ label, appid, path, href }: MiniLink): string {
  const address = href.trim() === "" ? "" : ` href="${attribute(href)}"`;
  return `<a${address} data-miniprogram-appid="${attribute(appid)}" data-miniprogram-path="${attribute(path)}">${labelOf(label)}</a>`;
}

const LINK = /<a((?:\s+[\w-]+="[^"<>]*")+)\s*>([^<>]*)<\/a>/g;

/** Divides a text into its links and what stands between them. What is not exactly a link stays text. */
export function segmentsOf(text: string): Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const [all, attributes = "", label = ""] = match;
    const found = new Map([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    const appid = found.get("data-miniprogram-appid");
    if (appid === undefined || label.trim() === "") continue;
    if (match.index > from) segments.push({ kind: "text", text: text.slice(from, match.index) });
    segments.push({ kind: "link", link: { label, appid, path: found.get("data-miniprogram-path") ?? "", href: found.get("href") ?? "" } });
    from = match.index + all.length;
  }
  if (from < text.length) segments.push({ kind: "text", text: text.slice(from) });
  return segments;
}

/** An AppID of a mini program. */
export const isAppId = (text: string) => /^wx[0-9a-f]{16}$/i.test(text.trim());
