// Pages of the team's own beside the conversation: what they may do, and each way in which they may not.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { test as base, expect, parts, openRow } from "./fixtures.js";

const PAGE = `<!doctype html><title>page</title><p>页面</p><script>
  window.got = [];
  addEventListener("message", (event) => window.got.push(event.data));
  window.query = Object.fromEntries(new URLSearchParams(location.search));
</script>`;

/** A server of pages, of an origin of its own. */
async function pageServer() {
  const server = createServer((_, response) => response.setHeader("content-type", "text/html; charset=utf-8").end(PAGE));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

const test = base.extend({
  pages: async ({}, use) => {
    const servers = [await pageServer(), await pageServer()];
    await use(servers);
    for (const server of servers) server.close();
  },
  /** A desk with a frame for its conversations, and an agent who looks at one. */
  framed: async ({ world, open, pages, bundle }, use) => {
    const desk = await world.desk({ agents: ["小林", "顶班的小陈"] });
    const frames = await bundle.call("/api/frames", { method: "PUT", body: JSON.stringify({ items: [{ name: "订单", url: `${pages[0].url}/orders?shop=1`, app_ids: [desk.app_id] }] }) });
    await world.status(desk.agents[0], "online");
    const visitor = await world.arrives(desk, "林小满", "在吗");
    const page = await open(desk.agents[0], "/desk", { expected: /frame-src|ERR_BLOCKED_BY_CSP|Framing|Refused to frame|Failed to load resource/ });
    await openRow(page, "林小满");
    await page.getByRole("tab", { name: "订单" }).click();
    const element = page.locator("iframe");
    await expect(element).toBeVisible();
    const found = () => page.frames().find((one) => one.url().startsWith(pages[0].url));
    await expect.poll(() => !!found()).toBe(true);
    const frame = found();
    await expect.poll(() => frame.evaluate(() => window.got?.some(({ type }) => type === "window"))).toBe(true);
    const { cid, uid } = await frame.evaluate(() => window.query);
    const card = (more = {}) => ({
      cid,
      uid,
      msgType: 26,
      miniPage: { headimg: "https://img.example/admin.png", name: "小程序名字", title: "小程序标题", pagepath: "pages/index/index", thumbUrl: `${bundle.phone}/phone/cover.png` },
      ...more,
    });
    const got = (type) => frame.evaluate((type) => window.got.filter((one) => one.type === type), type);
    const post = (message, target = "*") => frame.evaluate(([message, target]) => window.parent.postMessage(message, target), [message, target]);
    const cards = async () => (await visitor.received()).filter((message) => JSON.stringify(message).includes("小程序标题")).length;
    await use({ desk, visitor, page, frame, cid, uid, card, got, post, cards, key: frames.items[0].key });
  },
});

test("frame is opened with a signed context, and posts the card of the description as it stands", async ({ framed, pages }) => {
  const { frame, page, cid, uid, card, got, post, cards, key, desk } = framed;
  const { shop, context } = await frame.evaluate(() => window.query);
  expect(shop).toBe("1");
  const [header, claims, signature] = context.split(".");
  expect(createHmac("sha256", key).update(`${header}.${claims}`).digest("base64url")).toBe(signature);
  const said = JSON.parse(Buffer.from(claims, "base64url"));
  expect(said).toMatchObject({ iss: "kefu", aud: pages[0].url, cid, uid, app_id: desk.app_id, agent_id: desk.agents[0].id });
  expect(said.exp - said.iat).toBe(300);
  await post(card({ requestId: "r1" }));
  await expect.poll(() => got("ack")).toHaveLength(1);
  expect((await got("ack"))[0]).toMatchObject({ msgType: 26, cid, requestId: "r1", state: "sent" });
  await expect(parts.log(page).getByRole("article")).toContainText("小程序标题");
  expect(await cards()).toBe(1);
  // A number of replies less.
  await expect.poll(async () => (await got("window")).length).toBeGreaterThan(1);
  // The same request is the same card.
  await expect(async () => {
    await post(card({ requestId: "r1" }));
    await expect.poll(async () => (await got("ack")).length, { timeout: 2000 }).toBeGreaterThan(1);
  }).toPass();
  expect(await cards()).toBe(1);
});

test("card for another conversation, of another form or too soon is refused, and the agent is told once", async ({ framed }) => {
  const { page, card, got, post, cards } = framed;
  for (const wrong of [card({ cid: "c000000000000" }), card({ uid: "other" }), card({ miniPage: { title: "x" } }), card({ requestId: "x".repeat(65) })]) await post(wrong);
  await expect.poll(async () => (await got("error")).map(({ code }) => code)).toEqual(["card.other_conversation", "card.other_conversation", "card.invalid", "card.invalid"]);
  expect((await got("error"))[2].errors).toEqual([{ field: "miniPage.pagepath", detail: "is missing" }]);
  await expect(parts.toasts(page)).toHaveCount(1);
  await expect(parts.toasts(page)).toContainText("订单: 页面想给另一个会话发卡片，已拒绝");
  for (const nothing of ["text", 26, null, { msgType: 27 }, { type: "selected" }]) await post(nothing);
  await post(card());
  await post(card());
  await expect.poll(async () => (await got("error")).at(-1).code).toBe("card.too_fast");
  await expect.poll(() => got("ack")).toHaveLength(1);
  expect(await cards()).toBe(1);
  expect(await got("error")).toHaveLength(5);
});

test("message of another window, of a frame inside, or of the desk itself is not heard", async ({ framed, pages }) => {
  const { page, frame, card, got, cards } = framed;
  // The desk's own window, and a frame of the same origin inside of the frame: another window.
  await page.evaluate((message) => window.postMessage(message, "*"), card());
  await frame.evaluate(async ([message, url]) => {
    const inner = document.createElement("iframe");
    inner.src = url;
    document.body.append(inner);
    await new Promise((resolve) => inner.addEventListener("load", resolve));
    inner.contentWindow.eval(`window.top.postMessage(${JSON.stringify(message)}, "*")`);
  }, [card(), `${pages[0].url}/inner`]);
  // A window that the frame opens.
  const [popup] = await Promise.all([page.waitForEvent("popup"), frame.evaluate((url) => void window.open(url), `${pages[0].url}/popup`)]);
  await popup.evaluate((message) => window.opener?.top?.postMessage(message, "*"), card()).catch(() => undefined);
  await popup.close();
  // What is heard afterwards shows that the others were not.
  await framed.post(card({ cid: "other" }));
  await expect.poll(() => got("error")).toHaveLength(1);
  expect(await cards()).toBe(0);
  expect(await got("ack")).toHaveLength(0);
});

test("frame that went to another origin is not loaded, and neither sends nor hears", async ({ framed, pages }) => {
  const { page, frame, card, cards } = framed;
  await frame.evaluate((url) => location.assign(url), `${pages[1].url}/elsewhere`);
  await expect.poll(() => page.frames().some((one) => one.url().startsWith(pages[0].url))).toBe(false);
  const gone = page.frames().find((one) => one !== page.mainFrame());
  await gone?.evaluate((message) => window.parent.postMessage(message, "*"), card()).catch(() => undefined);
  await expect(parts.log(page)).toContainText("在吗");
  expect(await cards()).toBe(0);
});

test("on another conversation the frame is told and not loaded again, and hears of the end and of the agent's status", async ({ framed, world }) => {
  const { page, frame, got, post, card, desk, cid } = framed;
  await frame.evaluate(() => (window.kept = "yes"));
  await world.arrives(desk, "王磊", "在吗");
  await openRow(page, "王磊");
  await expect.poll(() => got("selected")).toHaveLength(1);
  const [selected] = await got("selected");
  expect(selected.cid).not.toBe(cid);
  expect(selected.context.split(".")).toHaveLength(3);
  expect(await frame.evaluate(() => window.kept)).toBe("yes");
  // The conversation before is not the selected one any more.
  await post(card());
  await expect.poll(async () => (await got("error")).map(({ code }) => code)).toEqual(["card.other_conversation"]);
  await post({ type: "context" });
  await expect.poll(async () => (await got("context")).map((one) => one.cid)).toEqual([selected.cid]);
  await page.keyboard.press("Alt+Digit0");
  await page.getByRole("menuitem", { name: "忙碌" }).click();
  await expect.poll(async () => (await got("status")).at(-1)?.status).toBe("busy");
  await parts.head(page).getByRole("button", { name: "结束" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "结束会话" }).click();
  await expect.poll(() => got("closed")).toEqual([{ type: "closed", cid: selected.cid }]);
});

test("frame of a conversation that a colleague has sends nothing", async ({ framed, world }) => {
  const { page, post, card, got, desk, cards } = framed;
  await world.status(desk.agents[1], "online");
  await page.keyboard.press("Alt+KeyT");
  await page.getByRole("dialog").getByRole("radio", { name: /顶班的小陈 在线/ }).check();
  await page.getByRole("dialog").getByRole("button", { name: "转接" }).click();
  await expect(parts.note(page)).toContainText("顶班的小陈 正在接待");
  await post(card());
  await expect.poll(async () => (await got("error")).map(({ code }) => code)).toEqual(["card.not_yours"]);
  expect(await cards()).toBe(0);
});

test("example page shows the visitor's orders, and sends the card of one by embed.js", async ({ open, world, bundle }) => {
  const desk = await world.desk();
  const { items } = await bundle.call("/api/frames", { method: "PUT", body: JSON.stringify({ items: [{ name: "订单", url: `${bundle.phone}/orders`, app_ids: [desk.app_id] }] }) });
  await fetch(`${bundle.phone}/sim/orders/key`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ key: items[0].key }) });
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "订单到哪了");
  const page = await open(desk.agents[0]);
  await openRow(page, "林小满");
  await page.getByRole("tab", { name: "订单" }).click();
  const orders = page.frameLocator("iframe");
  await expect(orders.getByRole("listitem")).toHaveCount(3);
  await expect(orders.getByText("还能回复")).toBeVisible();
  const title = await orders.getByRole("listitem").first().locator("b").textContent();
  await orders.getByRole("button", { name: /发送订单/ }).first().click();
  await expect(orders.getByText("卡片已发送")).toBeVisible();
  await expect(parts.log(page).getByRole("article")).toContainText(title);
  await expect.poll(async () => JSON.stringify(await visitor.received())).toContain("pages/order/order?id=");
});
