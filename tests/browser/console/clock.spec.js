// What hours do to the desk. The clock of the whole bundle is moved; nothing waits.
import { test, expect, parts, openRow, reply, signIn } from "./fixtures.js";

const HOUR = 3600;

test("window ends on the agent's screen, a text is held, and it fails when its time is over", async ({ open, ownBundle, ownWorld: world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗");
  const { page } = await signIn(open, world, desk.agents[0]);
  await openRow(page, "林小满");
  await reply(page, "在的");
  const chip = parts.head(page).locator("[data-test=quota]").last();
  await expect(chip).toContainText("47:5");
  await ownBundle.clock(47.5 * HOUR);
  // The conversation and the session are still there.
  await expect(chip).toContainText(/剩 \d 条 · (2|3)\d 分/);
  for (const text of ["二", "三", "四", "五"]) await reply(page, text);
  await expect(parts.note(page)).toContainText("会留住");
  await parts.box(page).fill("留住的");
  await parts.box(page).press("Enter");
  const held = (state) => parts.log(page).locator(`[data-state=${state}]`).filter({ hasText: "留住的" });
  await expect(held("held")).toBeVisible();
  await ownBundle.clock(49 * HOUR);
  await expect(chip).toContainText("48 小时窗口已关");
  await expect(parts.note(page)).toContainText("窗口已关。访客再发消息后才能回复");
  await ownBundle.clock(49 * HOUR + 73 * HOUR);
  await expect(held("failed")).toContainText("没等到访客说话，已过期，没有发出");
  // The conversation has ended meanwhile, 48 hours after the agent's last word. The next text begins another one.
  await expect(parts.note(page)).toContainText("会话已结束");
  await visitor.says("现在在了");
  await openRow(page, "林小满");
  await expect(parts.log(page).getByText("现在在了")).toBeVisible();
  await expect(chip).toContainText(/剩 \d 条 · 47:5/);
  await reply(page, "好的");
  expect(JSON.stringify(await visitor.received())).not.toContain("留住的");
});

test("socket that ends after two hours is opened again, and nothing is missing or twice", async ({ open, ownBundle, ownWorld: world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "第一句");
  const { page, socket } = await signIn(open, world, desk.agents[0]);
  await openRow(page, "林小满");
  await Promise.all([
    page.waitForEvent("websocket", { predicate: (other) => other.url().includes("ticket=") }),
    socket.waitForEvent("close"),
    ownBundle.clock(2 * HOUR),
  ]);
  await visitor.says("断开时说的");
  await expect(parts.log(page).getByText("断开时说的")).toBeVisible();
  await visitor.says("之后说的");
  for (const text of ["第一句", "断开时说的", "之后说的"]) await expect(parts.log(page).getByText(text, { exact: true })).toHaveCount(1);
  await expect(page.locator("[data-test=connection]")).toHaveCount(0);
});

test("computer that slept shows what it missed, once, and nothing it had is lost", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "睡前说的");
  const page = await open(null, "/favicon-of-nothing.txt", { expected: /Failed to load resource|WebSocket/ });
  await page.clock.install();
  const { url } = await world.post(`/api/agents/${desk.agents[0].id}/sign-in-code`, {});
  await page.goto(`${world.bundle.api}/${new URL(url).hash}`);
  await openRow(page, "林小满");
  await parts.box(page).fill("写了一半");
  const context = page.context();
  await context.setOffline(true);
  for (const text of ["睡着时一", "睡着时二"]) await visitor.says(text);
  // As when the lid of a laptop is closed: timers fire late, once.
  await page.clock.fastForward("01:30:00");
  await context.setOffline(false);
  for (const text of ["睡前说的", "睡着时一", "睡着时二"]) await expect(parts.log(page).getByText(text, { exact: true })).toHaveCount(1);
  await expect(parts.box(page)).toHaveValue("写了一半");
  await visitor.says("醒来后说的");
  await expect(parts.log(page).getByText("醒来后说的")).toBeVisible();
});

test("page at rest does next to nothing", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  await world.arrives(desk, "林小满", "在吗");
  const page = await open(null, "/favicon-of-nothing.txt", { expected: /Failed to load resource/ });
  await page.clock.install();
  const { url } = await world.post(`/api/agents/${desk.agents[0].id}/sign-in-code`, {});
  const opened = page.waitForEvent("websocket", { predicate: (socket) => socket.url().includes("ticket=") });
  await page.goto(`${world.bundle.api}/${new URL(url).hash}`);
  await openRow(page, "林小满");
  await opened;
  let requests = 0;
  page.on("request", () => { requests += 1; });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () => (await devtools.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;
  const before = await spent();
  // Ten minutes of the page's time.
  for (let minute = 0; minute < 10; minute += 1) await page.clock.runFor(60_000);
  const share = ((await spent()) - before) / 600;
  console.log(`at rest: ${(share * 100).toFixed(2)} % of a core, ${requests} requests in ten minutes`);
  expect(share).toBeLessThan(0.02);
  expect(requests).toBeLessThan(120);
});
