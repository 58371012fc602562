// What agents note of a visitor: how many and how long. Pure.
import { bytes, oneLine } from "./text";

export const TAGS_MAX = 20;
/** The bytes of a tag and of a name. */
export const TAG_BYTES = 64;
/** The bytes of a note. */
export const NOTE_BYTES = 2000;

/** The tags with one more; the key of the words for why not. A tag that is there already changes nothing. */
export function withTag(tags: readonly string[], text: string): { tags: string[] } | { problem: "marks.tag_long" | "marks.tags_many" | null } {
  const tag = oneLine(text);
  if (tag === "" || tags.includes(tag)) return { problem: null };
  if (bytes(tag) > TAG_BYTES) return { problem: "marks.tag_long" };
  return tags.length >= TAGS_MAX ? { problem: "marks.tags_many" } : { tags: [...tags, tag] };
}

/** Tags that other visitors have and this one has not, the most frequent first: what is offered while one is typed. */
export function suggestions(all: readonly (readonly string[])[], own: readonly string[], typed: string, most = 6): string[] {
  const counts = new Map<string, number>();
  for (const tag of all.flat()) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  const wanted = oneLine(typed).toLocaleLowerCase();
  return [...counts]
    .filter(([tag]) => !own.includes(tag) && tag.toLocaleLowerCase().includes(wanted))
    .sort(([one, often], [other, than]) => than - often || one.localeCompare(other))
    .slice(0, most)
    .map(([tag]) => tag);
}
