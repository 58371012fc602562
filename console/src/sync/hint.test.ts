import { expect, test } from "vitest";
import { hintOf } from "./hint";

test("a hint is read, and its unknown fields are left out", () => {
  expect(hintOf('{"v":1,"type":"message","cid":"c","message":{"text":"<b>"}}')).toEqual({ type: "message", cid: "c" });
});

test.each(["", "{}", "null", "[]", '{"v":2,"type":"message"}', '{"v":1,"type":"other"}', '{"v":1,"type":7}', `{"v":1,"type":"duty","x":"${"y".repeat(50_000)}"}`])(
  "what is no hint is ignored",
  (frame) => expect(hintOf(frame)).toBeNull(),
);
