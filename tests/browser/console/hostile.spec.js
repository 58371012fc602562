// What strangers write into every field that the desk shows: names, texts, cards. It is shown as text, and breaks nothing.
import { test, expect, parts, openRow } from "./fixtures.js";

const SCRIPT = `"><img src=x onerror=alert(1)><script>alert(1)</script>`;
const MARKS = "\u202etxet desrever\u202c \u2066x\u2069\u200f";

/** Nothing of a stranger has become an element or an address, and nothing is wider than its place. */
async function unharmed(page, what) {
  expect(await page.locator("img[src='x'], main script, a[href^='javascript' i], iframe").count(), what).toBe(0);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth || document.querySelector("main").scrollWidth > document.querySelector("main").clientWidth);
  expect(overflow, what).toBe(false);
}

test("hostile fields of a visitor's card are text", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const page = await open(desk.agents[0]);
  page.on("dialog", () => expect("a script of a visitor ran").toBe(""));
  const visitor = await world.arrives(desk, "发卡片的", "看卡片");
  const cards = [
    ["script", { title: SCRIPT, page_path: `pages/a?x=${SCRIPT}`, thumb_url: "javascript:alert(1)" }],
    ["marks", { title: `marks ${MARKS}`, page_path: "pages/b", thumb_url: "" }],
    ["long", { title: `long ${"长".repeat(900)}`, page_path: `pages/${"p".repeat(900)}`, thumb_url: "http://127.0.0.1:9/none.png" }],
    ["empty", { title: "", page_path: "", thumb_url: "" }],
  ];
  await openRow(page, "发卡片的");
  for (const [what, card] of cards) {
    await visitor.acts("card", card);
    const shown = parts.log(page).getByRole("article").last();
    if (what !== "empty") await expect(shown).toContainText(card.title.slice(0, 40).trim());
    await unharmed(page, what);
  }
  await expect(parts.log(page).getByRole("article")).toHaveCount(cards.length);
});

test("text of 10,000 characters is folded, and unfolds whole", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "写得长的", "开始");
  const page = await open(desk.agents[0]);
  await openRow(page, "写得长的");
  const text = `开头${"客服".repeat(4998)}结尾`;
  await visitor.says(text);
  const shown = parts.log(page).locator(".message.visitor .theirs").last();
  await expect(shown).toContainText("开头");
  await unharmed(page, "folded");
  const unfold = parts.log(page).getByRole("button", { name: /展开全文/ });
  await unfold.click();
  await expect(shown).toContainText("结尾");
  await unharmed(page, "unfolded");
});

test("lone surrogates and control characters are taken or refused, and the desk goes on", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const page = await open(desk.agents[0], "/desk", { expected: /Failed to load resource/ });
  const visitor = await world.arrives(desk, "半个字符", "开始");
  await openRow(page, "半个字符");
  // As JSON writes a lone surrogate, which no text of XML or of the table can hold.
  await visitor.raw(`{"app_id":"${desk.app_id}","content":"坏的\\ud83d字符"}`);
  await visitor.says("控制\u0001\u0008字符\ufffe\uffff");
  await visitor.says("之后的");
  await expect(parts.log(page).getByText("之后的", { exact: true })).toHaveCount(1);
  // An agent's box can hold one, too: pasted from a page that cut a text.
  await parts.box(page).evaluate((box) => {
    box.value = "半个\ud83d表情";
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await parts.box(page).press("Enter");
  await expect(parts.log(page).getByText(/半个.*表情/)).toBeVisible();
  await expect(parts.log(page).locator("[data-state=sent]").filter({ hasText: "半个" })).toBeVisible();
  await unharmed(page, "surrogate");
});

test("hostile names stand in the list, the head, the profile and the title as text", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const page = await open(desk.agents[0]);
  page.on("dialog", () => expect("a script of a visitor ran").toBe(""));
  for (const [what, name] of [["script", `甲${SCRIPT}`], ["marks", `乙${MARKS}`], ["long", `丙${"名".repeat(500)}`], ["template", "丁{{7*7}}${7*7} @:app.back"]]) {
    await world.arrives(desk, name, `来自${what}`);
    await expect(parts.row(page, `来自${what}`)).toBeVisible();
    await parts.row(page, `来自${what}`).click();
    await expect(parts.log(page).getByText(`来自${what}`)).toBeVisible();
    await expect(page.locator("main h2")).toContainText(name[0]);
    expect(await page.title(), what).not.toContain("49");
    await unharmed(page, what);
  }
});

