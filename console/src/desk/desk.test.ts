import { describe, expect, test } from "vitest";
import type { Conversation, Event, Me, Message } from "@/api/types";
import { merge, newThread } from "@/sync/engine";
import { CompositionGuard } from "@/parts/ime";
import { chipOf, span, spokenMinute } from "./quota";
import { composerOf, mayHandOver, sorted, waitsForAccept } from "./standing";
import { deviceOf } from "./devices";
import { bytes, initial, oneLine, parts, wellFormed } from "./text";
import { firstUnread, rowsOf } from "./timeline";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const HOUR = 3_600_000;
const quota = (replies_left: number, hours: number | null, maybe = 0) => ({
  replies_left,
  maybe,
  window_ends_at: hours === null ? null : new Date(NOW + hours * HOUR).toISOString(),
});

describe("chip", () => {
  test.each([
    [quota(5, 47), "good", "quota.left"],
    [quota(1, 47), "warn", "quota.left"],
    [quota(4, 0.5), "warn", "quota.left"],
    [quota(0, 3), "bad", "quota.none"],
    [quota(2, 3, 1), "good", "quota.maybe"],
    [quota(0, 3, 1), "bad", "quota.maybe"],
    [quota(3, -0.001), "bad", "quota.closed"],
    [quota(2, null), "bad", "quota.closed"],
  ])("%o is %s, %s", (given, level, key) => {
    expect(chipOf(given, NOW)).toMatchObject({ level, key });
  });

  test("a span is hours and minutes, or minutes", () => {
    expect(span(46.2 * HOUR).text).toBe("46:12");
    expect(span(59 * 60_000)).toMatchObject({ minutes: 59, text: null });
  });

  test("the countdown speaks at 60, 10 and 1 minutes only", () => {
    const minute = 60_000;
    expect(spokenMinute(60.5 * minute, 59.9 * minute)).toBe(60);
    expect(spokenMinute(59.9 * minute, 59.8 * minute)).toBeNull();
    expect(spokenMinute(10.1 * minute, 10 * minute)).toBe(10);
    expect(spokenMinute(1.1 * minute, 0)).toBeNull();
  });
});

const me: Me = { role: "agent", agent_id: "a1" } as Me;
function conversation(more: Partial<Conversation>): Conversation {
  return {
    cid: "c", state: "open", stage: "assigned", assignee: { agent_id: "a1", since: "2026-06-01T11:00:00Z" }, quota: quota(5, 40),
    answered: true, last_message_at: "2026-06-01T11:00:00Z", ...more,
  } as Conversation;
}

describe("composer", () => {
  test.each([
    [{}, "free"],
    [{ quota: quota(1, 40) }, "one"],
    [{ quota: quota(0, 40) }, "hold"],
    [{ quota: quota(4, -1) }, "window_closed"],
    [{ state: "closed" }, "closed"],
    [{ assignee: { agent_id: "a2", since: "" } }, "not_yours"],
    [{ assignee: undefined, stage: "queued" }, "claim"],
    [{ assignee: undefined, stage: "robot" }, "claim"],
  ] as [Partial<Conversation>, string][])("%o is %s", (more, kind) => {
    expect(composerOf(conversation(more), me, NOW).kind).toBe(kind);
  });

  test("the window closes at the server's time", () => {
    const open = conversation({ quota: quota(5, 1) });
    expect(composerOf(open, me, NOW + HOUR - 1).kind).toBe("free");
    expect(composerOf(open, me, NOW + HOUR).kind).toBe("window_closed");
  });

  test("only supervisors and admins hand over a colleague's conversation", () => {
    const other = conversation({ assignee: { agent_id: "a2", since: "" } });
    expect(mayHandOver(other, me)).toBe(false);
    expect(mayHandOver(other, { role: "supervisor", agent_id: "a1" } as Me)).toBe(true);
    expect(mayHandOver(conversation({ state: "closed" }), me)).toBe(false);
  });

  test("an assigned conversation waits to be taken up until it is", () => {
    expect(waitsForAccept(conversation({}), me)).toBe(true);
    expect(waitsForAccept(conversation({ assignee: { agent_id: "a1", since: "", accepted_at: "2026-06-01T11:00:01Z" } }), me)).toBe(false);
  });
});

test("those who wait longest come first, then those who wrote last", () => {
  const list = [
    conversation({ cid: "late", waiting_since: "2026-06-01T11:30:00Z" }),
    conversation({ cid: "old", last_message_at: "2026-06-01T08:00:00Z" }),
    conversation({ cid: "new", last_message_at: "2026-06-01T11:59:00Z" }),
    conversation({ cid: "first", waiting_since: "2026-06-01T11:00:00Z" }),
  ];
  expect(sorted(list, "waiting").map(({ cid }) => cid)).toEqual(["first", "late", "new", "old"]);
  expect(sorted(list, "newest").map(({ cid }) => cid)[0]).toBe("new");
});

