// The desk in English: a day's steps, and no word of the other language or of the code.
import { test, expect, parts, closeDialog } from "./fixtures.js";

/** Words of the page, without what people wrote. */
const words = (page) =>
  page.evaluate(() => {
    const copy = document.body.cloneNode(true);
    for (const theirs of copy.querySelectorAll("bdi, .theirs, .face, script, style, [data-theirs]")) theirs.remove();
    const labels = [...copy.querySelectorAll("[aria-label], [title], [placeholder]")].flatMap((node) => ["aria-label", "title", "placeholder"].map((name) => node.getAttribute(name) ?? ""));
    return [copy.innerText ?? copy.textContent, ...labels].join("\n");
  });

/** Chinese words, and keys that have no words, as `msg.sent`. */
async function isEnglish(page, what) {
  const text = await words(page);
  const chinese = text.split("\n").filter((line) => /\p{Script=Han}/u.test(line) && !/林小满|小林|小陈|售前|老林咖啡|在吗/.test(line));
  expect(chinese, what).toEqual([]);
  expect(text.match(/\b(desk|msg|event|composer|quota|status|list|why|close|transfer)\.[a-z_]+\b/g), what).toBe(null);
}

test("agent answers, transfers and closes in English", async ({ open, world }) => {
  const desk = await world.desk({ agents: ["小林", "小陈"] });
  await world.status(desk.agents[0], "online");
  const visitor = await world.arrives(desk, "林小满", "在吗");
  const page = await open(desk.agents[0], "/desk", { locale: "en-US" });
  await expect(page.locator("html")).toHaveAttribute("lang", /^en/);
  await parts.row(page, "林小满").click();
  await isEnglish(page, "thread");
  await parts.box(page).fill("Hello");
  await parts.box(page).press("Enter");
  await expect(parts.log(page).locator("[data-state=sent]").filter({ hasText: "Hello" })).toBeVisible();
  await isEnglish(page, "sent");
  await parts.head(page).getByRole("button", { name: "Transfer" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await isEnglish(page, "transfer");
  await closeDialog(page);
  await parts.head(page).getByRole("button", { name: "Close" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await isEnglish(page, "close");
  await closeDialog(page);
  await page.keyboard.press("Alt+KeyG");
  await expect(page.getByRole("dialog")).toBeVisible();
  await isEnglish(page, "card");
  await closeDialog(page);
  await visitor.says("在吗");
  for (const view of ["waiting", "robot", "left_messages", "closed", "all"]) {
    const entry = parts.view(page, view);
    if (!(await entry.count())) continue;
    await entry.click();
    await expect(entry).toHaveAttribute("aria-current", "true");
    await isEnglish(page, view);
  }
});
