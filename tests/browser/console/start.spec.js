// The first address that `cargo run -p local` prints: the workbench, signed in, beside the phones.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test, expect, parts, reply } from "./fixtures.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds serious in a page or a frame. */
async function serious(frame) {
  await frame.evaluate(axe);
  return frame.evaluate(async () => {
    const { violations } = await window.axe.run(document, { iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
  });
}

/** Opens the printed address. The page and its frames must not complain. */
async function begin(browser, bundle, options) {
  const context = await browser.newContext({ locale: "zh-CN", viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(`${message.text()} ${message.location().url}`));
  await page.goto(bundle.address());
  return { context, page, complaints, desk: page.frameLocator("#console"), phone: page.frameLocator("#frames .selected") };
}

test("one address leads from the first start to the first reply", async ({ browser, ownBundle }) => {
  const { context, page, complaints, desk, phone } = await begin(browser, ownBundle);
  expect(page.url()).toBe(`${ownBundle.phone}/desk`);
  await expect(desk.getByRole("button", { name: /我的状态/ })).toContainText("在线");
  await phone.getByRole("button", { name: "联系客服" }).click();
  await phone.getByLabel("消息").fill("转人工");
  await phone.getByRole("button", { name: "发送", exact: true }).click();
  await expect(parts.rows(desk).first()).toBeVisible();
  await expect.poll(() => desk.locator("html").getAttribute("data-rings")).toContain("assigned");
  await parts.rows(desk).first().click();
  await expect(parts.log(desk).getByText("转人工", { exact: true })).toBeVisible();
  await parts.box(desk).pressSequentially("您好");
  await expect(phone.getByText("客服正在输入…")).toBeVisible();
  await reply(desk, "您好，我是小林，请讲。");
  await expect(phone.getByRole("log").getByText("您好，我是小林，请讲。")).toBeVisible();
  // The code was used, and the session stays.
  await page.reload();
  await expect(parts.rows(desk).first()).toBeVisible();
  await expect(phone.getByRole("button", { name: "联系客服" })).toBeVisible();
  expect(complaints).toEqual([]);
  await context.close();
});

test("frame beside the phones sends a card, and the phone shows it", async ({ browser, ownBundle }) => {
  const { context, complaints, desk, phone } = await begin(browser, ownBundle);
  await phone.getByRole("button", { name: "联系客服" }).click();
  await phone.getByLabel("消息").fill("转人工");
  await phone.getByRole("button", { name: "发送", exact: true }).click();
  await parts.rows(desk).first().click();
  // Between the list and the phones there is no room for the profile beside the conversation.
  await parts.head(desk).getByRole("button", { name: "资料" }).click();
  await desk.getByRole("tab", { name: "订单" }).click();
  const orders = desk.frameLocator("iframe");
  await expect(orders.getByRole("listitem")).toHaveCount(3);
  const title = await orders.getByRole("listitem").first().locator("b").textContent();
  await orders.getByRole("button", { name: /发送订单/ }).first().click();
  await expect(orders.getByText("卡片已发送")).toBeVisible();
  await expect(phone.getByRole("log").getByText(title)).toBeVisible();
  expect(complaints).toEqual([]);
  await context.close();
});

test("at 390 pixels the workbench and the phone take turns", async ({ browser, ownBundle }) => {
  const { context, page, desk, phone } = await begin(browser, ownBundle, { viewport: { width: 390, height: 844 }, hasTouch: true });
  await expect(desk.getByRole("button", { name: /状态/ }).first()).toBeVisible();
  await expect(page.locator("#frames")).toBeHidden();
  await page.getByRole("button", { name: "手机", exact: true }).click();
  await expect(page.locator("#console")).toBeHidden();
  await phone.getByRole("button", { name: "联系客服" }).click();
  await phone.getByLabel("消息").fill("转人工");
  await phone.getByRole("button", { name: "发送", exact: true }).click();
  await page.getByRole("button", { name: "工作台", exact: true }).click();
  await expect(parts.rows(desk).first()).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
  await context.close();
});

test("page of another origin cannot show the workbench in a frame", async ({ browser, ownBundle }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  for (const origin of ["http://localhost:9", "http://127.0.0.1:9", "https://evil.example"]) {
    await page.route(`${origin}/**`, (route) => route.fulfill({ contentType: "text/html", body: `<iframe src="${ownBundle.api}/"></iframe>` }));
    await page.goto(`${origin}/`);
    // The browser shows an error page instead, or the server refuses.
    await expect(page.frameLocator("iframe").locator("#app, #sign-in")).toHaveCount(0);
    expect(page.frames()[1]?.url() ?? "").not.toBe(`${ownBundle.api}/desk`);
  }
  await context.close();
});

test("three visitors stand side by side, each with an openid and a name of its own", async ({ browser, ownBundle }) => {
  const context = await browser.newContext({ locale: "zh-CN", viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(ownBundle.phone);
  for (const _ of [2, 3]) await page.getByRole("button", { name: "添加访客" }).click();
  await expect(page.getByRole("button", { name: "添加访客" })).toBeHidden();
  const frames = [1, 2, 3].map((slot) => page.frameLocator(`#frames [data-slot="${slot}"]`));
  for (const [index, frame] of frames.entries()) {
    await frame.getByRole("button", { name: "联系客服" }).click();
    await frame.getByLabel("消息").fill(`我是 ${index + 1} 号`);
    await frame.getByRole("button", { name: "发送", exact: true }).click();
    await expect(frame.getByRole("log").getByText(`我是 ${index + 1} 号`)).toBeVisible();
  }
  for (const [index, frame] of frames.entries()) await expect(frame.getByRole("log").getByText("我是")).toHaveCount(1, { message: String(index) });
  await expect.poll(async () => new Set((await ownBundle.call("/api/conversations")).items.map(({ openid }) => openid)).size).toBe(3);
  const { items } = await ownBundle.call("/api/conversations");
  expect(items.map(({ visitor }) => visitor.nickname).sort()).toEqual(["Emma", "小林", "王磊"]);
  // The pushes of the selected phone are listed with their answers.
  await page.getByRole("button", { name: "王磊", exact: true }).click();
  await expect(page.locator("#pushes li")).toHaveCount(2);
  await expect(page.locator("#pushes li").first()).toContainText("我是 2 号");
  await expect(page.locator("#pushes li").first()).toContainText("200 ·");
  // The frame of the workbench is empty here.
  for (const frame of page.frames().filter((one) => one.url() !== "about:blank")) expect(await serious(frame), frame.url()).toEqual([]);
  await context.close();
});

test("controls move the clock of the bundle, set a fault, and lead to the conversation", async ({ browser, ownBundle }) => {
  const { context, page, desk, phone } = await begin(browser, ownBundle);
  await phone.getByRole("button", { name: "联系客服" }).click();
  await phone.getByLabel("消息").fill("转人工");
  await phone.getByRole("button", { name: "发送", exact: true }).click();
  await expect(parts.rows(desk).first()).toBeVisible();
  await page.getByRole("button", { name: "控制" }).click();
  await page.getByRole("button", { name: "在工作台里看这个会话" }).click();
  await expect(parts.log(desk).getByText("转人工", { exact: true })).toBeVisible();
  await expect(page.locator("#about")).toContainText(/还可回复 \d 条/);
  await page.locator("#fault").selectOption("f_push");
  await expect(page.locator("#said")).toHaveText("下一次会出这个故障");
  await phone.getByLabel("消息").fill("听得到吗");
  await phone.getByLabel("消息").press("Enter");
  await expect(phone.getByText("该小程序客服暂时无法提供服务，请稍后再试")).toBeVisible();
  await expect(page.locator("#pushes li").first()).toContainText("没有送到 · 500");
  await page.getByRole("button", { name: "+48 小时" }).click();
  await expect(page.locator("#ahead")).toHaveText("比现在早 2 天");
  await expect(page.locator("#about")).toContainText("还可回复 0 条");
  const shown = async () => Date.parse((await ownBundle.call("/api/me")).now) - Date.now();
  expect(Math.round((await shown()) / 3_600_000)).toBe(48);
  await page.getByRole("button", { name: "回到现在" }).click();
  await expect(page.locator("#ahead")).toHaveText("和现在一样");
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.locator("#view")).toHaveText("Phones only");
  await context.close();
});
