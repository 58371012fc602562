import { describe, expect, test } from "vitest";
import type { Conversation, Event, Message } from "@/api/types";
import { eventsWithoutGap, inOrder, isBehind, isFurther, isOlder, learn, meets, merge, newThread, type Known } from "./engine";

function message(id: string, more: Partial<Message> = {}): Message {
  return { id, type: "text", direction: "in", state: "received", created_at: "2026-06-01T00:00:00Z", text: { content: id }, ...more } as Message;
}

function conversation(cid: string, more: Partial<Conversation> = {}): Conversation {
  return { cid, seq: 1, held: 0, last_message_at: "2026-06-01T00:00:00Z", quota: { replies_left: 5, maybe: 0, window_ends_at: null }, ...more } as Conversation;
}

const event = (seq: number) => ({ seq, at: "2026-06-01T00:00:00Z", type: "conversation.idle", data: null }) as Event;
const ids = (messages: Message[]) => messages.map(({ id }) => id);

describe("merge", () => {
  test("the same message from a push and from an answer is one", () => {
    const pushed = merge(newThread("c"), [message("m1")]);
    const thread = merge(pushed, [message("m1"), message("m2")]);
    expect(ids(inOrder(thread))).toEqual(["m1", "m2"]);
  });

  test("an answer that brings nothing new changes nothing", () => {
    const thread = merge(newThread("c"), [message("m1")], [event(1)]);
    expect(merge(thread, [message("m1")], [event(1)])).toBe(thread);
  });

  test("a state never goes back", () => {
    const out = (state: Message["state"]) => message("m1", { direction: "out", state });
    let thread = merge(newThread("c"), [out("sending")]);
    thread = merge(thread, [out("sent")]);
    thread = merge(thread, [out("pending")]);
    expect(thread.messages.get("m1")?.state).toBe("sent");
    expect(isFurther(out("held"), out("released"))).toBe(true);
    expect(isFurther(out("released"), out("held"))).toBe(false);
    expect(isFurther(out("cancelled"), out("held"))).toBe(false);
  });

  test("pages in any order of arrival give the same thread", () => {
    const all = Array.from({ length: 57 }, (_, index) =>
      message(`m${index}`, { received_at: `2026-06-01T00:00:${String(index).padStart(2, "0")}.5Z` }),
    );
    const pages = [all.slice(40), all.slice(0, 20), all.slice(15, 45), all.slice(30, 41)];
    for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]]) {
      const thread = order.reduce((thread, page) => merge(thread, pages[page]!), newThread("c"));
      expect(ids(inOrder(thread))).toEqual(ids(all));
    }
  });
});

describe("order", () => {
  test("messages are ordered by their arrival at the server, not here", () => {
    const late = message("late", { created_at: "2026-06-01T00:00:01Z", received_at: "2026-06-01T00:00:09.25Z" });
    const first = message("first", { direction: "out", state: "sent", created_at: "2026-06-01T00:00:05.123456789Z" });
    const thread = merge(merge(newThread("c"), [late]), [first]);
    expect(ids(inOrder(thread))).toEqual(["first", "late"]);
  });

  test("the server's order decides, whatever the times say", () => {
    const thread = merge(newThread("c"), [message("a", { order: "1772438400500 a" }), message("b", { order: "1772438400400 b" })]);
    expect(ids(inOrder(thread))).toEqual(["b", "a"]);
  });

  test("times with and without decimals are compared as times", () => {
    const thread = merge(newThread("c"), [
      message("b", { created_at: "2026-06-01T00:00:01.5Z" }),
      message("a", { created_at: "2026-06-01T00:00:01Z" }),
      message("c", { created_at: "2026-06-01T00:00:01.50001Z" }),
    ]);
    expect(ids(inOrder(thread))).toEqual(["a", "b", "c"]);
  });
});

describe("learn", () => {
  test("the answer of an older request does not replace that of a newer one", () => {
    const known = new Map<string, Known>();
    learn(known, [conversation("c", { seq: 2 })], 2);
    expect(learn(known, [conversation("c", { seq: 1 })], 1).size).toBe(0);
    expect(known.get("c")?.conversation.seq).toBe(2);
    expect([...learn(known, [conversation("c", { seq: 3 })], 3)]).toEqual(["c"]);
  });

  test("a conversation with an earlier revision is not taken", () => {
    const known = new Map<string, Known>();
    learn(known, [conversation("c", { revision: "10.3" })], 1);
    expect(learn(known, [conversation("c", { revision: "9.4" })], 2).size).toBe(0);
    expect(learn(known, [conversation("c", { revision: "10.4" })], 3).size).toBe(1);
    expect(isOlder("10.10", "10.9")).toBe(true);
    expect(isOlder("9.1", "10.0")).toBe(false);
    expect(isOlder(undefined, "1.1")).toBe(false);
  });

  test("what did not change is not reported", () => {
    const known = new Map<string, Known>();
    learn(known, [conversation("c")], 1);
    expect(learn(known, [conversation("c")], 2).size).toBe(0);
    expect(learn(known, [conversation("c", { seq: 7 })], 1).size).toBe(0);
  });
});

describe("gaps", () => {
  test("a missing event shows as a gap", () => {
    let thread = merge(newThread("c"), [], [event(1), event(2), event(4)]);
    expect(eventsWithoutGap(thread)).toBe(2);
    thread = merge(thread, [], [event(3)]);
    expect(eventsWithoutGap(thread)).toBe(4);
  });

  test("a thread is behind after another revision and while events are missing", () => {
    const thread = { ...merge(newThread("c"), [], [event(1)]), fetchedAt: "1.1" };
    expect(isBehind(undefined, conversation("c"))).toBe(true);
    expect(isBehind(thread, conversation("c", { revision: "1.1" }))).toBe(false);
    expect(isBehind(thread, conversation("c", { revision: "1.2" }))).toBe(true);
    expect(isBehind(thread, conversation("c", { revision: "1.1", seq: 2 }))).toBe(true);
  });

  test("a thread is behind while the outcome of a send is open, which moves no revision", () => {
    const out = (state: Message["state"]) => message("m1", { direction: "out", state });
    const thread = { ...merge(newThread("c"), [out("sending")], [event(1)]), fetchedAt: "1.1" };
    expect(isBehind(thread, conversation("c", { revision: "1.1" }))).toBe(true);
    expect(isBehind(merge(thread, [out("sent")]), conversation("c", { revision: "1.1" }))).toBe(false);
  });

  test("a page that meets no known message leaves a gap", () => {
    const thread = merge(newThread("c"), [message("m1"), message("m2")]);
    expect(meets(thread, [message("m9"), message("m2")])).toBe(true);
    expect(meets(thread, [message("m9"), message("m8")])).toBe(false);
  });
});
