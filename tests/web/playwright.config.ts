import { defineConfig, devices } from "@playwright/test";
import type { Options } from "./setup/fixtures";

// Two sorts of people: English at a desk, Chinese on a phone. Every test runs as both, unless it says otherwise.
const kArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig<Options>({
  testDir: "specs",
  globalSetup: "./setup/global",
  outputDir: "results",
  // The machine may be busy with other tests; nothing waits longer than it has to.
  timeout: 90_000,
  expect: { timeout: 20_000 },
  fullyParallel: true,
  workers: 2,
  // A machine that stood still for a moment is no mistake of the page; ./test says what needed it.
  retries: process.env.CI ? 1 : 0,
  forbidOnly: true,
  reporter: [["list"], ["json", { outputFile: "results/report.json" }]],
  use: {
    browserName: "chromium",
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: kArguments },
    trace: process.env.TRACE ? "retain-on-failure" : "off",
    screenshot: "only-on-failure",
    permissions: ["clipboard-read", "clipboard-write"],
  },
  projects: [
    { name: "desktop-en", use: { viewport: { width: 1280, height: 800 }, locale: "en-GB", language: "en", phone: false } },
    {
      name: "phone-zh",
      testIgnore: /keyboard/, // phones have none
      use: { ...devices["Pixel 7"], viewport: { width: 390, height: 800 }, locale: "zh-CN", language: "zh", phone: true },
    },
  ],
});
