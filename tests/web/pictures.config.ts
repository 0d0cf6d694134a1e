import { defineConfig } from "@playwright/test";
import type { Options } from "./setup/fixtures";
import tests from "./playwright.config";

// Pictures for the documents: docs/screenshots.
export default defineConfig<Options>({
  ...tests,
  testDir: "pictures",
  workers: 1,
  reporter: "list",
  projects: [
    { name: "en", use: { viewport: { width: 1200, height: 760 }, locale: "en-GB", language: "en", phone: false, colorScheme: "light" } },
    { name: "zh", use: { viewport: { width: 1200, height: 760 }, locale: "zh-CN", language: "zh", phone: false, colorScheme: "dark" } },
    { name: "phone-en", use: { viewport: { width: 390, height: 760 }, isMobile: true, hasTouch: true, locale: "en-GB", language: "en", phone: true, colorScheme: "light" } },
    { name: "phone-zh", use: { viewport: { width: 390, height: 760 }, isMobile: true, hasTouch: true, locale: "zh-CN", language: "zh", phone: true, colorScheme: "dark" } },
  ],
});
