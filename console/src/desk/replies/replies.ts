// Quick replies: which ones fit what is typed, and how their variables are filled. Pure.
import type { QuickReply } from "@/api/types";

// The first character of each initial in the order of pinyin, in which browsers can sort Chinese. There is no i, u or v.
const FIRSTS = "阿八嚓哒妸发旮哈讥咔垃妈拏噢妑七呥扨它穵夕丫帀";
const INITIALS = "abcdefghjklmnopqrstwxyz";
const order = new Intl.Collator("zh-Hans-u-co-pinyin");

/** The initials of a text: `fhsj` for 发货时间. Other characters stay. */
export function initials(text: string): string {
  return [...text.toLowerCase()].map((letter) => (/\p{Script=Han}/u.test(letter) ? initialOf(letter) : letter)).join("");
}

function initialOf(letter: string): string {
  let at = 0;
  while (at + 1 < FIRSTS.length && order.compare(FIRSTS[at + 1]!, letter) <= 0) at += 1;
  return INITIALS[at]!;
}

/** What the composer asks for: what follows a slash at its very beginning; null if no quick reply is asked for. */
export function queryOf(text: string): string | null {
  return /^\/[^\n]{0,40}$/.test(text) ? text.slice(1).trim().toLowerCase() : null;
}

/** How well a reply fits: 0 is best; null if it does not. */
function fit(reply: QuickReply, query: string): number | null {
  const shortcut = reply.shortcut?.toLowerCase() ?? "";
  if (shortcut === query) return 0;
  if (shortcut.startsWith(query)) return 1;
  const title = reply.title.toLowerCase();
  if (title.includes(query)) return 2;
  if (initials(title).includes(query)) return 3;
  return reply.content.toLowerCase().includes(query) || reply.folder?.toLowerCase().includes(query) ? 4 : null;
}

const SCOPES: Record<QuickReply["scope"], number> = { personal: 0, group: 1, all: 2 };

/** The replies that fit, the best first; own ones before those of groups. */
export function matching(replies: readonly QuickReply[], query: string): QuickReply[] {
  return replies
    .map((reply) => ({ reply, fit: query === "" ? 0 : fit(reply, query) }))
    .filter((one): one is { reply: QuickReply; fit: number } => one.fit !== null)
    .sort((one, other) => one.fit - other.fit || SCOPES[one.reply.scope] - SCOPES[other.reply.scope] || order.compare(one.reply.title, other.reply.title))
    .map(({ reply }) => reply);
}

/** What may stand in braces. */
const VARIABLES = ["visitor", "agent"];

/** The first word in braces that looks like a variable and is none; the API refuses it. */
export function unknownVariable(content: string): string | undefined {
  return [...content.matchAll(/\{([A-Za-z0-9_]+)\}/g)].map(([, name]) => name!).find((name) => !VARIABLES.includes(name));
}

/** Fills the variables that have a value. The others stay; `hole` is the place of the first, for the agent to write over. */
export function fill(content: string, values: Readonly<Record<string, string>>): { text: string; hole: [number, number] | null } {
  let text = "";
  let hole: [number, number] | null = null;
  let from = 0;
  for (const match of content.matchAll(/\{([a-z_]{1,20})\}/g)) {
    text += content.slice(from, match.index);
    from = match.index + match[0].length;
    const value = values[match[1]!]?.trim();
    if (!value) hole ??= [text.length, text.length + match[0].length];
    text += value || match[0];
  }
  return { text: text + content.slice(from), hole };
}
