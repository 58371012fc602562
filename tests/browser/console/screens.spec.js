// Every screen and dialog, light and dark, under axe-core; pictures go to an ignored folder and are looked at.
import { test, expect, parts, closeDialog } from "./fixtures.js";
import { look } from "./look.js";

test("sign-in page", async ({ open }, info) => {
  const page = await open(null, "/");
  await expect(page.getByRole("heading")).toBeVisible();
  await page.locator("summary").click();
  await look(page, "sign-in", info);
});

test("desk with all kinds of messages and every dialog", async ({ open, world, bundle }, info) => {
  // Some twenty pictures, each with axe-core.
  info.setTimeout(240_000);
  const isNarrow = info.project.name.endsWith("390");
  const desk = await world.desk({ agents: ["小林", "小陈"], capacity: 8 });
  const [agent, other] = desk.agents;
  await world.status(agent, "online");
  await world.status(other, "busy");
  const visitor = await world.arrives(desk, "林小满", "这件还有货吗？", 'partnerid=member-0|params={"level":"gold","order":"20260601"}');
  await world.arrives(desk, "王磊", "[图片]");
  const busy = await world.arrives(desk, "Emma Zhang", "Do you ship to Canada?");
  const say = async (one, path, body) => {
    const { cid } = await world.conversation(one);
    const headers = { authorization: `Bearer ${agent.token}`, "content-type": "application/json" };
    const response = await fetch(`${bundle.api}/api/conversations/${cid}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return response.json();
  };
  for (let text = 1; text <= 7; text += 1) await say(busy, "messages", { type: "text", text: { content: `Answer ${text}` } });
  await say(visitor, "messages", { type: "text", text: { content: "您好，有货的，今天下单明早发货。" } });
  await say(visitor, "messages", { type: "link", link: { title: "尺码表", url: "https://shop.example/size", description: "各款尺码" } });
  await say(visitor, "cards", { msgType: 26, miniPage: { title: "云南小粒咖啡 250g", pagepath: "pages/item/item?id=8", thumbUrl: `${bundle.phone}/phone/cover.png` } });
  await visitor.says("好的，谢谢");

  const page = await open(agent);
  await expect(parts.row(page, "林小满")).toBeVisible();
  await look(page, "list", info);
  await parts.row(page, "林小满").click();
  await expect(parts.log(page).getByText("好的，谢谢")).toBeVisible();
  await look(page, "thread", info);

  const menu = async (name) => {
    if (!isNarrow) return parts.head(page).getByRole("button", { name }).click();
    await parts.head(page).getByRole("button", { name: /更多|More/ }).click();
    return page.getByRole("menuitem", { name }).click();
  };
  for (const [name, label] of [["transfer", /^(转接|Transfer)$/], ["close", /^(结束|Close)$/]]) {
    await menu(label);
    await expect(page.getByRole("dialog")).toBeVisible();
    await look(page, name, info);
    await closeDialog(page);
  }
  await page.getByRole("button", { name: /卡片|^▣|Card/ }).click();
  await expect(page.getByRole("dialog").getByRole("article")).toBeVisible();
  await look(page, "card", info);
  await closeDialog(page);
  if (isNarrow) {
    await parts.head(page).getByRole("button", { name: "资料" }).click();
    await expect(page.getByRole("complementary")).toContainText("member-0");
    await look(page, "profile", info);
    await page.getByRole("complementary").getByRole("button", { name: "返回" }).click();
    await page.getByRole("button", { name: "返回" }).first().click();
  }
  await parts.row(page, "Emma Zhang").click();
  await expect(parts.log(page).locator("[data-state=held]").last()).toBeVisible();
  await look(page, "held", info);
  if (isNarrow) await page.getByRole("button", { name: "返回" }).first().click();
  await page.getByRole("button", { name: /^(设置|Settings)$/ }).filter({ visible: true }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await look(page, "settings", info);
  await closeDialog(page);
  for (const view of ["waiting", "left_messages"]) {
    await parts.view(page, view).click();
    await expect(parts.view(page, view)).toHaveAttribute("aria-current", "true");
    await expect(page.locator(".empty")).toBeVisible();
  }
  await look(page, "empty", info);
});
