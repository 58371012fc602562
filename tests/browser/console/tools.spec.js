// The desk's tools: what agents note of visitors, quick replies, links, pictures, earlier conversations, blocks.
import { test, expect, parts, openRow, reply, closeDialog } from "./fixtures.js";

const side = (page) => page.getByRole("complementary");
const tab = (page, name) => side(page).getByRole("tab", { name });

/** An agent who is online and has the conversation of 林小满 open. */
async function answering(world, open, options = {}) {
  const desk = await world.desk(options);
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗", "order=8");
  const page = await open(desk.agents[0], "/desk", { expected: options.expected });
  await openRow(page, "林小满");
  return { desk, visitor, page };
}

async function more(page, item) {
  await parts.head(page).getByRole("button", { name: "更多" }).click();
  await page.getByRole("menuitem", { name: item }).click();
}

test("visitor is blocked for a day with a reason, and unblocked from the profile", async ({ open, world }) => {
  const { visitor, page } = await answering(world, open);
  await more(page, "拉黑");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "拉黑" }).click();
  await expect(dialog.getByText("请写明原因")).toBeVisible();
  await expect(dialog.getByLabel(/原因/)).toBeFocused();
  await page.keyboard.type("辱骂客服");
  await page.keyboard.press("Enter");
  await expect(parts.toasts(page)).toContainText("已拉黑 林小满");
  await expect(parts.box(page)).toBeFocused();
  await expect(parts.head(page)).toContainText("已拉黑");
  await expect(side(page).locator("[data-test=block]")).toContainText("辱骂客服");
  await visitor.says("还要说");
  await expect(parts.log(page)).toContainText("访客已被拉黑：这条没有分配");
  await side(page).getByRole("button", { name: "解除拉黑" }).click();
  await expect(side(page).locator("[data-test=block]")).toHaveCount(0);
  await expect(parts.head(page)).not.toContainText("已拉黑");
});

test("name, tags, star and notes are seen by a colleague, and the list is narrowed by them", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "接手的小陈"] });
  const [one, other] = desk.agents;
  await world.status(one, "online");
  await world.arrives(desk, "林小满", "在吗");
  await world.arrives(desk, "王磊", "在吗");
  const page = await open(one);
  await openRow(page, "林小满");
  await page.keyboard.press("Alt+KeyS");
  await expect(parts.toasts(page)).toContainText("已加星标");
  await side(page).getByRole("button", { name: "备注名" }).click();
  await page.keyboard.type("满满（VIP）");
  await page.keyboard.press("Enter");
  await expect(parts.head(page)).toContainText("满满（VIP）");
  await expect(parts.head(page)).toContainText("林小满");
  await side(page).getByRole("button", { name: "+ 标签" }).click();
  for (const tag of ["退货", "退货", "会员"]) {
    await page.keyboard.type(tag);
    await page.keyboard.press("Enter");
    await expect(page.locator("#new-tag")).toHaveValue("");
  }
  await expect(side(page).locator(".tag .line")).toHaveText(["退货", "会员"]);
  await page.keyboard.press("Alt+KeyM");
  await expect(page.locator("#note")).toBeFocused();
  await page.keyboard.type("<b>上次</b>答应补发滤纸");
  await page.keyboard.press("Control+Enter");
  await expect(side(page).locator(".note")).toContainText("<b>上次</b>答应补发滤纸");
  // Narrowed by the star, then by the tag.
  await page.getByRole("button", { name: "排序和筛选" }).click();
  await page.getByLabel("只看星标").check();
  await expect(parts.rows(page)).toHaveCount(1);
  await expect(parts.rows(page)).toContainText("满满");
  await page.getByRole("button", { name: "清除筛选" }).click();
  await page.locator("#list-filter").getByLabel("标签").selectOption("会员");
  await expect(parts.rows(page)).toHaveCount(1);
  await page.getByRole("button", { name: "清除筛选" }).click();
  await page.keyboard.press("Control+KeyK");
  await page.keyboard.type("王磊");
  await expect(parts.rows(page)).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(parts.rows(page)).toHaveCount(2);
  // A colleague gets the conversation, and sees all of it but cannot delete the note.
  await world.status(other, "online");
  await openRow(page, "满满");
  await page.keyboard.press("Alt+KeyT");
  await page.getByRole("dialog").getByRole("radio", { name: /接手的小陈 在线/ }).check();
  await page.getByRole("dialog").getByRole("button", { name: "转接" }).click();
  const colleague = await open(other);
  await openRow(colleague, "满满");
  await tab(colleague, "备注").click();
  await expect(side(colleague).locator(".note")).toContainText("答应补发滤纸");
  await expect(side(colleague).locator(".note").getByRole("button", { name: "删除" })).toHaveCount(0);
});

