// Blocking of visitors: what is offered, checked and said. Pure.
import type { Block, Conversation } from "@/api/types";
import { bytes, oneLine } from "./text";

/** How long a block lasts: a day, a week, or until it is ended. */
export type Span = "day" | "week" | "ever";
export const SPANS: readonly Span[] = ["day", "week", "ever"];

/** The bytes of a reason. */
export const REASON_BYTES = 200;
const DAY = 86_400_000;

/** When a block of this length ends, by the server's time; null if it does not end by itself. */
export function endOf(span: Span, now: number): string | null {
  if (span === "ever") return null;
  return new Date(now + (span === "day" ? DAY : 7 * DAY)).toISOString();
}

/** The key of the words for what is wrong with a reason, or null. */
export function reasonProblem(reason: string): "block.needed" | "block.too_long" | null {
  const text = oneLine(reason);
  if (text === "") return "block.needed";
  return bytes(text) > REASON_BYTES ? "block.too_long" : null;
}

/** The block of a conversation's visitor, while it lasts. */
export function blockOf(conversation: Pick<Conversation, "visitor">, now: number): Block | null {
  const block = conversation.visitor.blocked;
  if (!block) return null;
  return block.until && Date.parse(block.until) <= now ? null : block;
}
