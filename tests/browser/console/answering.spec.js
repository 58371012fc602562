// What the agent's screen shows of a conversation, and what stands beside the composer.
import { createHmac } from "node:crypto";
import { test, expect, parts, openRow, closeDialog } from "./fixtures.js";

const SEND = "/cgi-bin/message/custom/send";
const side = (page) => page.getByRole("complementary");

async function answering(world, open, options = {}) {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗", options.more);
  const page = await open(desk.agents[0], "/desk", options);
  await openRow(page, "林小满");
  return { desk, visitor, page };
}

test("emoji goes where the cursor is, and pictures are chosen by their button", async ({ open, world }) => {
  const { page } = await answering(world, open);
  const box = parts.box(page);
  await box.fill("好的，谢谢");
  await box.evaluate((element) => element.setSelectionRange(2, 2));
  await page.getByRole("button", { name: "表情", exact: true }).click();
  const emoji = page.getByRole("group", { name: "选择表情" }).getByRole("button").first();
  const one = await emoji.textContent();
  await emoji.click();
  await expect(box).toHaveValue(`好的${one}，谢谢`);
  await expect(box).toBeFocused();
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "图片", exact: true }).click();
  const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  await (await choosing).setFiles([1, 2].map((number) => ({ name: `${number}.png`, mimeType: "image/png", buffer: Buffer.from(png, "base64") })));
  await expect(page.getByRole("dialog").getByRole("img", { name: "要发送的图片" })).toHaveCount(2);
  await closeDialog(page);
  await expect(box).toHaveValue(`好的${one}，谢谢`);
});

test("text that WeChat refuses says why and can be edited, and one whose outcome is not known says so and is not sent again", async ({ open, world }) => {
  const { page, visitor, desk } = await answering(world, open, { expected: /Failed to load resource/ });
  const send = async (text, fault, state) => {
    await fetch(`${world.bundle.phone}/sim/faults`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ path: SEND, app_id: desk.app_id, ...fault }) });
    await parts.box(page).fill(text);
    await parts.box(page).press("Enter");
    const row = parts.log(page).locator(`[data-state=${state}]`).filter({ hasText: text });
    await expect(row).toBeVisible();
    return row;
  };
  const failed = await send("发不出去的", { errcode: 40003 }, "failed");
  await expect(failed).toContainText("没发出去：微信不认识这位访客");
  await failed.getByRole("button", { name: "放回输入框" }).click();
  await expect(parts.box(page)).toHaveValue("发不出去的");
  const unknown = await send("不知道的", { break_off: "after" }, "unknown");
  await expect(unknown).toContainText("不知道是否送达。为避免重复不会再发，请向访客确认");
  await expect(unknown.getByRole("button")).toHaveCount(0);
  const received = (await visitor.received()).map((message) => JSON.stringify(message));
  expect(received.filter((message) => message.includes("不知道的"))).toHaveLength(1);
  expect(received.filter((message) => message.includes("发不出去的"))).toHaveLength(0);
});

test("title counts what is unread, and sounds and notifications can be switched off", async ({ open, world }) => {
  const { page, desk } = await answering(world, open);
  await page.evaluate(() => {
    window.told = [];
    window.Notification = class {
      static permission = "default";
      static requestPermission = async () => (window.Notification.permission = "granted");
      constructor(title) { window.told.push(title); }
      close() {}
    };
  });
  const settings = page.getByRole("dialog");
  await page.getByRole("button", { name: "设置" }).click();
  await settings.getByRole("button", { name: "开启桌面通知" }).click();
  // The button has gone, and the keys still reach the dialog.
  await expect(settings.getByLabel("已开启")).toBeFocused();
  await settings.getByRole("button", { name: "退出登录" }).click();
  await expect(settings.getByRole("alert").getByRole("button", { name: "退出登录" })).toBeFocused();
  await closeDialog(page);
  await page.evaluate(() => Object.defineProperty(document, "hidden", { configurable: true, get: () => true }));
  await world.arrives(desk, "王磊", "第一句");
  await expect(page).toHaveTitle("(1) Kefu");
  await expect.poll(() => page.evaluate(() => window.told)).toEqual(["新会话：王磊"]);
  const rings = () => page.locator("html").getAttribute("data-rings");
  const before = await rings();
  expect(before).toContain("assigned");
  await page.getByRole("button", { name: "设置" }).click();
  await settings.getByLabel("免打扰").check();
  await closeDialog(page);
  await world.arrives(desk, "陈晨", "第一句");
  await expect(page).toHaveTitle("(2) Kefu");
  expect(await rings()).toBe(before);
  expect(await page.evaluate(() => window.told)).toHaveLength(1);
});