test("quick reply is written, found by its shortcut and by initials, and fills in names", async ({ open, world }) => {
  const { page, visitor } = await answering(world, open);
  const box = parts.box(page);
  const options = page.locator("#replies [role=option]");
  await box.press("/");
  // Other tests may have written some for all.
  await page.getByRole("button", { name: "管理" }).click();
  const dialog = page.getByRole("dialog");
  const write = async (title, shortcut, content) => {
    await dialog.getByRole("button", { name: "新建" }).click();
    await dialog.getByLabel("标题").fill(title);
    await dialog.getByLabel("内容").fill(content);
    await dialog.getByLabel("快捷词").fill(shortcut);
    await dialog.getByRole("button", { name: "保存" }).click();
    await expect(dialog.locator(".reply").filter({ hasText: title })).toBeVisible();
  };
  await write("发货时间", "fh", "{visitor} 您好，我是 {agent}，今天发货");
  await write("退货地址", "", "请寄到上海");
  await closeDialog(page);
  await box.fill("/fh");
  await expect(options.filter({ hasText: "发货时间" })).toHaveAttribute("aria-selected", "true");
  await box.press("Enter");
  await expect(box).toHaveValue("林小满 您好，我是 小林，今天发货");
  await box.press("Enter");
  await expect.poll(async () => JSON.stringify(await visitor.received())).toContain("我是 小林，今天发货");
  // By the initials of its title.
  await box.fill("/thdz");
  await expect(options).toHaveCount(1);
  await box.press("Enter");
  await expect(box).toHaveValue("请寄到上海");
  // Escape puts the list away and leaves the text; the Enter of an input method chooses nothing.
  await box.fill("/发货");
  await expect(options).toHaveCount(1);
  await box.evaluate((area) => area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true })));
  await expect(box).toHaveValue("/发货");
  await box.press("Escape");
  await expect(options).toHaveCount(0);
  await expect(box).toHaveValue("/发货");
});

