import { describe, expect, test } from "vitest";
import type { Conversation } from "@/api/types";
import { blockOf, endOf, reasonProblem } from "./blocks";
import { choices, conditions, NO_FILTER, passes, queryOf } from "./filters";
import { suggestions, withTag } from "./marks";
import { summaryOf } from "./summaries";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const conversation = (more: Partial<Conversation> = {}) =>
  ({ cid: "c1", uid: "u1", app_id: "wx1", app_name: "老林咖啡", group_id: "g1", group_name: "售前", unread: 0, visitor: { nickname: "Emma\u202e Zhang", partnerid: "member-0" }, last_message: { excerpt: "这件还有货吗" }, ...more }) as Conversation;

describe("filter", () => {
  test.each([
    [{}, true],
    [{ text: "  EMMA zh" }, true],
    [{ text: "还有货" }, true],
    [{ text: "member-0" }, true],
    [{ text: "nobody" }, false],
    [{ app: "wx2" }, false],
    [{ app: "wx1", group: "g1" }, true],
    [{ group: "g2" }, false],
    [{ unread: true }, false],
  ])("%o shows it: %s", (more, shown) => {
    expect(passes(conversation(), { ...NO_FILTER, ...more }, "Emma Zhang")).toBe(shown);
  });

  test("counts its conditions without the text", () => {
    expect(conditions({ ...NO_FILTER, text: "a", app: "wx1", unread: true })).toBe(2);
  });

  test("goes to the server for long lists only", () => {
    const filter = { ...NO_FILTER, app: "wx1", starred: true };
    expect(queryOf("closed", filter)).toEqual({ app_id: "wx1", group_id: undefined, starred: "true", tag: undefined });
    expect(queryOf("mine", filter)).toEqual({});
  });

  test("offers each value once, by name", () => {
    const list = [conversation(), conversation({ group_id: "g0", group_name: undefined }), conversation()];
    expect(choices(list, "group_id")).toEqual([{ id: "g0", name: "g0" }, { id: "g1", name: "售前" }]);
  });
});

describe("block", () => {
  test("ends after its span, or not by itself", () => {
    expect(endOf("day", NOW)).toBe("2026-06-02T12:00:00.000Z");
    expect(endOf("week", NOW)).toBe("2026-06-08T12:00:00.000Z");
    expect(endOf("ever", NOW)).toBeNull();
  });

  test.each([
    ["", "block.needed"],
    ["\u200b\n", "block.needed"],
    ["辱骂", null],
    ["长".repeat(67), "block.too_long"],
  ])("reason %j has the problem %s", (reason, problem) => expect(reasonProblem(reason)).toBe(problem));

  test("is over at its end", () => {
    const blocked = (until: string | null) => conversation({ visitor: { blocked: { since: "", until, reason: "x" } } as never });
    expect(blockOf(blocked("2026-06-01T12:00:01Z"), NOW)).not.toBeNull();
    expect(blockOf(blocked("2026-06-01T12:00:00Z"), NOW)).toBeNull();
    expect(blockOf(blocked(null), NOW)).not.toBeNull();
    expect(blockOf(conversation(), NOW)).toBeNull();
  });
});

const words = (key: string) => ({ "close.solved": "已解决" })[key] ?? key;

test("summary of a closed conversation is one line, with what other programs wrote", () => {
  expect(summaryOf({ note: "退了\n款", solved: true, category: "退款", n: 3 }, words)).toBe("已解决 · 退了 款 · 退款");
  expect(summaryOf(undefined, words)).toBe("");
});

describe("marks", () => {
  test("a tag is one line, is there once, and has limits", () => {
    expect(withTag(["VIP"], " 退\n货 ")).toEqual({ tags: ["VIP", "退 货"] });
    expect(withTag(["VIP"], "VIP")).toEqual({ problem: null });
    expect(withTag([], "  ")).toEqual({ problem: null });
    expect(withTag([], "长".repeat(22))).toEqual({ problem: "marks.tag_long" });
    expect(withTag(Array.from({ length: 20 }, (_, index) => `${index}`), "x")).toEqual({ problem: "marks.tags_many" });
  });

  test("what colleagues often use is offered first", () => {
    expect(suggestions([["VIP", "退货"], ["退货"], ["已投诉"]], ["已投诉"], "")).toEqual(["退货", "VIP"]);
    expect(suggestions([["VIP", "退货"]], [], "vi")).toEqual(["VIP"]);
  });
});
