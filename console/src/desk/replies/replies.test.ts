import { expect, test } from "vitest";
import type { QuickReply } from "@/api/types";
import { fill, initials, matching, queryOf, unknownVariable } from "./replies";

const reply = (title: string, more: Partial<QuickReply> = {}) => ({ id: title, scope: "personal", title, content: "", ...more }) as QuickReply;

test("initials are those of pinyin", () => {
  expect(initials("发货时间")).toBe("fhsj");
  expect(initials("VIP退款")).toBe("viptk");
  expect(initials("安全、包邮、物流、自提")).toBe("aq、by、wl、zt");
});

test.each([
  ["/", ""],
  ["/FaHuo ", "fahuo"],
  ["", null],
  ["a/", null],
  ["/a\nb", null],
  [`/${"x".repeat(50)}`, null],
])("composer with %j asks for %j", (text, query) => expect(queryOf(text)).toBe(query));

const REPLIES = [
  reply("退货地址", { scope: "group", content: "请寄到上海" }),
  reply("发货时间", { shortcut: "fh" }),
  reply("发票", { scope: "all", shortcut: "fp", folder: "财务" }),
  reply("问候", { content: "您好，发货了" }),
];

test.each([
  ["fh", ["发货时间"]],
  ["f", ["发货时间", "发票"]],
  ["发货", ["发货时间", "问候"]],
  ["thdz", ["退货地址"]],
  ["财务", ["发票"]],
  ["上海", ["退货地址"]],
  ["没有", []],
])("%s finds %o", (query, titles) => expect(matching(REPLIES, query).map(({ title }) => title)).toEqual(titles));

test("without a query all are there, own ones first", () => {
  expect(matching(REPLIES, "").map(({ scope }) => scope)).toEqual(["personal", "personal", "group", "all"]);
});

test("only names of variables may stand in braces", () => {
  expect(unknownVariable("{visitor} 您好，{agent} {} {订单} { x }")).toBeUndefined();
  expect(unknownVariable("订单 {order}")).toBe("order");
});

test("variables are filled, and the first that has no value is to be written over", () => {
  expect(fill("{visitor} 您好，我是 {agent}", { visitor: "林小满", agent: "小林" })).toEqual({ text: "林小满 您好，我是 小林", hole: null });
  expect(fill("订单 {order} 已发出 {date}", {})).toEqual({ text: "订单 {order} 已发出 {date}", hole: [3, 10] });
  expect(fill("{visitor}{order}", { visitor: "{agent}", agent: "x" })).toEqual({ text: "{agent}{order}", hole: [7, 14] });
});
