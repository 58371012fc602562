// Pictures of a screen in both themes, and what axe-core says about it.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { turn } from "../theme.js";
import { expect } from "./fixtures.js";

const folder = fileURLToPath(new URL("../screenshots/", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const THEMES = ["light", "dark"];

/** Takes a picture in both themes and asks axe-core for what is serious. */
export async function look(page, name, info) {
  mkdirSync(folder, { recursive: true });
  for (const theme of THEMES) {
    await turn(page, theme);
    await page.screenshot({ path: `${folder}${name}-${info.project.name}-${theme}.png` });
    // By evaluate, which the page's policy does not bind.
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
      return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
    });
    expect(found, `${name} ${theme}`).toEqual([]);
  }
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(overflow, `${name} is wider than the window`).toBe(false);
}
