// What pages in frames and the desk tell each other (docs: console/public/embed.d.ts). Pure: no window, no clock.
//
// - A message counts only if it comes from the frame's own window and its configured origin; anything else is not answered.
// - A card is sent only to the conversation that the agent looks at, and named by the message.
import type { MiniPage } from "@/api/types";

/** The number of the message that sends a card. */
export const CARD = 26;
/** The time between two cards of one frame, in milliseconds. */
export const CARD_PAUSE = 1000;
/** The time between two lines about refused messages, in milliseconds. */
export const LINE_PAUSE = 60_000;
const REQUEST_ID_MAX = 64;

/** The conversation that the agent looks at. */
export interface Selected {
  cid: string;
  uid: string;
  /** Whether the agent may send in it. */
  mine: boolean;
}

/** Why a card is not sent, before the API is asked. */
export type CardRefusal = "card.other_conversation" | "card.too_fast" | "card.not_yours" | "card.invalid";

/** An answer that a card was not sent. `code` is one of `CardRefusal` or of the API. */
export interface FrameError {
  type: "error";
  msgType: typeof CARD;
  cid: string;
  requestId?: string;
  code: string;
  errcode?: number;
  detail: string;
  errors?: { field: string; detail: string }[];
}

/** All that a frame is told. */
export type Told =
  | { type: "selected" | "context"; cid: string; uid: string; context: string }
  | { type: "ack"; msgType: typeof CARD; cid: string; requestId?: string; messageId: string; state: "sent" | "sending" | "unknown" }
  | FrameError
  | { type: "window"; cid: string; replies_left: number; ends_at: string | null }
  | { type: "status"; status: string }
  | { type: "closed"; cid: string };

/** What a message of a frame means. */
export type Meaning =
  | { kind: "nothing" }
  | { kind: "context" }
  | { kind: "refused"; error: FrameError; code: CardRefusal }
  | { kind: "card"; cid: string; requestId?: string; miniPage: MiniPage };

/** Whether a message is the frame's own: its window, which a page cannot copy, and its configured origin, which it may have left. */
export function isFrom(event: { source: unknown; origin: string }, frameWindow: unknown, origin: string): boolean {
  return !!frameWindow && event.source === frameWindow && event.origin === origin;
}

const DETAILS: Record<CardRefusal, string> = {
  "card.other_conversation": "The agent looks at another conversation.",
  "card.too_fast": "One card a second is sent.",
  "card.not_yours": "The agent does not have this conversation.",
  "card.invalid": "The card is not valid.",
};

/** The fields of a card with their greatest lengths, as in the description of the API. */
const FIELDS = { title: 64, pagepath: 1024, thumbUrl: 2048, thumbMediaId: 512, headimg: 2048, name: 2048 } as const;
type Field = keyof typeof FIELDS;

const record = (value: unknown): Record<string, unknown> | null => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null);

/** A card, or what is wrong with it. */
function cardOf(value: unknown): { miniPage: MiniPage } | { errors: { field: string; detail: string }[] } {
  const given = record(value);
  if (!given) return { errors: [{ field: "miniPage", detail: "is missing" }] };
  const errors: { field: string; detail: string }[] = [];
  const card: Partial<Record<Field, string>> = {};
  for (const [field, max] of Object.entries(FIELDS) as [Field, number][]) {
    const text = given[field];
    if (text === undefined || text === null || text === "") continue;
    if (typeof text !== "string") errors.push({ field: `miniPage.${field}`, detail: "must be a string" });
    else if ([...text].length > max) errors.push({ field: `miniPage.${field}`, detail: `must have at most ${max} characters` });
    else card[field] = text;
  }
  for (const field of ["title", "pagepath"] as const) {
    if (card[field] === undefined && !errors.some((error) => error.field === `miniPage.${field}`)) errors.push({ field: `miniPage.${field}`, detail: "is missing" });
  }
  return errors.length > 0 ? { errors } : { miniPage: card as MiniPage };
}

/** What a message means that comes from the frame. `lastCardAt` and `now` in milliseconds. */
export function meaningOf(data: unknown, selected: Selected, lastCardAt: number, now: number): Meaning {
  const message = record(data);
  if (!message) return { kind: "nothing" };
  if (message.type === "context") return { kind: "context" };
  if (message.msgType !== CARD) return { kind: "nothing" };
  const given = typeof message.requestId === "string" && message.requestId !== "" ? message.requestId : undefined;
  const requestId = given && given.length <= REQUEST_ID_MAX ? given : undefined;
  const refused = (code: CardRefusal, errors?: FrameError["errors"]): Meaning => ({
    kind: "refused",
    code,
    error: { type: "error", msgType: CARD, cid: typeof message.cid === "string" ? message.cid.slice(0, 128) : "", ...(requestId ? { requestId } : {}), code, detail: DETAILS[code], ...(errors ? { errors } : {}) },
  });
  if (message.cid !== selected.cid || message.uid !== selected.uid) return refused("card.other_conversation");
  if (message.requestId !== undefined && requestId === undefined) return refused("card.invalid", [{ field: "requestId", detail: `must be a string of 1 to ${REQUEST_ID_MAX} characters` }]);
  const card = cardOf(message.miniPage);
  if ("errors" in card) return refused("card.invalid", card.errors);
  if (!selected.mine) return refused("card.not_yours");
  if (now - lastCardAt < CARD_PAUSE) return refused("card.too_fast");
  return { kind: "card", cid: selected.cid, ...(requestId ? { requestId } : {}), miniPage: card.miniPage };
}

/** The address of a frame for a conversation: the configured one, with the conversation in its query. */
export function addressOf(url: string, cid: string, uid: string, context: string): string {
  const address = new URL(url);
  for (const [name, value] of Object.entries({ cid, uid, context })) address.searchParams.set(name, value);
  return address.href;
}

/** The origin of a frame's address; null for one that is not shown: not https (or this machine), or of the desk itself. */
export function originOf(url: string, own: string): string | null {
  try {
    const { origin, protocol, hostname } = new URL(url);
    const isLocal = protocol === "http:" && (hostname === "127.0.0.1" || hostname === "localhost");
    return (protocol === "https:" || isLocal) && origin !== own ? origin : null;
  } catch {
    return null;
  }
}

/** Whether a frame is shown beside a conversation. */
export function isFor(frame: { app_ids?: readonly string[] | null; group_ids?: readonly string[] | null }, conversation: { app_id: string; group_id?: string | null }): boolean {
  const names = (ids: readonly string[] | null | undefined, id: string | null | undefined) => !ids?.length || (!!id && ids.includes(id));
  return names(frame.app_ids, conversation.app_id) && names(frame.group_ids, conversation.group_id);
}

/** The `Idempotency-Key` of a card: header values are ASCII, and a `requestId` may be any text. */
export async function cardKey(frame: string, requestId: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(requestId));
  return `${frame} ${[...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
