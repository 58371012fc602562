// What the page knows of conversations, and how answers and pushes change it. Pure: no browser, no clock, no network.
//
// - A push or an answer never removes a message. The same message from two sources is one entry (by id).
// - An answer may arrive after the answer of a later request. Each request takes a number when it starts, and what an
//   older request brings does not replace what a newer one brought.
// - Messages are ordered by the time of their arrival at the server; never by the time at this page.
import type { Conversation, Event, Message, MessageState } from "@/api/types";

/** The number of a request: a later request has a higher one. */
export type Ticket = number;

/** A conversation with the request that brought it. */
export interface Known {
  conversation: Conversation;
  ticket: Ticket;
}

/** Messages and events of one conversation. */
export interface Thread {
  cid: string;
  messages: ReadonlyMap<string, Message>;
  events: ReadonlyMap<number, Event>;
  /** Whether the first message is known. */
  complete: boolean;
  /** Asks for the page before the first known message; `undefined` before the first page came. */
  older?: string | null;
  /** The revision that the newest page was fetched at; `undefined` if it never was. */
  fetchedAt?: string;
}

/** An empty thread. */
export function newThread(cid: string): Thread {
  return { cid, messages: new Map(), events: new Map(), complete: false };
}

const PROGRESS: Record<MessageState, number> = {
  received: 0,
  pending: 0,
  sending: 1,
  sent: 2,
  failed: 2,
  unknown: 2,
  held: 2,
  released: 3,
  cancelled: 3,
};

/** Whether `next` is the same message at the same state or a later one. */
export function isFurther(known: Message | undefined, next: Message): boolean {
  return !known || PROGRESS[next.state] >= PROGRESS[known.state];
}

/** Adds messages and events to a thread. Returns the same object if nothing changed. */
export function merge(thread: Thread, messages: readonly Message[], events: readonly Event[] = []): Thread {
  const fresh = messages.filter((message) => {
    const known = thread.messages.get(message.id);
    return isFurther(known, message) && !same(known, message);
  });
  const news = events.filter((event) => !thread.events.has(event.seq));
  if (fresh.length === 0 && news.length === 0) return thread;
  const next = { ...thread };
  if (fresh.length > 0) {
    const all = new Map(thread.messages);
    for (const message of fresh) all.set(message.id, message);
    next.messages = all;
  }
  if (news.length > 0) {
    const all = new Map(thread.events);
    for (const event of news) all.set(event.seq, event);
    next.events = all;
  }
  return next;
}

function same(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/** Whether a page meets what is known, so that nothing is missing between them. */
export function meets(thread: Thread, page: readonly Message[]): boolean {
  return page.some((message) => thread.messages.has(message.id));
}

/** The number of the last event before the first gap. */
export function eventsWithoutGap(thread: Thread): number {
  let seq = 0;
  while (thread.events.has(seq + 1)) seq += 1;
  return seq;
}

/** Where a message stands in its thread: by its arrival at the server. */
export function orderOf(message: Message): string {
  return message.order ?? `${instant(message.received_at ?? message.created_at)} ${message.id}`;
}

/** A time as text that sorts. Times have none to nine decimals. */
export function instant(time: string): string {
  const [seconds = "", decimals = ""] = time.replace(/Z$/, "").split(".");
  return `${seconds}.${decimals.padEnd(9, "0")}`;
}

/** The messages of a thread in their order. */
export function inOrder(thread: Thread): Message[] {
  return [...thread.messages.values()]
    .map((message) => [orderOf(message), message] as const)
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
    .map(([, message]) => message);
}

/** How many messages of a thread that is not open stay in memory. */
export const MESSAGES_KEPT = 300;

/** Whether the outcome of a send is still open. It does not change the conversation's revision. */
export function hasOpenSend(thread: Thread): boolean {
  for (const { state } of thread.messages.values()) if (state === "pending" || state === "sending") return true;
  return false;
}

/** A text that tells when a conversation or one of its messages changed. */
export function revisionOf(conversation: Conversation): string {
  return conversation.revision ?? `${conversation.seq}|${conversation.last_message_at}|${conversation.held}|${conversation.quota.replies_left}`;
}

/** Compares revisions `a.b`: whether every part of `next` is at least that of `known`. Others are taken as newer. */
export function isOlder(known: string | undefined, next: string | undefined): boolean {
  const parts = (text: string | undefined) => (text && /^\d+\.\d+$/.test(text) ? text.split(".").map(Number) : null);
  const [one, other] = [parts(known), parts(next)];
  if (!one || !other) return false;
  return other[0]! < one[0]! || (other[0] === one[0] && other[1]! < one[1]!);
}

/** Takes conversations of an answer into what is known. Returns the ids of those that changed. */
export function learn(known: Map<string, Known>, conversations: readonly Conversation[], ticket: Ticket): Set<string> {
  const changed = new Set<string>();
  for (const conversation of conversations) {
    const before = known.get(conversation.cid);
    if (before && (ticket < before.ticket || isOlder(before.conversation.revision, conversation.revision))) continue;
    if (before && same(before.conversation, conversation)) {
      before.ticket = ticket;
      continue;
    }
    known.set(conversation.cid, { conversation, ticket });
    changed.add(conversation.cid);
  }
  return changed;
}

/** A thread is behind its conversation if a message or an event may have changed since it was fetched. */
export function isBehind(thread: Thread | undefined, conversation: Conversation): boolean {
  if (!thread || thread.fetchedAt === undefined) return true;
  return hasOpenSend(thread) || thread.fetchedAt !== revisionOf(conversation) || eventsWithoutGap(thread) < conversation.seq;
}
