// The rows of a transcript: messages, what happened to the conversation, days, and own texts on their way. Pure.
import type { Event, Message } from "@/api/types";
import { inOrder, instant, type Thread } from "@/sync/engine";

/** A text of this page whose request has no answer yet, or was refused. */
export interface Outgoing {
  key: string;
  text: string;
  state: "sending" | "refused";
  /** Why it was refused, in words. */
  why?: string;
}

/** A row. */
export type Row =
  | { id: string; kind: "day"; at: string }
  | { id: string; kind: "message"; message: Message; joined: boolean }
  | { id: string; kind: "event"; event: Event }
  /** What follows was unread when the conversation was opened. */
  | { id: string; kind: "unread" }
  | { id: string; kind: "outgoing"; outgoing: Outgoing };

// What is told by the messages themselves is not told again.
const UNTOLD = new Set(["conversation.created", "conversation.answered", "robot.answered"]);

/** A day at the viewer's place. */
function dayOf(time: string): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

function timeOf(message: Message): string {
  return message.received_at ?? message.created_at;
}

function sameSpeaker(one: Message, other: Message): boolean {
  const close = Math.abs(Date.parse(timeOf(one)) - Date.parse(timeOf(other))) < 180_000;
  return close && one.direction === other.direction && one.author?.role === other.author?.role && one.author?.agent_id === other.author?.agent_id;
}

/** The first of the visitor's last `count` messages; undefined if there are none, or if it is before what is known. */
export function firstUnread(thread: Thread, count: number): string | undefined {
  let left = count;
  const incoming = inOrder(thread).filter((message) => message.direction === "in" && message.type !== "event");
  while (left > 1 && incoming.length > 1) {
    incoming.pop();
    left -= 1;
  }
  // A thread that is known from its beginning may have fewer than the count.
  return left === 1 || (left > 0 && thread.complete) ? incoming.at(-1)?.id : undefined;
}

/** The rows of a thread, with own unsent texts at the end. `newFrom`: the first message that was unread. */
export function rowsOf(thread: Thread, outgoing: readonly Outgoing[], newFrom?: string): Row[] {
  const told = inOrder(thread).filter((message) => message.type !== "event");
  const rows: { order: string; at: string; row: Row }[] = told.map((message, index) => {
    const before = told[index - 1];
    const row: Row = { id: `m ${message.id}`, kind: "message", message, joined: !!before && sameSpeaker(before, message) };
    return { order: instant(timeOf(message)), at: timeOf(message), row };
  });
  // Messages keep their own order; each event goes behind the messages that are not later than it.
  const events = [...thread.events.values()].filter((event) => !UNTOLD.has(event.type)).sort((one, other) => one.seq - other.seq);
  // Events from before the first known message belong to pages that are not loaded.
  const first = rows[0];
  const merged: typeof rows = [];
  let next = 0;
  for (const event of events) {
    const at = instant(event.at);
    if (!thread.complete && first && at < first.order) continue;
    while (next < rows.length && rows[next]!.order.slice(0, at.length) <= at) merged.push(rows[next++]!);
    merged.push({ order: at, at: event.at, row: { id: `e ${event.seq}`, kind: "event", event } });
  }
  merged.push(...rows.slice(next));

  const all: Row[] = [];
  let day = "";
  let joinable = false;
  for (const { at, row } of merged) {
    const its = dayOf(at);
    if (its !== day) all.push({ id: `d ${its}`, kind: "day", at });
    const isNew = row.kind === "message" && row.message.id === newFrom && all.length > 1;
    if (isNew) all.push({ id: "u", kind: "unread" });
    // A name is told again after a line that stands between.
    all.push(row.kind === "message" && row.joined && (its !== day || !joinable || isNew) ? { ...row, joined: false } : row);
    day = its;
    joinable = row.kind === "message";
  }
  for (const text of outgoing) all.push({ id: `o ${text.key}`, kind: "outgoing", outgoing: text });
  return unique(all);
}

// Events and messages may go back over midnight by a clock's correction; a day's second line needs an id of its own.
function unique(rows: Row[]): Row[] {
  const seen = new Set<string>();
  return rows.map((row) => {
    let id = row.id;
    while (seen.has(id)) id += "+";
    seen.add(id);
    return id === row.id ? row : { ...row, id };
  });
}