describe("text", () => {
  test("sizes are those of UTF-8", () => {
    expect(bytes("好")).toBe(3);
    expect(bytes("\ud800")).toBe(3);
    expect(wellFormed("半个\ud83d表情😀\udc00")).toBe("半个\ufffd表情😀\ufffd");
    expect(parts("a".repeat(2048))).toBe(1);
    expect(parts("好".repeat(683))).toBe(2);
  });

  test("direction marks and control characters are not in a line", () => {
    expect(oneLine("a\u202eb\u0000c\nd")).toBe("a b c d");
    expect(initial("\u202e林")).toBe("林");
    expect(initial("👩‍👧x")).toBe("👩‍👧");
    expect(initial("")).toBe("?");
  });
});

describe("timeline", () => {
  const message = (id: string, at: string, more: Partial<Message> = {}) =>
    ({ id, type: "text", direction: "in", state: "received", created_at: at, received_at: at, ...more }) as Message;
  const event = (seq: number, at: string, type = "conversation.accepted") => ({ seq, at, type, data: {} }) as Event;

  test("events stand between the messages by their time, and own texts at the end", () => {
    const thread = merge(
      { ...newThread("c"), complete: true },
      [message("m2", "2026-06-01T10:02:00Z"), message("m1", "2026-06-01T10:00:00Z")],
      [event(1, "2026-06-01T10:00:00Z", "conversation.created"), event(2, "2026-06-01T10:01:00Z"), event(3, "2026-06-01T10:02:00Z")],
    );
    const rows = rowsOf(thread, [{ key: "k", text: "hi", state: "sending" }]);
    expect(rows.map(({ id }) => id.replace(/^d .*/, "day"))).toEqual(["day", "m m1", "e 2", "m m2", "e 3", "o k"]);
  });

  test("consecutive messages of one speaker are joined, and not over a line between them", () => {
    const thread = merge(
      { ...newThread("c"), complete: true },
      [message("m1", "2026-06-01T10:00:00Z"), message("m2", "2026-06-01T10:00:10Z"), message("m3", "2026-06-01T10:00:30Z")],
      [event(1, "2026-06-01T10:00:20Z")],
    );
    const joined = rowsOf(thread, []).flatMap((row) => (row.kind === "message" ? [row.joined] : []));
    expect(joined).toEqual([false, true, false]);
  });

  test("ids of rows are unique", () => {
    const thread = merge({ ...newThread("c"), complete: true }, [
      message("m1", "2026-06-01T10:00:00Z", { received_at: "2026-06-01T10:00:00Z" }),
      message("m2", "2026-06-01T10:00:00Z"),
      message("m3", "2026-06-03T10:00:00Z"),
    ]);
    const ids = rowsOf(thread, []).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("composition of an input method", () => {
  const key = (more: object) => ({ isComposing: false, keyCode: 13, timeStamp: 1000, ...more });
  test("Enter that chooses a candidate is not Enter", () => {
    const guard = new CompositionGuard();
    expect(guard.isComposing(key({}))).toBe(false);
    expect(guard.isComposing(key({ isComposing: true }))).toBe(true);
    expect(guard.isComposing(key({ keyCode: 229 }))).toBe(true);
    guard.compositionEnded(950);
    expect(guard.isComposing(key({}))).toBe(true);
    expect(guard.isComposing(key({ timeStamp: 1051 }))).toBe(false);
  });
});

test.each([
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36 Edg/148.0.0.0", "Edge · Windows"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari · macOS"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.50", "WeChat · iOS"],
  ["curl/8.5.0", "curl/8.5.0"],
  ["\u202eevil\n", "evil"],
])("device of %s", (userAgent, device) => expect(deviceOf(userAgent)).toBe(device));

describe("first unread message", () => {
  const message = (id: string, direction: "in" | "out" = "in", type = "text") =>
    ({ id, type, direction, state: "received", created_at: "2026-06-01T10:00:00Z", order: `0 ${id}` }) as Message;
  const thread = (complete: boolean) => merge({ ...newThread("c"), complete }, [message("m1"), message("m2", "out"), message("m3"), message("m4", "in", "event"), message("m5")]);

  test("is found by counting the visitor's messages from the end", () => {
    expect(firstUnread(thread(false), 1)).toBe("m5");
    expect(firstUnread(thread(false), 2)).toBe("m3");
    expect(firstUnread(thread(false), 0)).toBeUndefined();
  });

  test("before what is known, there is none yet; in a whole thread it is the first", () => {
    expect(firstUnread(thread(false), 4)).toBeUndefined();
    expect(firstUnread(thread(true), 4)).toBe("m1");
  });

  test("has a line before it, unless it is the first of all", () => {
    const kinds = (from: string) => rowsOf(thread(true), [], from).map((row) => row.kind);
    expect(kinds("m3")).toEqual(["day", "message", "message", "unread", "message", "message"]);
    expect(kinds("m1")).not.toContain("unread");
  });
});
