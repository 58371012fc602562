// Makes the pictures of the README: `npm --prefix tests/browser run pictures`. Fails if one is larger than 120 kB.
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { withDemo, workbench } from "./demo.js";
import { writePng } from "./png.js";
import { turn } from "./theme.js";

const folder = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const LIMIT = 120_000;

/** What is on the desk: three visitors, one of them with robot, agent, card and held text. */
async function furnish({ bundle, visitor }) {
  const { items: agents } = await bundle.call("/api/agents");
  const status = { method: "PUT", body: JSON.stringify({ status: "online" }) };
  await bundle.call(`/api/agents/${agents[0].id}/status`, status);
  const { token } = await bundle.call("/api/access-tokens", { method: "POST", body: JSON.stringify({ name: "小林", role: "agent", agent_id: agents[0].id }) });
  const say = async (cid, path, body) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(`${bundle.api}/api/conversations/${cid}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
  };
  const text = (content) => ({ type: "text", text: { content } });
  /** The conversation of a visitor, as soon as the agent has it. */
  const conversation = async ({ openid }) => {
    for (;;) {
      const { items } = await bundle.call("/api/conversations?view=all&limit=100");
      const found = items.find((item) => item.openid === openid && item.assignee);
      if (found) return found.cid;
    }
  };
  const people = [];
  for (const [name, more, first] of [["王磊", "", "转人工"], ["Emma Zhang", "", "转人工"], ["林小满", '{"level":"gold","order":"20260601"}|partnerid=member-7', "运费多少"]]) {
    const one = visitor(name);
    await one.enters(more);
    await one.says(first);
    people.push(one);
  }
  const [wang, emma, lin] = people;
  await wang.says("我的订单什么时候到？");
  await say(await conversation(wang), "messages", text("今天已发货，预计明天送到。"));
  await emma.says("Do you ship to Canada?");
  await lin.says("转人工");
  const cid = await conversation(lin);
  await lin.says("这件还有货吗？想要 250 克的");
  await say(cid, "messages", text("您好，有货的，今天下单当天烘焙，明早发出。"));
  await say(cid, "cards", { msgType: 26, miniPage: { title: "云南小粒咖啡豆 250 克", pagepath: "pages/item/item?id=7", thumbUrl: `${bundle.phone}/phone/cover.png` } });
  await lin.says("好的，谢谢！");
  return lin;
}

await mkdir(folder, { recursive: true });
await withDemo(async (demo) => {
  const { bundle, browser } = demo;
  const lin = await furnish(demo);
  const wide = { width: 1440, height: 900 };
  const context = await browser.newContext({ locale: "zh-CN", timezoneId: "Asia/Shanghai", viewport: wide, reducedMotion: "reduce" });
  const [page, blank] = [await context.newPage(), await context.newPage()];
  const made = [];
  const picture = async (name) => {
    const screenshot = await page.screenshot({ animations: "disabled", caret: "hide" });
    const size = await writePng(blank, screenshot, `${folder}${name}.png`);
    made.push({ name, size });
    console.log(`${name}.png ${(size / 1000).toFixed(0)} kB`);
  };
  const opened = async (frame) => {
    await frame.locator("[role=option][data-cid]").filter({ hasText: "林小满" }).click();
    await frame.getByRole("log").getByText("好的，谢谢！").waitFor();
    await frame.getByRole("log").getByRole("article").waitFor();
    await frame.getByRole("log").locator(".scroller").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  };

  await page.goto(workbench(bundle));
  await opened(page);
  await picture("workbench");
  await turn(page, "dark");
  await picture("workbench-dark");
  await turn(page, "light");

  // The phone of the same visitor, beside the workbench.
  await page.goto(`${bundle.phone}/phone`);
  await page.evaluate((openid) => {
    localStorage.setItem("phone.1.openid", openid);
    localStorage.setItem("phone.1.nickname", "林小满");
  }, lin.openid);
  await page.goto(`${bundle.phone}/desk`);
  await opened(page.frameLocator("#console"));
  const phone = page.frameLocator("#frames .selected");
  await phone.getByRole("button", { name: "联系客服" }).click();
  await phone.getByRole("button", { name: "不发送卡片" }).click();
  await phone.getByRole("log").getByText("好的，谢谢！").waitFor();
  await picture("workbench-and-phone");

  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${bundle.api}/desk`);
  await opened(page);
  await picture("workbench-390");

  const large = made.filter(({ size }) => size > LIMIT);
  if (large.length > 0) throw new Error(`larger than ${LIMIT} bytes: ${large.map(({ name }) => name).join(", ")}`);
});
