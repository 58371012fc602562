// A long list and a long transcript: smooth, in place, and quiet at rest.
import { test, expect, parts } from "./fixtures.js";
import { at, conversation, message, started } from "./played.js";

/** Scrolls a list by steps, one a frame. Returns the processor time of the page's thread for a frame, in milliseconds. */
async function scroll(page, scroller, steps, by) {
  const devtools = await page.context().newCDPSession(page);
  // Processor time, because a machine of a test run does other things meanwhile.
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () => (await devtools.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value * 1000;
  const before = await spent();
  await scroller.evaluate(
    async (element, { steps, by }) => {
      for (let step = 0; step < steps; step += 1) {
        element.scrollBy(0, by);
        await new Promise(requestAnimationFrame);
      }
    },
    { steps, by },
  );
  const cost = ((await spent()) - before) / steps;
  await devtools.detach();
  return cost;
}

test("list of 500 and transcript of 5,000 scroll smoothly", async ({ open }, info) => {
  const world = { requests: 0, conversations: Array.from({ length: 500 }, (_, index) => conversation(index)), messages: Array.from({ length: 5000 }, (_, index) => message(index)) };
  const page = await started(open, world);
  expect(await parts.rows(page).count()).toBeLessThan(60);
  const list = page.locator("[role=listbox]");
  const listCost = await scroll(page, list, 150, 200);
  await page.goto(new URL("/desk/c0", page.url()).href);
  await expect(parts.log(page).getByText("第 4999 句")).toBeVisible();
  const scroller = parts.log(page).locator(".scroller");
  // Up to the first message, page by page.
  await expect
    .poll(
      async () => {
        await scroller.evaluate((element) => element.scrollTo(0, 0));
        return parts.log(page).getByText("第 0 句：", { exact: true }).count();
      },
      { timeout: 45_000, intervals: [30] },
    )
    .toBe(1);
  const logCost = await scroll(page, scroller, 150, 400);
  const before = Date.now();
  world.messages.push(message(5000, "刚刚说的"));
  world.conversations[0] = conversation(0, { revision: "2.1" });
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await expect(page.locator(".pill")).toBeVisible();
  const figures = `a frame costs ${listCost.toFixed(1)} ms in the list, ${logCost.toFixed(1)} ms in the transcript; a message came after ${Date.now() - before} ms`;
  info.annotations.push({ type: "figures", description: figures });
  console.log(figures);
  // Half of the 50 ms after which a frame is noticed.
  expect(Math.max(listCost, logCost), figures).toBeLessThan(25);
});

test("reading position stays when messages come, here and elsewhere", async ({ open }) => {
  const world = { requests: 0, conversations: [conversation(0), conversation(1)], messages: Array.from({ length: 200 }, (_, index) => message(index)) };
  const page = await started(open, world);
  await parts.row(page, "访客 0").click();
  await expect(parts.log(page).getByText("第 199 句")).toBeVisible();
  const scroller = parts.log(page).locator(".scroller");
  await scroller.hover();
  await page.mouse.wheel(0, -900);
  await expect.poll(() => scroller.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight)).toBeGreaterThan(400);
  const visible = () => parts.log(page).evaluate((log) => [...log.querySelectorAll(".message .theirs")].map((text) => [text.textContent.slice(0, 8), Math.round(text.getBoundingClientRect().top)]).find(([, top]) => top > 200));
  const before = await visible();
  const look = () => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  world.conversations[1] = conversation(1, { revision: "2.1", last_message_at: at(9000), unread: 3 });
  await look();
  await expect(parts.row(page, "访客 1")).toContainText("3");
  expect(await visible()).toEqual(before);
  world.messages.push(message(200), message(202));
  world.conversations[0] = conversation(0, { revision: "2.1" });
  await look();
  await expect(page.locator(".pill")).toBeVisible();
  expect(await visible()).toEqual(before);
  await page.locator(".pill").click();
  await expect(parts.log(page).getByText("第 202 句")).toBeVisible();
  await expect(page.locator(".pill")).toHaveCount(0);
  // At the end, what comes is followed.
  world.messages.push(message(203));
  world.conversations[0] = conversation(0, { revision: "3.1" });
  await look();
  await expect(parts.log(page).getByText("第 203 句")).toBeInViewport();
});

test("page that lost its computer's sleep looks again at once", async ({ open }) => {
  const world = { requests: 0, conversations: [conversation(0)], messages: [message(1)] };
  const page = await started(open, world);
  await parts.row(page, "访客 0").click();
  await expect(parts.log(page).getByText("第 1 句")).toBeVisible();
  world.messages.push(message(2, "睡着时说的"));
  world.conversations[0] = conversation(0, { revision: "2.1" });
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await expect(parts.log(page).getByText("睡着时说的")).toBeVisible({ timeout: 3000 });
});

test("open conversation that a colleague gets is seen to be theirs with the same look", async ({ open }) => {
  const world = { requests: 0, conversations: [conversation(0)], messages: [message(1)] };
  const page = await started(open, world);
  await parts.row(page, "访客 0").click();
  await expect(parts.box(page)).toBeVisible();
  world.elsewhere = [conversation(0, { revision: "2.1", assignee: { agent_id: "a1", name: "小陈", since: at(1) } })];
  world.conversations = [];
  await page.evaluate(() => dispatchEvent(new Event("online")));
  // The next look by itself comes after five seconds.
  await expect(parts.note(page)).toContainText("小陈 正在接待", { timeout: 3000 });
});
