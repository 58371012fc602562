import { expect, test } from "vitest";
import { hintOf, NOTHING, widen, type Hint } from "./hint";

test("a hint is read, and its unknown fields are left out", () => {
  expect(hintOf('{"v":1,"type":"message","cid":"c","message":{"text":"<b>"}}')).toEqual({ type: "message", cid: "c" });
});

test.each(["", "{}", "null", "[]", '{"v":2,"type":"message"}', '{"v":1,"type":"other"}', '{"v":1,"type":7}', `{"v":1,"type":"duty","x":"${"y".repeat(50_000)}"}`])(
  "what is no hint is ignored",
  (frame) => expect(hintOf(frame)).toBeNull(),
);

test.each<[string, (Hint | null)[], [string, boolean][], boolean]>([
  ["a message of a known conversation asks for that conversation", [{ type: "message", cid: "known" }], [["known", true]], false],
  ["a change of a known conversation asks for that conversation", [{ type: "conversation", cid: "known" }], [["known", false]], false],
  ["a message is not forgotten for a change", [{ type: "message", cid: "known" }, { type: "conversation", cid: "known" }], [["known", true]], false],
  ["an unknown conversation asks for the lists", [{ type: "conversation", cid: "other" }], [], true],
  ["a queue asks for the lists, beside the conversation", [{ type: "queue", group_id: "g" }, { type: "message", cid: "known" }], [["known", true]], true],
  ["no hint asks for the lists", [null], [], true],
])("%s", (_, hints, conversations, lists) => {
  const scope = NOTHING();
  for (const hint of hints) widen(scope, hint, (cid) => cid === "known");
  expect([...scope.conversations]).toEqual(conversations);
  expect(scope.lists).toBe(lists);
});
