// Everything by keyboard, and texts of strangers.
import { test, expect, parts, openRow, closeDialog } from "./fixtures.js";

test("agent works through two conversations without a mouse", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "小陈"] });
  const [agent, other] = desk.agents;
  await world.status(agent, "busy");
  await world.status(other, "busy");
  await world.arrives(desk, "林小满", "在吗");
  await world.arrives(desk, "王磊", "发货了吗");
  const page = await open(agent);
  await expect(page.getByRole("button", { name: "接入下一位" })).toBeEnabled();
  await page.keyboard.press("Alt+KeyA");
  await expect(page.locator("main h2")).toContainText("林小满");
  await expect(parts.box(page)).toBeFocused();
  await page.keyboard.type("您好");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("请讲");
  await page.keyboard.press("Enter");
  await expect(parts.log(page).locator(".person[data-state=sent]")).toContainText("您好\n请讲", { useInnerText: true });
  await page.keyboard.press("Alt+KeyA");
  await expect(page.locator("main h2")).toContainText("王磊");
  await page.keyboard.press("Alt+Digit1");
  await expect(parts.rows(page)).toHaveCount(2);
  // Who waits for an answer comes first. Up to the first and down to the second.
  await expect(parts.rows(page).first()).toContainText("王磊");
  await expect(parts.rows(page).last()).not.toContainText("等 ");
  const [first, second] = await parts.rows(page).evaluateAll((rows) => rows.map((row) => row.dataset.cid));
  await page.keyboard.press("Alt+KeyK");
  await page.keyboard.press("Alt+KeyK");
  await expect.poll(() => page.url()).toContain(first);
  await page.keyboard.press("Alt+KeyJ");
  await expect.poll(() => page.url()).toContain(second);
  // The list itself: arrows choose, Enter opens.
  await page.locator("[role=listbox]").focus();
  await page.keyboard.press("End");
  const active = await page.locator("[role=listbox]").getAttribute("aria-activedescendant");
  await page.keyboard.press("Enter");
  await expect.poll(() => page.url()).toContain(active.replace("row-", ""));
  await expect(parts.box(page)).toBeFocused();
  // Transfer and close, and the focus afterwards.
  await page.keyboard.press("Alt+KeyT");
  await expect(page.getByRole("dialog")).toBeVisible();
  await closeDialog(page);
  await expect(parts.box(page)).toBeFocused();
  await page.keyboard.press("Alt+KeyE");
  await expect(page.getByRole("dialog")).toContainText("小结");
  await closeDialog(page);
  await page.keyboard.press("Alt+Shift+KeyE");
  await expect(parts.rows(page)).toHaveCount(1);
  await page.keyboard.press("F6");
  await page.keyboard.press("Shift+F6");
  await page.keyboard.press("Escape");
  await expect(parts.box(page)).toBeFocused();
  await page.locator("[role=listbox]").focus();
  await page.keyboard.press("Shift+Slash");
  await expect(page.getByRole("dialog")).toContainText("快捷键");
});

test("Enter that ends a composition does not send", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  await world.arrives(desk, "林小满", "在吗");
  const page = await open(desk.agents[0]);
  await openRow(page, "林小满");
  const box = parts.box(page);
  await box.fill("zhong");
  await box.evaluate((area) => {
    const enter = (more) => area.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...more }));
    enter({ isComposing: true });
    enter({ keyCode: 229 });
    area.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true }));
    enter({});
  });
  await expect(box).toHaveValue("zhong");
  await expect(parts.log(page).locator(".person")).toHaveCount(0);
});

const HOSTILE = [
  ["markup", "<img src=x onerror=alert(1)><script>alert(1)</script>"],
  ["template", "{{constructor.constructor('alert(1)')()}} ${1+1} {0} @:app.back | x"],
  ["direction", "\u202etxet desrever\u202c \u2066x\u2069"],
  ["address", "javascript:alert(1) https://evil.example/?a=<b>"],
  ["newlines", "a\n\n\n\n\n\nb\r\nc\tend"],
  ["long", "长".repeat(3400)],
  ["unbroken", "x".repeat(9000)],
  ["emoji", "👩‍👧‍👦🏳️‍🌈 e\u0301 \u0000\u0007"],
];

test("hostile names and texts are shown as text and break nothing", async ({ open, world }) => {
  const desk = await world.desk({ capacity: 20 });
  await world.status(desk.agents[0], "online");
  const page = await open(desk.agents[0]);
  page.on("dialog", () => expect("a script of a visitor ran").toBe(""));
  for (const [name, text] of HOSTILE) {
    const visitor = world.visitor(desk, `${name} ${text.slice(0, 40).replaceAll("|", " ")}`);
    await visitor.enter();
    await visitor.says(text);
    await openRow(page, name);
    const shown = parts.log(page).locator(".message.visitor .theirs").first();
    await expect(shown).toBeVisible();
    if (name === "markup") await expect(shown).toHaveText(text);
    if (name === "unbroken") await expect(parts.log(page).getByRole("button", { name: /展开全文/ })).toBeVisible();
    expect(await page.locator("main img[src='x'], main script, main a[href^='javascript']").count()).toBe(0);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth || document.querySelector("main").scrollWidth > document.querySelector("main").clientWidth);
    expect(overflow, name).toBe(false);
  }
  // A right-to-left mark in a name turns nothing but the name.
  const row = parts.row(page, "direction");
  const [face, chip] = await Promise.all([row.locator(".face").boundingBox(), row.locator("[data-test=quota]").boundingBox()]);
  expect(face.x).toBeLessThan(chip.x);
  // What the agent writes is text, too, on the phone as here.
  await openRow(page, "markup");
  await parts.box(page).fill("<b>不是粗体</b>");
  await parts.box(page).press("Enter");
  await expect(parts.log(page).getByText("<b>不是粗体</b>")).toBeVisible();
});
