// What agents do with conversations.
import { test, expect, parts, openRow, reply } from "./fixtures.js";

test("of two agents who take a conversation at once one has it, and the other is told who", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "小陈"], capacity: 1 });
  const [one, other] = desk.agents;
  const visitors = ["甲", "乙"].map((name) => `排队的${name}`);
  // Both are on duty but take nothing by themselves.
  for (const agent of desk.agents) await world.status(agent, "busy");
  for (const name of visitors) await world.arrives(desk, name, "有人吗");
  const pages = [await open(one), await open(other, "/desk", { expected: /Failed to load resource/ })];
  for (const page of pages) {
    await parts.view(page, "waiting").click();
    await openRow(page, visitors[0]);
    await expect(parts.head(page).getByRole("button", { name: "接入" })).toBeVisible();
  }
  // The second page does not hear of the first one's claim before it tries.
  await pages[1].route("**/api/conversations?*", (route) => route.abort());
  await pages[1].route("**/api/conversations/c*", (route) => (route.request().method() === "GET" ? route.abort() : route.continue()));
  await parts.head(pages[0]).getByRole("button", { name: "接入" }).click();
  await expect(parts.toasts(pages[0])).toContainText("已接入 排队的甲");
  await parts.head(pages[1]).getByRole("button", { name: "接入" }).click();
  await expect(parts.toasts(pages[1]).filter({ hasText: "慢了一步，小林 已接入" })).toBeVisible();
  await expect(parts.box(pages[0])).toBeFocused();
});

test("ten visitors wait, and the next one is taken by one click each", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "小陈"], capacity: 6 });
  for (const agent of desk.agents) await world.status(agent, "busy");
  const names = Array.from({ length: 10 }, (_, index) => `访客${index}`);
  for (const name of names) await world.arrives(desk, name, "在吗");
  // Who is slower gets a 409 for a conversation and takes the next.
  const pages = await Promise.all(desk.agents.map((agent) => open(agent, "/desk", { expected: /409/ })));
  await Promise.all(pages.map((page) => expect(page.getByRole("button", { name: "接入下一位" })).toBeEnabled()));
  for (let turn = 0; turn < 5; turn += 1) {
    await Promise.all(
      pages.map(async (page) => {
        const before = page.url();
        await page.getByRole("button", { name: "接入下一位" }).click();
        await expect.poll(() => page.url()).not.toBe(before);
      }),
    );
  }
  for (const page of pages) await expect(parts.rows(page)).toHaveCount(5);
  const mine = await Promise.all(pages.map((page) => parts.rows(page).evaluateAll((rows) => rows.map((row) => row.dataset.cid))));
  expect(new Set(mine.flat()).size).toBe(10);
});

test("transfer goes to the colleague with its reason, and the loads are shown before", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "退货的小陈"] });
  const [one, other] = desk.agents;
  await world.status(one, "online");
  await world.arrives(desk, "林小满", "要退货");
  await world.status(other, "online");
  const pages = [await open(one), await open(other)];
  await openRow(pages[0], "林小满");
  await parts.head(pages[0]).getByRole("button", { name: "转接" }).click();
  const dialog = pages[0].getByRole("dialog");
  await expect(dialog.locator(".target").filter({ hasText: "退货的小陈" })).toContainText("在线 · 0/10");
  await dialog.getByRole("radio", { name: /退货的小陈/ }).check();
  await dialog.getByLabel(/转接原因/).fill("退货归你");
  await dialog.getByRole("button", { name: "转接" }).click();
  await expect(parts.toasts(pages[0])).toContainText("已转给 退货的小陈");
  await expect(parts.note(pages[0])).toContainText("退货的小陈 正在接待");
  await openRow(pages[1], "林小满");
  await expect(parts.log(pages[1])).toContainText("小林 转给 退货的小陈：退货归你");
  await reply(pages[1], "您好，退货找我");
});

test("five replies go out, the next is held, can be taken back, and goes out when the visitor writes", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗");
  const page = await open(desk.agents[0]);
  await openRow(page, "林小满");
  // An automatic prompt may have used replies already.
  for (let text = 1; text <= 5; text += 1) {
    if (await parts.note(page).filter({ hasText: "会留住" }).isVisible()) break;
    await reply(page, `第 ${text} 条`);
    await expect(page.locator("#reply")).toHaveValue("");
    if (text < 5) await page.waitForTimeout(0);
  }
  await expect(parts.note(page)).toContainText("会留住");
  await expect(parts.head(page).locator("[data-test=quota]").last()).toContainText("5 条已用完");
  for (const text of ["留住的一", "留住的二"]) {
    await parts.box(page).fill(text);
    await parts.box(page).press("Enter");
    await expect(parts.log(page).locator("[data-state=held]").filter({ hasText: text })).toBeVisible();
  }
  expect((await visitor.received()).filter(({ text }) => JSON.stringify(text ?? "").includes("留住"))).toEqual([]);
  await parts.log(page).locator("[data-state=held]").filter({ hasText: "留住的一" }).getByRole("button", { name: "撤回", exact: true }).click();
  await expect(parts.log(page).locator("[data-state=cancelled]").filter({ hasText: "留住的一" })).toBeVisible();
  await visitor.says("还在吗");
  await expect(parts.log(page).locator("[data-state=released]").filter({ hasText: "留住的二" })).toBeVisible();
  const received = JSON.stringify(await visitor.received());
  expect(received).toContain("留住的二");
  expect(received).not.toContain("留住的一");
});

