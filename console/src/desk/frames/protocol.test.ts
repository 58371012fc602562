import { describe, expect, test } from "vitest";
import { addressOf, cardKey, isFor, isFrom, meaningOf, originOf, type Selected } from "./protocol";

const NOW = 1_000_000;
const selected: Selected = { cid: "c1", uid: "u1", mine: true };
/** The message of the product's description, unchanged. */
const seed = {
  cid: "c1",
  uid: "u1",
  msgType: 26,
  miniPage: {
    headimg: "https://img.example/admin.png",
    name: "小程序名字",
    title: "小程序标题",
    pagepath: "pages/index/index",
    thumbMediaId: "nI3DlJZsXd7h0JVZ-LklyzjWtZY4Q",
    thumbUrl: "https://ss1.example/it/u=1667994205",
  },
};
const meaning = (data: unknown, more: Partial<Selected> = {}, last = Number.NEGATIVE_INFINITY) => meaningOf(data, { ...selected, ...more }, last, NOW);

describe("message of a frame", () => {
  test("is the card of the description, unchanged", () => {
    expect(meaning(seed)).toEqual({ kind: "card", cid: "c1", miniPage: seed.miniPage });
    expect(meaning({ ...seed, requestId: "r1" })).toMatchObject({ kind: "card", requestId: "r1" });
  });

  test("asks for another context", () => expect(meaning({ type: "context" })).toEqual({ kind: "context" }));

  test.each(["text", 26, null, undefined, [], {}, { type: "selected" }, { msgType: "26" }, { msgType: 27, cid: "c1", uid: "u1" }])("%o means nothing", (data) => {
    expect(meaning(data)).toEqual({ kind: "nothing" });
  });

  test.each([
    [{ ...seed, cid: "c2" }, {}, "card.other_conversation"],
    [{ ...seed, uid: "u2" }, {}, "card.other_conversation"],
    [{ ...seed, cid: undefined }, {}, "card.other_conversation"],
    [seed, { mine: false }, "card.not_yours"],
    [{ ...seed, miniPage: undefined }, {}, "card.invalid"],
    [{ ...seed, miniPage: [] }, {}, "card.invalid"],
    [{ ...seed, miniPage: { ...seed.miniPage, title: "" } }, {}, "card.invalid"],
    [{ ...seed, miniPage: { ...seed.miniPage, title: 5 } }, {}, "card.invalid"],
    [{ ...seed, miniPage: { ...seed.miniPage, pagepath: "x".repeat(1025) } }, {}, "card.invalid"],
    [{ ...seed, requestId: "x".repeat(65) }, {}, "card.invalid"],
    [{ ...seed, requestId: 5 }, {}, "card.invalid"],
  ] as [unknown, Partial<Selected>, string][])("%# is refused: %s", (data, more, code) => {
    expect(meaning(data, more)).toMatchObject({ kind: "refused", code, error: { type: "error", msgType: 26, code } });
  });

  test("is refused with what is wrong, field by field", () => {
    const found = meaning({ ...seed, miniPage: { title: "x".repeat(65) } });
    expect(found).toMatchObject({ error: { errors: [{ field: "miniPage.title" }, { field: "miniPage.pagepath", detail: "is missing" }] } });
  });

  test("is refused within a second of the card before, and then not", () => {
    expect(meaning(seed, {}, NOW - 999)).toMatchObject({ code: "card.too_fast" });
    expect(meaning(seed, {}, NOW - 1000)).toMatchObject({ kind: "card" });
  });

  test("takes nothing but the fields of a card", () => {
    expect(meaning({ ...seed, miniPage: { ...seed.miniPage, __proto__: null, evil: "x", appid: "wx" } })).toMatchObject({ miniPage: seed.miniPage });
    expect(Object.keys((meaning({ ...seed, miniPage: { title: "t", pagepath: "p", evil: "x" } }) as { miniPage: object }).miniPage)).toEqual(["title", "pagepath"]);
  });
});

test("a message counts only from the frame's window and origin", () => {
  const own = {};
  expect(isFrom({ source: own, origin: "https://a" }, own, "https://a")).toBe(true);
  expect(isFrom({ source: {}, origin: "https://a" }, own, "https://a")).toBe(false);
  expect(isFrom({ source: own, origin: "https://b" }, own, "https://a")).toBe(false);
  expect(isFrom({ source: own, origin: "null" }, own, "https://a")).toBe(false);
  expect(isFrom({ source: null, origin: "https://a" }, null, "https://a")).toBe(false);
});

test("the address keeps its own parameters, and cannot be given another conversation", () => {
  expect(addressOf("https://a.example/o?shop=1&cid=x#part", "c 1", "u", "h.p.s")).toBe("https://a.example/o?shop=1&cid=c+1&uid=u&context=h.p.s#part");
});

test.each([
  ["https://shop.example:8443/a", "https://shop.example:8443"],
  ["http://127.0.0.1:3001/orders", "http://127.0.0.1:3001"],
  ["http://shop.example/", null],
  ["https://desk.example/frame", null],
  ["javascript:alert(1)", null],
  ["data:text/html,x", null],
  ["x", null],
])("origin of %s is %s", (url, origin) => expect(originOf(url, "https://desk.example")).toBe(origin));

test("a frame is for all conversations, or for mini programs and groups", () => {
  const conversation = { app_id: "wx1", group_id: "g1" };
  expect(isFor({}, conversation)).toBe(true);
  expect(isFor({ app_ids: ["wx1"], group_ids: [] }, conversation)).toBe(true);
  expect(isFor({ app_ids: ["wx2"] }, conversation)).toBe(false);
  expect(isFor({ group_ids: ["g1"] }, { app_id: "wx1" })).toBe(false);
});

test.each(["order-8", "订单8", "é", "\ud800", "x".repeat(64)])("key of a card with the request id %j is a header value", async (requestId) => {
  const key = await cardKey("f123", requestId);
  expect(key).toMatch(/^f123 [0-9a-f]{64}$/);
  expect(await cardKey("f123", requestId)).toBe(key);
  expect(await cardKey("f123", `${requestId}1`)).not.toBe(key);
});