test("own status has a reason, and the load is shown", async ({ open, world }) => {
  const { page, desk } = await answering(world, open);
  await page.getByRole("button", { name: /我的状态/ }).click();
  await page.getByRole("menuitem", { name: "小休" }).click();
  await page.getByRole("dialog").getByLabel(/原因/).fill("开会到三点");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: /我的状态/ })).toContainText("开会到三点");
  await expect(page.getByText("接待 1/10")).toBeAttached();
  const agents = (await world.bundle.call("/api/agents")).items;
  expect(agents.find(({ id }) => id === desk.agents[0].id).duty).toMatchObject({ status: "away", reason: "开会到三点" });
});

test("left message stands in its list with the way that led to it, and is taken and answered", async ({ open, world }) => {
  const desk = await world.desk();
  const visitor = await world.arrives(desk, "林小满", "有人吗");
  expect((await world.conversation(visitor)).stage).toBe("left_message");
  const page = await open(desk.agents[0]);
  await parts.view(page, "left_messages").click();
  await openRow(page, "林小满");
  const trail = parts.log(page).locator("[data-event] details").last();
  await trail.locator("summary").click();
  await expect(trail.getByRole("listitem").first()).toContainText(/第 1 级.*售前.*没有人在岗.*留言/);
  await world.status(desk.agents[0], "online");
  await parts.note(page).getByRole("button", { name: "接入" }).click();
  await parts.box(page).fill("久等了");
  await parts.box(page).press("Enter");
  await expect(parts.log(page).locator("[data-state=sent]").filter({ hasText: "久等了" })).toBeVisible();
});

test("verified visitor has the badge, their fields, and what they asked in another mini program", async ({ open, world }) => {
  const [one, other] = [await world.desk(), await world.desk()];
  const { secret } = await world.post(`/api/bindings/${one.app_id}/session-from-secret`, {});
  await world.post(`/api/bindings/${other.app_id}/session-from-secret`, { same_as: one.app_id });
  const signed = async (desk, text) => {
    const visitor = world.visitor(desk, "林小满");
    const ts = Math.floor(Date.now() / 1000);
    const sig = createHmac("sha256", secret).update(["kefu.session-from.v2", desk.app_id, visitor.openid, `member-${one.app_id}`, ts].join("\n")).digest("base64url");
    await visitor.acts("enter", { session_from: `sobot|林小满||{"level":"gold"}|partnerid=member-${one.app_id}|ts=${ts}|sig=2.${sig}` });
    await visitor.says(text);
    await expect.poll(async () => (await world.conversation(visitor))?.stage ?? "unassigned").not.toBe("unassigned");
  };
  await world.status(one.agents[0], "online");
  await signed(other, "另一个小程序里的问题");
  await signed(one, "在吗");
  const page = await open(one.agents[0]);
  await openRow(page, "林小满");
  await expect(parts.head(page)).toContainText("身份已核实");
  await expect(side(page)).toContainText("身份已核实");
  await expect(side(page)).toContainText("gold");
  await expect(side(page)).toContainText("同一个人在别的小程序");
});

test("language and theme change at once, and stay", async ({ open, world }) => {
  const { page } = await answering(world, open);
  await page.getByRole("button", { name: "设置" }).click();
  await page.locator("#theme").selectOption("dark");
  await expect(page.locator("html")).toHaveClass(/dark/);
  await page.locator("#language").selectOption("en");
  await expect(page.getByRole("dialog")).toContainText("Settings");
  await closeDialog(page);
  await page.reload();
  await expect(page.locator("html")).toHaveClass(/dark/);
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  await expect(parts.box(page)).toHaveAttribute("placeholder", /Write a message/);
});