/** A desk whose agent has no reply left, and the row of a text in a state. */
async function withoutReplies(world, open, options) {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗");
  const page = await open(desk.agents[0], "/desk", options);
  await openRow(page, "林小满");
  for (let text = 1; text <= 5; text += 1) await reply(page, `第 ${text} 条`);
  await expect(parts.note(page)).toContainText("会留住");
  const hold = async (text) => {
    await parts.box(page).fill(text);
    await parts.box(page).press("Enter");
  };
  return { page, visitor, hold, row: (state, text) => parts.log(page).locator(`[data-state=${state}]`).filter({ hasText: text }) };
}

test("held text says until when, is edited in one step, and only what it became goes out", async ({ open, world }) => {
  const { page, visitor, hold, row } = await withoutReplies(world, open);
  await hold("初稿：明天发货");
  await expect(row("held", "初稿")).toContainText(/最晚到 .*\d\d:\d\d/);
  await row("held", "初稿").getByRole("button", { name: "撤回并修改" }).click();
  await expect(parts.box(page)).toHaveValue("初稿：明天发货");
  await expect(parts.box(page)).toBeFocused();
  await expect(row("cancelled", "初稿").getByRole("button", { name: "放回输入框" })).toBeVisible();
  await hold("定稿：后天发货");
  await expect(row("held", "定稿")).toBeVisible();
  await visitor.says("还在吗");
  await expect(row("released", "定稿")).toBeVisible();
  const received = JSON.stringify(await visitor.received());
  expect(received).toContain("定稿");
  expect(received).not.toContain("初稿");
});

test("held text that goes out while it is taken back is not put into the composer", async ({ open, world }) => {
  const { page, visitor, hold, row } = await withoutReplies(world, open, { expected: /409/ });
  await hold("已经发出的");
  await expect(row("held", "已经发出的")).toBeVisible();
  await page.route("**/messages/*", async (route) => {
    if (route.request().method() === "DELETE") {
      await visitor.says("还在吗");
      await expect(row("released", "已经发出的")).toBeVisible();
    }
    await route.continue();
  });
  await row("held", "已经发出的").getByRole("button", { name: "撤回并修改" }).click();
  await expect(parts.toasts(page).filter({ hasText: "已经不在留住状态" })).toBeVisible();
  await expect(parts.box(page)).toHaveValue("");
});

test("robot's conversation is taken over, and the robot stops", async ({ open, world }) => {
  const robot = await world.post("/api/robots", { name: "小咖", kind: "faq", fallback: "我不会这个" });
  const desk = await world.desk({ reception: {} });
  await world.bundle.call(`/api/bindings/${desk.app_id}`, { method: "PATCH", body: JSON.stringify({ reception: { mode: "robot_first", robot_id: robot.id, group_id: desk.group_id } }) });
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "问机器人的", "你们几点开门");
  const page = await open(desk.agents[0]);
  await parts.view(page, "robot").click();
  await openRow(page, "问机器人的");
  await expect(parts.log(page).getByText("我不会这个")).toBeVisible();
  await expect(parts.note(page)).toContainText("机器人在接待");
  await parts.head(page).getByRole("button", { name: /接入/ }).click();
  await reply(page, "九点开门");
  await visitor.says("谢谢");
  await expect(parts.log(page).getByText("谢谢")).toBeVisible();
  expect((await visitor.received()).filter((message) => JSON.stringify(message).includes("我不会这个")).length).toBe(1);
});

test("card is checked, previewed and sent, and the phone gets it", async ({ open, world, bundle }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "有新品吗");
  const page = await open(desk.agents[0]);
  await openRow(page, "林小满");
  await page.keyboard.press("Alt+KeyG");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("页面路径").fill("/pages/item");
  await dialog.getByRole("button", { name: "发送卡片" }).click();
  await expect(dialog.getByLabel("标题")).toBeFocused();
  await expect(dialog.getByText("路径不能以 / 开头，不能有空格")).toBeVisible();
  await dialog.getByLabel("标题").fill("云南小粒咖啡");
  await dialog.getByLabel("页面路径").fill("pages/item/item?id=8");
  await dialog.getByLabel("封面图片地址").fill(`${bundle.phone}/phone/cover.png`);
  await expect(dialog.getByRole("article")).toContainText("云南小粒咖啡");
  await dialog.getByRole("button", { name: "发送卡片" }).click();
  await expect(parts.log(page).getByRole("article")).toContainText("云南小粒咖啡");
  await expect.poll(async () => JSON.stringify(await visitor.received())).toContain("云南小粒咖啡");
  await expect(parts.box(page)).toBeFocused();
});

