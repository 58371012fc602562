// Measures, in `local`: the time from the visitor's push to the text on the agent's screen, the time from Enter to the phone, the
// requests to DynamoDB for each event that an agent's page shows, and what a page and the bundle use at rest. Prints them and writes
// them into the READMEs; with `--print` it changes no file.
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

import { withDemo, workbench } from "./demo.js";

const TIMES = 40;
const REST_SECONDS = 20;

const sorted = (numbers) => [...numbers].sort((one, other) => one - other);
const at = (numbers, share) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];
const summary = (numbers) => `p50 ${at(numbers, 0.5).toFixed(0)} ms, p95 ${at(numbers, 0.95).toFixed(0)} ms`;

const [BEGIN, END] = ["<!-- workbench-figures:begin -->", "<!-- workbench-figures:end -->"];
const machine = `${cpus()[0].model.replace(/ \d+-Core.*/, "")}, ${cpus().length}`;

/** The block of each README. */
const WORDS = {
  "README.md": ({ toScreen, toPhone, calls, total, spent, page, bundle }) => `The workbench in Chromium, with the whole bundle on the same machine:

| Measured | Result |
| --- | --- |
| The visitor's push → the text on the agent's screen | ${toScreen} |
| Enter → the text on the phone | ${toPhone} |
| Requests to DynamoDB for each message that the page shows, in or out | ${total}: ${spent} |
| Requests of the page to the API for each | ${calls} |
| At rest, of one core | page ${page}, bundle ${bundle} |

${TIMES} messages in each direction and ${REST_SECONDS} seconds at rest, on ${machine} cores, with the bundle of a debug build, ${today}. Made by \`npm --prefix tests/browser run figures\`.`,
  "README.zh-CN.md": ({ toScreen, toPhone, calls, total, spent, page, bundle }) => `Chromium 中的工作台，整个系统在同一台机器上：

| 测量项 | 数值 |
| --- | --- |
| 访客的推送 → 客服屏幕上的文字 | ${toScreen} |
| 按下 Enter → 手机上的文字 | ${toPhone} |
| 页面每显示一条消息（收或发），对 DynamoDB 的请求 | ${total}：${spent} |
| 同上，页面对 API 的请求 | ${calls} |
| 空闲时占一个核的比例 | 页面 ${page}，系统 ${bundle} |

两个方向各 ${TIMES} 条消息，空闲 ${REST_SECONDS} 秒；机器：${machine} 核；系统为调试构建；日期：${today}。由 \`npm --prefix tests/browser run figures\` 生成。`,
};
const today = new Date().toISOString().slice(0, 10);

/** Replaces the block of a README. */
async function write(name, text) {
  const path = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const page = await readFile(path, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${name} has no markers`);
  await writeFile(path, `${before}${BEGIN}\n${text}\n${END}${after}`);
}

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

/** The operations that are DynamoDB's; the bundle counts those of other services, too. */
const DYNAMODB = /Item|Query|Scan/;

/** Requests to DynamoDB so far, by function. */
async function requests(bundle) {
  const { items } = await (await fetch(`${bundle.phone}/sim/requests`)).json();
  const counts = new Map();
  for (const { function: name, operation, count } of items) if (name !== "local" && DYNAMODB.test(operation)) counts.set(name, (counts.get(name) ?? 0) + count);
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
  const spent = [...after].map(([name, count]) => [name, (count - (before.get(name) ?? 0)) / (2 * TIMES)]).filter(([, count]) => count >= 0.05);
  const total = spent.reduce((sum, [, count]) => sum + count, 0);
  const shownCalls = calls / (2 * TIMES);

  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const ofPage = async () => (await devtools.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;
  const [pageBefore, bundleBefore] = [await ofPage(), await processor(bundle.pid())];
  await new Promise((resolve) => setTimeout(resolve, REST_SECONDS * 1000));
  const share = (spentSeconds) => `${((spentSeconds / REST_SECONDS) * 100).toFixed(1)} %`;
  const measured = {
    toScreen: summary(toScreen),
    toPhone: summary(toPhone),
    calls: shownCalls.toFixed(1),
    total: total.toFixed(1),
    spent: spent.sort(([, one], [, other]) => other - one).map(([name, count]) => `${name} ${count.toFixed(1)}`).join(", "),
    page: share((await ofPage()) - pageBefore),
    bundle: share((await processor(bundle.pid())) - bundleBefore),
  };
  for (const [name, words] of Object.entries(WORDS)) {
    const text = words(measured);
    console.log(`${name}:\n${text}\n`);
    if (!process.argv.includes("--print")) await write(name, text);
  }
});
