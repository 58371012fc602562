// A day's use: the page's memory does not grow with what has happened.
import { test, expect, parts } from "./fixtures.js";
import { at, conversation, message, started } from "./played.js";

const EVENTS = 10_000;
const ROUNDS = 50;
const CONVERSATIONS = 120;
const KEPT = 200;

test("memory is flat over 10,000 events", async ({ open }, info) => {
  info.setTimeout(240_000);
  const everyone = Array.from({ length: CONVERSATIONS }, (_, index) => index);
  const threads = new Map(everyone.map((index) => [`c${index}`, [{ ...message(0), cid: `c${index}` }]]));
  const world = { requests: 0, messages: threads.get("c0"), threads, conversations: everyone.map((index) => conversation(index)) };
  const page = await started(open, world);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const heap = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    const { metrics } = await devtools.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "JSHeapUsedSize").value;
  };
  let events = 0;
  /** Visitors write, the page looks, and the agent opens one of the conversations. */
  const round = async (turn) => {
    for (let step = 0; step < EVENTS / ROUNDS; step += 1) {
      events += 1;
      const index = (turn * 7 + step) % CONVERSATIONS;
      const cid = `c${index}`;
      const thread = threads.get(cid);
      thread.push({ ...message(events), cid });
      if (thread.length > KEPT) thread.shift();
      const last = { id: `m${events}`, type: "text", excerpt: `第 ${events} 句`, direction: "in", at: at(events) };
      world.conversations[index] = conversation(index, { revision: `${events}.1`, last_message_at: at(events), last_message: last });
    }
    const looked = world.requests;
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await expect.poll(() => world.requests).toBeGreaterThan(looked);
    // Once the list is in its new order, so that no row moves under the click.
    await expect(parts.row(page, `第 ${events} 句`)).toBeVisible();
    const row = parts.rows(page).nth(turn % 8);
    const cid = await row.getAttribute("data-cid");
    await page.locator(`[data-cid=${cid}]`).click();
    await expect(parts.log(page).getByText(threads.get(cid).at(-1).text.content, { exact: true })).toBeVisible();
  };
  const warm = 6;
  for (let turn = 0; turn < warm; turn += 1) await round(turn);
  const before = await heap();
  for (let turn = warm; turn < ROUNDS; turn += 1) await round(turn);
  const after = await heap();
  expect(events).toBe(EVENTS);
  const figures = `heap after ${events} events ${(after / 1e6).toFixed(1)} MB, ${(before / 1e6).toFixed(1)} MB after the first ${(EVENTS / ROUNDS) * warm}`;
  console.log(figures);
  expect(after / before, figures).toBeLessThan(1.5);
});