test("conversation is closed with its summary and cannot be answered any more", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  await world.arrives(desk, "林小满", "在吗");
  const page = await open(desk.agents[0]);
  await openRow(page, "林小满");
  const cid = page.url().split("/").at(-1);
  await parts.head(page).getByRole("button", { name: "结束" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: "已解决" }).check();
  await dialog.getByLabel("小结").fill("已退款");
  await dialog.getByRole("button", { name: "结束会话" }).click();
  await expect(parts.note(page)).toContainText("会话已结束");
  await expect(parts.rows(page)).toHaveCount(0);
  const closed = await world.bundle.call(`/api/conversations/${cid}`);
  expect(closed.summary).toEqual({ note: "已退款", solved: true });
  await parts.view(page, "closed").click();
  await expect(parts.row(page, "林小满")).toBeVisible();
});

test("draft stays with its conversation and over a reload", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  await world.arrives(desk, "王磊", "在吗");
  await world.arrives(desk, "林小满", "在吗");
  const page = await open(desk.agents[0]);
  await openRow(page, "王磊");
  await parts.box(page).fill("给王磊的半句");
  await openRow(page, "林小满");
  await expect(parts.box(page)).toHaveValue("");
  await expect(parts.row(page, "王磊")).toContainText("草稿");
  await page.reload();
  await openRow(page, "王磊");
  await expect(parts.box(page)).toHaveValue("给王磊的半句");
});

test("text that could not be sent stays and goes out once when tried again", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗");
  const page = await open(desk.agents[0], "/desk", { expected: /Failed to load resource/ });
  await openRow(page, "林小满");
  const sends = (route) => (route.request().method() === "POST" ? route.fetch().then(() => route.abort()) : route.continue());
  // The server takes it, but its answer is lost.
  await page.route("**/messages", sends);
  await parts.box(page).fill("只发一次");
  await parts.box(page).press("Enter");
  const refused = parts.log(page).locator("[data-state=refused]").filter({ hasText: "只发一次" });
  await expect(refused).toContainText("没发出去：网络不通");
  await page.unroute("**/messages", sends);
  await refused.getByRole("button", { name: "重发" }).click();
  await expect(refused).toHaveCount(0);
  await expect(parts.log(page).getByText("只发一次")).toHaveCount(1);
  expect((await visitor.received()).filter((message) => JSON.stringify(message).includes("只发一次")).length).toBe(1);
});

test("what was missed while the server could not be reached is there afterwards, once", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "第 0 句");
  const page = await open(desk.agents[0], "/desk", { expected: /Failed to load resource/ });
  await openRow(page, "林小满");
  await expect(parts.log(page).getByText("第 0 句")).toBeVisible();
  await page.route("**/api/**", (route) => route.abort());
  for (let text = 1; text <= 57; text += 1) await visitor.says(`第 ${text} 句`);
  await expect(page.locator("[data-test=connection]")).toBeVisible();
  await page.unroute("**/api/**");
  await expect(parts.log(page).getByText("第 57 句", { exact: true })).toBeVisible();
  await expect(page.locator("[data-test=connection]")).toHaveCount(0);
  const seen = new Set();
  const scroller = parts.log(page).locator(".scroller");
  await expect
    .poll(async () => {
      for (const text of await parts.log(page).locator(".message .theirs").allTextContents()) seen.add(text);
      await scroller.evaluate((element) => element.scrollBy(0, -300));
      return seen.size;
    })
    .toBe(58);
  await expect(parts.log(page).getByText("第 0 句", { exact: true })).toHaveCount(1);
});

test("two tabs of one agent ring once", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const first = await open(desk.agents[0]);
  const second = await open(desk.agents[0], "/desk", { context: first.context() });
  for (const page of [first, second]) await expect(page.getByText("没有进行中的会话")).toBeVisible();
  await world.arrives(desk, "林小满", "在吗");
  for (const page of [first, second]) await expect(parts.row(page, "林小满")).toBeVisible();
  const rings = async () => (await Promise.all([first, second].map((page) => page.locator("html").getAttribute("data-rings")))).filter(Boolean);
  await expect.poll(async () => (await rings()).length).toBe(1);
  expect(await rings()).toEqual(["assigned"]);
});
