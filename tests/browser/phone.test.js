// The phone page of the simulated WeChat: the contact button, the chat, and what an agent sends to it.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { after, before, beforeEach, afterEach, test } from "node:test";

import { chromium } from "playwright-core";

import { startBundle } from "./bundle.js";

const screenshots = fileURLToPath(new URL("screenshots/", import.meta.url));
const reply = "您好，这里是 Kefu 演示客服，已收到您的消息。";
let bundle;
let browser;
let page;
let complaints;

before(async () => {
  await mkdir(screenshots, { recursive: true });
  bundle = await startBundle();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
});

after(async () => {
  await browser?.close();
  await bundle?.stop();
});

beforeEach(async () => {
  // A new context is another visitor: the phone keeps its openid in the browser's storage.
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN" });
  page = await context.newPage();
  complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  await page.goto(`${bundle.phone}/phone`);
});

afterEach(async () => {
  await page.context().close();
  assert.deepEqual(complaints, [], "the page complained");
});

const contact = () => page.getByRole("button", { name: "联系客服" });
const log = () => page.getByRole("log");

async function write(text) {
  await page.getByLabel("消息").fill(text);
  await page.getByRole("button", { name: "发送", exact: true }).click();
}

/** The visitor's conversation, from the API. */
async function conversation() {
  const openid = await page.evaluate(() => localStorage.getItem("phone.1.openid"));
  const { items } = await bundle.call("/api/conversations");
  return items.find((item) => item.openid === openid);
}

test("contact button has the attributes of WeChat's button", async () => {
  for (const name of ["session-from", "show-message-card", "send-message-title", "send-message-path", "send-message-img"]) {
    assert.ok(await contact().getAttribute(name), name);
  }
  assert.equal(await contact().getAttribute("open-type"), "contact");
  assert.match(await contact().getAttribute("session-from"), /^sobot\|/);
});

test("text gets the automatic reply", async () => {
  await page.screenshot({ path: `${screenshots}mini-program.png` });
  await contact().click();
  await write("你好，这件还有货吗？😀");
  await log().getByText(reply).waitFor();
  assert.ok(await log().getByText("你好，这件还有货吗？😀").isVisible());
  assert.equal(await log().getByText(reply).count(), 1);
  await page.screenshot({ path: `${screenshots}chat.png` });
});

test("Enter sends a text, but not during the composition of an input method", async () => {
  await contact().click();
  const box = page.getByLabel("消息");
  await box.fill("zhong");
  await box.evaluate((area) => {
    area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }));
  });
  assert.equal(await box.inputValue(), "zhong");
  await box.fill("中文");
  await box.press("Enter");
  await log().getByText("中文").waitFor();
  assert.equal(await box.inputValue(), "");
});

test("card of the prompt is sent and an agent can read it", async () => {
  await contact().click();
  await page.getByRole("button", { name: /发送小程序卡片/ }).click();
  await log().getByText(reply).waitFor();
  const { cid } = await conversation();
  const { items } = await bundle.call(`/api/conversations/${cid}/messages`);
  const card = items.find((item) => item.type === "miniprogrampage");
  assert.equal(card.direction, "in");
  assert.ok(card.miniprogrampage.title);
  assert.ok(card.miniprogrampage.pagepath);
  await page.screenshot({ path: `${screenshots}card-sent.png` });
});

test("text and card of an agent appear on the phone", async () => {
  await contact().click();
  await write("在吗");
  await log().getByText(reply).waitFor();
  const { cid } = await conversation();
  const say = (path, body) => bundle.call(`/api/conversations/${cid}/${path}`, { method: "POST", body: JSON.stringify(body) });
  const text = await say("messages", { type: "text", text: { content: "在的，<b>请看</b>这张卡片" } });
  assert.equal(text.state, "sent");
  const miniPage = { title: "新品到店", pagepath: "pages/item/item?id=8", thumbUrl: `${bundle.phone}/phone/cover.png` };
  const card = await say("cards", { cid, msgType: 26, miniPage });
  assert.equal(card.state, "sent");
  await log().getByText("在的，<b>请看</b>这张卡片").waitFor();
  await log().getByText("新品到店").waitFor();
  await page.screenshot({ path: `${screenshots}card-received.png` });
});

