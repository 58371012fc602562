// The desk's tools, light and dark, under axe-core; the pictures are looked at.
import { test, expect, parts, closeDialog } from "./fixtures.js";
import { look } from "./look.js";

test("notes, tags, quick replies, pictures, links, blocks, history and frames", async ({ open, world, bundle }, info) => {
  info.setTimeout(240_000);
  const isNarrow = info.project.name.endsWith("390");
  const desk = await world.desk();
  const [agent] = desk.agents;
  await world.status(agent, "online");
  const visitor = await world.arrives(desk, "林小满", "这件还有货吗？", 'partnerid=member-0|params={"level":"gold","order":"20260601"}');
  const path = `/api/bindings/${desk.app_id}/visitors/${visitor.openid}`;
  await bundle.call(path, { method: "PATCH", body: JSON.stringify({ remark_name: "满满", tags: ["会员", "退货"], starred: true }) });
  await world.post(`${path}/notes`, { text: "上次答应补发滤纸，记得跟进" });
  for (const [title, shortcut, content] of [["营业时间", "yy", "{visitor} 您好，我们每天 9 点到 18 点在"], ["门店地址", "md", "上海市徐汇区"]]) await world.post("/api/quick-replies", { scope: "all", title, shortcut, content });
  const { items } = await bundle.call("/api/frames", { method: "PUT", body: JSON.stringify({ items: [{ name: "订单", url: `${bundle.phone}/orders`, app_ids: [desk.app_id] }] }) });
  await fetch(`${bundle.phone}/sim/orders/key`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ key: items[0].key }) });
  await world.sim(`/sim/visitors/${visitor.openid}/image`, { app_id: desk.app_id });

  const page = await open(agent);
  const side = page.getByRole("complementary");
  await page.getByRole("button", { name: /^(排序和筛选|Sort and filter)$/ }).click();
  await look(page, "filter", info);
  await page.getByRole("button", { name: /^(排序和筛选|Sort and filter)$/ }).click();
  await parts.row(page, "满满").click();
  await expect(parts.log(page)).toBeVisible();
  await parts.box(page).fill("/");
  await expect(page.locator("#replies [role=option]").first()).toBeVisible();
  await look(page, "quick-replies", info);
  await page.getByRole("button", { name: /^(管理|Manage)$/ }).click();
  await expect(page.getByRole("dialog").getByText("营业时间")).toBeVisible();
  await look(page, "quick-replies-manage", info);
  await closeDialog(page);
  await parts.box(page).fill("");
  await page.getByRole("button", { name: /^(链接|Link)$/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await look(page, "link", info);
  await closeDialog(page);
  await parts.head(page).getByRole("button", { name: /^(更多|More)$/ }).click();
  await page.getByRole("menuitem", { name: /^(拉黑|Block)$/ }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await look(page, "block", info);
  await closeDialog(page);
  if (isNarrow) await parts.head(page).getByRole("button", { name: "资料" }).click();
  for (const [name, label] of [["history", /^(历史|History)$/], ["notes", /^(备注|Notes)$/], ["frame", "订单"]]) {
    await side.getByRole("tab", { name: label }).click();
    if (name === "notes") await expect(side.locator(".note")).toBeVisible();
    if (name === "frame") await expect(page.frameLocator("iframe").getByRole("listitem")).toHaveCount(3);
    await look(page, name, info);
  }
});
