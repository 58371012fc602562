// Measures, in `local`: the time from the visitor's push to the text on the agent's screen, the time from Enter to the phone, the
// requests to DynamoDB for each event that an agent's page shows, and what a page and the bundle use at rest. Prints them.
import { readFile } from "node:fs/promises";

import { withDemo, workbench } from "./demo.js";

const TIMES = 40;
const REST_SECONDS = 20;

const sorted = (numbers) => [...numbers].sort((one, other) => one - other);
const at = (numbers, share) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];
const summary = (numbers) => `median ${at(numbers, 0.5).toFixed(0)} ms, p95 ${at(numbers, 0.95).toFixed(0)} ms (${numbers.length} times)`;

/** Resolves with the time at which an element of the log contains a text. */
const appears = (page, text) =>
  page.evaluate(
    (wanted) =>
      new Promise((resolve) => {
        const log = document.querySelector("[role=log]");
        const look = () => {
          if (!log.textContent.includes(wanted)) return;
          watcher.disconnect();
          // After the frame that shows it.
          requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
        };
        const watcher = new MutationObserver(look);
        watcher.observe(log, { childList: true, subtree: true, characterData: true });
        look();
      }),
    text,
  );

/** Requests to DynamoDB so far, by function. */
async function requests(bundle) {
  const { items } = await (await fetch(`${bundle.phone}/sim/requests`)).json();
  const counts = new Map();
  for (const { function: name, count } of items) if (name !== "local") counts.set(name, (counts.get(name) ?? 0) + count);
  return counts;
}

/** Processor seconds of a process. */
async function processor(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

await withDemo(async ({ bundle, browser, visitor }) => {
  const page = await (await browser.newContext({ locale: "zh-CN", viewport: { width: 1440, height: 900 } })).newPage();
  await fetch(`${bundle.phone}/sim/demo`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  const socket = page.waitForEvent("websocket");
  await page.goto(workbench(bundle));
  await socket;
  const someone = visitor("量时间的");
  await someone.enters();
  await someone.says("转人工");
  await page.locator("[role=option][data-cid]").first().click();
  const box = page.locator("#reply");
  await box.waitFor();

  let calls = 0;
  page.on("request", () => { calls += 1; });
  const [toScreen, toPhone] = [[], []];
  const before = await requests(bundle);
  for (let turn = 0; turn < TIMES; turn += 1) {
    const shown = appears(page, `第 ${turn} 问`);
    const pushed = Date.now();
    await someone.says(`第 ${turn} 问`);
    toScreen.push((await shown) - pushed);

    const { revision } = await someone.chat();
    await box.fill(`第 ${turn} 答`);
    // The phone's typing is a change as well.
    const arrived = (async () => {
      for (let seen = revision; ; ) {
        const chat = await someone.chat(seen);
        if (JSON.stringify(chat.items).includes(`第 ${turn} 答`)) return Date.now();
        seen = chat.revision;
      }
    })();
    const pressed = Date.now();
    await box.press("Enter");
    toPhone.push((await arrived) - pressed);
    await page.locator("[data-state=sent]").filter({ hasText: `第 ${turn} 答` }).waitFor();
  }
  const after = await requests(bundle);
  console.log(`From the visitor's push to the agent's screen: ${summary(toScreen)}`);
  console.log(`From Enter to the phone: ${summary(toPhone)}`);
  const spent = [...after].map(([name, count]) => [name, (count - (before.get(name) ?? 0)) / (2 * TIMES)]).filter(([, count]) => count >= 0.05);
  const total = spent.reduce((sum, [, count]) => sum + count, 0);
  console.log(`Requests of the page for each event that it shows: ${(calls / (2 * TIMES)).toFixed(1)}`);
  console.log(`Requests to DynamoDB for each event that the page shows: ${total.toFixed(1)} (${spent.sort(([, one], [, other]) => other - one).map(([name, count]) => `${name} ${count.toFixed(1)}`).join(", ")})`);

  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const ofPage = async () => (await devtools.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;
  const [pageBefore, bundleBefore] = [await ofPage(), await processor(bundle.pid())];
  await new Promise((resolve) => setTimeout(resolve, REST_SECONDS * 1000));
  const share = (spentSeconds) => `${((spentSeconds / REST_SECONDS) * 100).toFixed(1)} %`;
  console.log(`At rest, of one core: page ${share((await ofPage()) - pageBefore)}, bundle ${share((await processor(bundle.pid())) - bundleBefore)} (${REST_SECONDS} s)`);
});