test("text that could not be sent stays with a button that sends it again", async () => {
  await contact().click();
  await write("在吗");
  await log().getByText(reply).waitFor();
  const down = (route) => route.abort();
  await page.route("**/sim/visitors/**", down);
  await write("还没发出去");
  const unsent = log().locator(".unsent");
  await unsent.getByText("还没发出去").waitFor();
  assert.ok(await unsent.getByText("没有发出去").isVisible());
  assert.equal(await page.getByLabel("消息").inputValue(), "还没发出去", "the draft is kept");
  assert.equal(await page.getByText("Failed to fetch").count(), 0);
  await page.screenshot({ path: `${screenshots}unsent.png` });
  await unsent.getByRole("button", { name: "重发" }).click();
  await unsent.getByRole("button", { name: "重发" }).waitFor();
  assert.equal(await unsent.count(), 1, "the second attempt replaces the first");
  await page.unroute("**/sim/visitors/**", down);
  await unsent.getByRole("button", { name: "重发" }).click();
  await unsent.waitFor({ state: "detached" });
  assert.equal(await page.getByLabel("消息").inputValue(), "");
  await log().getByText("还没发出去").waitFor();
  assert.equal(await log().getByText("还没发出去").count(), 1);
  // The browser reports each request that failed.
  complaints = complaints.filter((text) => !text.includes("ERR_FAILED"));
});

test("phone has a frame on a desktop", async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await contact().click();
  await write("桌面");
  await log().getByText(reply).waitFor();
  await page.screenshot({ path: `${screenshots}desktop.png` });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.equal(overflow, false);
});

test("button's attributes that are edited are those of the push and of the card", async () => {
  await page.getByRole("button", { name: "编辑按钮属性" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("session-from").fill("sobot|改名的访客||groupid=none");
  await dialog.getByLabel("send-message-title").fill("改过的卡片");
  await dialog.getByLabel("进入时提示发送卡片").uncheck();
  await dialog.getByRole("button", { name: "完成" }).click();
  await page.locator('[session-from="sobot|改名的访客||groupid=none"]').waitFor();
  await contact().click();
  assert.equal(await page.locator("#prompt").isVisible(), false);
  await page.getByRole("button", { name: "更多" }).click();
  await page.getByRole("button", { name: "小程序卡片" }).click();
  await log().getByText("改过的卡片").waitFor();
  await log().getByText(reply).waitFor();
  assert.equal((await conversation()).visitor.nickname, "改名的访客");
  await page.getByRole("button", { name: "返回小程序" }).click();
  await page.getByRole("button", { name: "编辑按钮属性" }).click();
  await dialog.getByRole("button", { name: "恢复小程序的值" }).click();
  await dialog.getByRole("button", { name: "完成" }).click();
  await page.locator('[session-from^="sobot|小林|"]').waitFor();
});

test("service is called online only while an agent is", async () => {
  await page.getByText("有问题？问智能客服").waitFor();
  // Without a robot, a visitor would get an agent or nobody.
  const { items } = await bundle.call("/api/bindings");
  const { app_id, reception } = items.find((binding) => binding.app_id.startsWith("wxde"));
  const { group_id } = reception;
  const receive = (body) => bundle.call(`/api/bindings/${app_id}`, { method: "PATCH", body: JSON.stringify({ reception: body }) });
  const { items: agents } = await bundle.call("/api/agents");
  const status = (one) => bundle.call(`/api/agents/${agents[0].id}/status`, { method: "PUT", body: JSON.stringify({ status: one }) });
  await receive({ ...reception, mode: "agents_only" });
  assert.ok(group_id);
  await page.reload();
  await page.getByText("客服不在线，可以留言").waitFor();
  await status("online");
  await page.reload();
  await page.getByText("有问题？客服在线").waitFor();
  await status("offline");
  await receive(reception);
});

test("refused push shows WeChat's apology", async () => {
  const app_id = "wx00000000000000c1";
  const app_secret = "0123456789abcdef0123456789abcdef";
  const configure = async (more) => {
    const response = await fetch(`${bundle.phone}/sim/mini-programs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ app_id, app_secret, ...more }),
    });
    return response.json();
  };
  await configure({});
  const body = JSON.stringify({ name: "c1", app_id, app_secret });
  const { callback_url, token, encoding_aes_key } = await bundle.call("/api/bindings", { method: "POST", body });
  const made = await configure({ callback_url, token, encoding_aes_key, format: "json" });
  assert.equal(made.verified, true);
  // The callback refuses pushes of a mini program that is not bound.
  await bundle.call(`/api/bindings/${app_id}`, { method: "DELETE" });
  await page.reload();
  await page.getByRole("button", { name: "切换小程序或访客" }).filter({ visible: true }).first().click();
  await page.locator("#pick").selectOption(app_id);
  await page.getByRole("button", { name: "完成" }).click();
  await contact().click();
  await write("听得到吗");
  await log().getByText("该小程序客服暂时无法提供服务，请稍后再试").first().waitFor();
  await page.screenshot({ path: `${screenshots}apology.png` });
});

test("words are the same in both languages", async () => {
  const { zh, en } = await page.evaluate(async () => {
    const { keys } = await import("/phone/words.js");
    return { zh: keys("zh-CN"), en: keys("en") };
  });
  assert.deepEqual(zh, en);
});