test("link to a mini program is checked and put where the cursor is, and goes out as WeChat wants it", async ({ open, world }) => {
  const { page, desk, visitor } = await answering(world, open);
  await parts.box(page).fill("请看：");
  await page.getByRole("button", { name: "链接" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("链接文字").fill("您的<订单>");
  await dialog.getByLabel("页面路径").fill("/pages/order");
  await dialog.getByRole("button", { name: "插入" }).click();
  await expect(dialog.getByText("路径不能以 / 开头，不能有空格")).toBeVisible();
  await dialog.getByLabel("页面路径").fill('pages/order/order?id=8&x="y"');
  await dialog.getByRole("button", { name: "插入" }).click();
  await expect(dialog).toHaveCount(0);
  const link = `<a data-miniprogram-appid="${desk.app_id}" data-miniprogram-path="pages/order/order?id=8&x=%22y%22">您的＜订单＞</a>`;
  await expect(parts.box(page)).toHaveValue(`请看：${link}`);
  await parts.box(page).press("Enter");
  await expect(parts.log(page).locator(".mini")).toHaveText("您的＜订单＞");
  await expect.poll(async () => (await visitor.received()).map((message) => message.text?.content ?? message.content?.content)).toContainEqual(`请看：${link}`);
});

test("earlier conversation is read beside the one that is answered", async ({ open, world }) => {
  const { page, visitor, desk } = await answering(world, open);
  await reply(page, "第一次的回答");
  const first = page.url();
  await parts.head(page).getByRole("button", { name: "结束" }).click();
  await page.getByLabel("小结").fill("退货已登记");
  await page.getByRole("dialog").getByRole("button", { name: "结束会话" }).click();
  await expect(parts.rows(page)).toHaveCount(0);
  await visitor.says("又来了");
  await openRow(page, "林小满");
  expect(page.url()).not.toBe(first);
  await parts.box(page).fill("还没写完");
  await tab(page, "历史").click();
  await side(page).getByRole("button", { name: /退货已登记/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("log")).toContainText("第一次的回答");
  await expect(dialog.getByRole("textbox")).toHaveCount(0);
  await closeDialog(page);
  await expect(parts.box(page)).toHaveValue("还没写完");
  expect(desk.agents).toHaveLength(1);
});

test("thread opens at the first unread message, which is read when its end is seen", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗");
  await world.arrives(desk, "王磊", "在吗");
  const page = await open(desk.agents[0]);
  await openRow(page, "林小满");
  await reply(page, "在的");
  await openRow(page, "王磊");
  for (let text = 1; text <= 30; text += 1) await visitor.says(`新消息 ${text}`);
  await expect(parts.row(page, "林小满").locator(".count")).toHaveText("30");
  await openRow(page, "林小满");
  const line = parts.log(page).getByText("以下是未读消息");
  await expect(line).toBeInViewport();
  await expect(parts.log(page).getByText("新消息 1", { exact: true })).toBeInViewport();
  await expect(parts.row(page, "林小满").locator(".count")).toHaveText("30");
  await parts.log(page).locator(".scroller").evaluate((list) => (list.scrollTop = list.scrollHeight));
  await expect(parts.log(page).getByText("新消息 30", { exact: true })).toBeInViewport();
  await expect(parts.row(page, "林小满").locator(".count")).toHaveCount(0);
});

/** Pastes a picture that is drawn here into the composer. */
async function paste(page, side) {
  await page.evaluate(async (side) => {
    const canvas = new OffscreenCanvas(side, side);
    const context = canvas.getContext("2d");
    for (let x = 0; x < side; x += 8) {
      context.fillStyle = `hsl(${(x * 7) % 360} 80% 50%)`;
      context.fillRect(x, 0, 8, side);
    }
    const data = new DataTransfer();
    data.items.add(new File([await canvas.convertToBlob()], "\u202egnp.exe", { type: "image/png" }));
    document.querySelector("#reply").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, side);
}

test("pasted picture is seen before it is sent, and the phone gets it", async ({ open, world }) => {
  const { page, visitor } = await answering(world, open);
  await paste(page, 320);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("img", { name: "要发送的图片" })).toBeVisible();
  expect(await visitor.received()).not.toContainEqual(expect.objectContaining({ msgtype: "image" }));
  await expect(dialog.getByRole("button", { name: "发送" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(dialog).toHaveCount(0);
  await expect(parts.log(page).locator(".picture img")).toBeVisible();
  await expect.poll(async () => JSON.stringify(await visitor.received())).toContain('"image"');
  await expect(parts.box(page)).toBeFocused();
});

test("what is no picture is refused with words, and nothing is sent", async ({ open, world }) => {
  const { page } = await answering(world, open);
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(["<svg onload=alert(1)>"], "a.png", { type: "image/png" }));
    document.querySelector(".composer").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("alert")).toContainText("不是图片");
  await expect(dialog.getByRole("button", { name: "发送" })).toBeDisabled();
});

test("picture of a visitor that is too large says so, and offers no try that would fail again", async ({ open, world }) => {
  const { page, visitor, desk } = await answering(world, open);
  const problem = { type: "about:blank", title: "Unprocessable Content", status: 422, code: "media.too_large", detail: "The picture is larger than the 4 MB that an answer may have." };
  await page.route("**/messages/*/media", (route) => route.fulfill({ status: 422, contentType: "application/problem+json", json: problem }));
  await world.sim(`/sim/visitors/${visitor.openid}/image`, { app_id: desk.app_id });
  const picture = parts.log(page).locator(".picture");
  await expect(picture).toContainText("图片超过 4 MB，这里显示不了，可以请访客发一张小一些的");
  await expect(picture.getByRole("button")).toHaveCount(0);
});

test("visitor's picture is shown from memory, enlarged, and its memory is given back with its row", async ({ open, world }) => {
  const { page, visitor, desk } = await answering(world, open);
  await page.evaluate(() => {
    window.revoked = [];
    const revoke = URL.revokeObjectURL.bind(URL);
    URL.revokeObjectURL = (url) => (window.revoked.push(url), revoke(url));
  });
  await world.sim(`/sim/visitors/${visitor.openid}/image`, { app_id: desk.app_id });
  const picture = parts.log(page).locator(".picture img");
  await expect(picture).toBeVisible();
  const url = await picture.getAttribute("src");
  expect(url).toMatch(/^blob:/);
  await parts.log(page).getByRole("button", { name: /放大/ }).click();
  const zoomed = page.getByRole("dialog", { name: "访客发来的图片" });
  await expect(zoomed.getByRole("img")).toBeVisible();
  await page.keyboard.press("+");
  await expect(zoomed.getByRole("status")).toHaveText("150%");
  await closeDialog(page, zoomed);
  await world.arrives(desk, "王磊", "在吗");
  await openRow(page, "王磊");
  await expect.poll(() => page.evaluate(() => window.revoked)).toContain(url);
});
