import { defineConfig } from "@playwright/test";

// The screens are looked at in each language and width; what the desk does is the same in all.
const everywhere = /screens\.spec\.js/;
const wide = { width: 1440, height: 900 };

export default defineConfig({
  testDir: "console",
  outputDir: "results",
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  // The machine of a test run does other things meanwhile.
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    timezoneId: "Asia/Shanghai",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
    },
  },
  projects: [
    { name: "zh-1440", use: { locale: "zh-CN", viewport: wide } },
    { name: "zh-390", testMatch: everywhere, use: { locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true } },
    { name: "en-1440", testMatch: everywhere, use: { locale: "en-US", viewport: wide } },
  ],
});