/** What a file may be called. */
const FILES = [`${SCRIPT}.png`, `${MARKS}gnp.exe`, `${"长".repeat(10_000)}.png`, "半个\ud83d字符.png"];
const OF_NAMES = /onerror|gnp\.exe|长长|半个/;

/** Makes pictures with these names and gives them to an element of the page. */
const give = (page, selector, names) =>
  page.evaluate(
    async ([selector, names]) => {
      const canvas = new OffscreenCanvas(50, 40);
      canvas.getContext("2d").fillRect(0, 0, 25, 20);
      const data = new DataTransfer();
      for (const name of names) data.items.add(new File([await canvas.convertToBlob()], name, { type: "image/png" }));
      const element = document.querySelector(selector);
      if (element.matches("input")) element.files = data.files;
      element.dispatchEvent(element.matches("input") ? new Event("change") : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    },
    [selector, names],
  );

/** The whole page, with all that was sent from it. */
async function traces(page, sent) {
  return (await page.evaluate(() => document.documentElement.outerHTML + document.title)) + decodeURIComponent(sent.join(" "));
}

test("hostile file names of pictures are shown nowhere, and the pictures go out", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "看图");
  const page = await open(desk.agents[0]);
  page.on("dialog", () => expect("a script of a file name ran").toBe(""));
  const sent = [];
  page.on("request", (request) => sent.push(request.url() + JSON.stringify(request.headers())));
  await openRow(page, "林小满");
  await give(page, ".composer", FILES);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("img", { name: "要发送的图片" })).toHaveCount(FILES.length);
  await unharmed(page, "preview");
  expect(await traces(page, sent)).not.toMatch(OF_NAMES);
  await dialog.getByRole("button", { name: "发送" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(parts.log(page).locator(".picture img")).toHaveCount(FILES.length);
  await unharmed(page, "sent");
  expect((await visitor.received()).filter((message) => JSON.stringify(message).includes('"image"'))).toHaveLength(FILES.length);
  expect(await traces(page, sent)).not.toMatch(OF_NAMES);
});

test("hostile file name of a card's cover is shown nowhere, and the card goes out", async ({ open, world }) => {
  const desk = await world.desk();
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "看卡片");
  const page = await open(desk.agents[0]);
  await openRow(page, "林小满");
  const sent = [];
  page.on("request", (request) => sent.push(request.url() + JSON.stringify(request.headers())));
  for (const [turn, name] of FILES.entries()) {
    await page.keyboard.press("Alt+KeyG");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("标题").fill(`第 ${turn} 张`);
    await dialog.getByLabel("页面路径").fill("pages/item/item");
    // The button opens the browser's own choice.
    const choosing = page.waitForEvent("filechooser");
    await dialog.getByRole("button", { name: "用图片做封面" }).click();
    await choosing;
    await give(page, "[role=dialog] input[type=file]", [name]);
    await expect(dialog.getByRole("article").locator("img")).toHaveAttribute("src", /^blob:/);
    // The link goes with the cover, and the keys still reach the dialog.
    await dialog.getByRole("button", { name: "改用地址" }).click();
    await expect(dialog.getByLabel("封面图片地址")).toBeFocused();
    await give(page, "[role=dialog] input[type=file]", [name]);
    await expect(dialog.getByRole("article").locator("img")).toHaveAttribute("src", /^blob:/);
    await unharmed(page, `cover ${turn}`);
    expect(await traces(page, sent)).not.toMatch(OF_NAMES);
    await dialog.getByRole("button", { name: "发送卡片" }).click();
    await expect(dialog).toHaveCount(0);
    await expect.poll(async () => JSON.stringify(await visitor.received())).toContain(`第 ${turn} 张`);
  }
  expect(await traces(page, sent)).not.toMatch(OF_NAMES);
});
