// The themes of the console.

/** Turns a page of the console light or dark, and waits until it is: the page hears of it later than the browser. */
export async function turn(page, theme) {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.waitForFunction((dark) => document.documentElement.classList.contains("dark") === dark, theme === "dark");
  // What turns its colours by and by is half dark meanwhile.
  await page.evaluate(async () => {
    await new Promise(requestAnimationFrame);
    for (const animation of document.getAnimations()) if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish();
    await new Promise(requestAnimationFrame);
  });
}
