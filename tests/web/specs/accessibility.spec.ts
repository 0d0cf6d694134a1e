// axe on every page, in both themes: nothing serious, nothing critical.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { textFile } from "../setup/files";
import { expect, test } from "../setup/fixtures";

async function check(page: Page, what: string): Promise<void> {
  // Colours on their way from one to another are neither.
  await page.evaluate(() => Promise.all(document.getAnimations().map((one) => (one.effect?.getComputedTiming().iterations === Infinity ? null : one.finished.catch(() => null)))));
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${what}: ${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.failureSummary ?? ""}`).join("; ")}`);
  expect.soft(found).toEqual([]);
}

const kRuns = fs.mkdtempSync(path.join(os.tmpdir(), "parley-web-axe-"));
test.beforeAll(() => {
  const run = path.join(kRuns, "a run");
  fs.mkdirSync(run, { recursive: true });
  fs.writeFileSync(path.join(run, "config.json"), JSON.stringify({ stage: "sft", options: { steps: 100 } }));
  fs.writeFileSync(path.join(run, "metrics.jsonl"), Array.from({ length: 50 }, (_, i) => JSON.stringify({ step: i + 1, loss: 3 + 1 / (i + 1), lr: 0.001 }) + "\n").join(""));
  fs.writeFileSync(path.join(run, "samples.md"), "## Step 50\n\n> The fox\n\nruns.\n");
});
test.afterAll(() => fs.rmSync(kRuns, { recursive: true, force: true }));

for (const theme of ["light", "dark"] as const)
  test.describe(theme, () => {
    test.use({ colorScheme: theme, serverArgs: ["--runs", kRuns] });

    test("every page", async ({ app, api, page }) => {
      await api.settings({ params: { max_tokens: 12 } });
      await api.post("/memories", { text: "I like tea" });
      await api.imported("Markdown", [
        "Show me everything",
        "# Title\n\nText with `code`, a [link](https://example.org), **bold** and $x^2$.\n\n- [x] done\n- [ ] not\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\n# comment\nprint('hi', 1.5)\n```\n\n> quote\n",
      ]);
      await app.open();
      await check(page, "empty chat");
      await app.openConversation("Markdown");
      await expect(page.locator(".katex").first()).toBeVisible();
      await expect(page.locator("pre .hljs-string, pre .hljs-built_in").first()).toBeVisible();
      await check(page, "conversation");
      await app.ask(app.say("My name is Ana.", "我叫小明。"));
      await app.id("rate-down").last().click();
      await expect(app.id("rating-dialog")).toBeVisible();
      await check(page, "rating, a suggested memory");
      await app.id("message-more").last().click();
      await check(page, "menu of an answer");
      await page.keyboard.press("Escape");
      await app.id("chat-options").click();
      await check(page, "options");
      await page.keyboard.press("Escape");
      await app.sidebar();
      await check(page, "sidebar");
      await app.id("search-open").click();
      await check(page, "search");
      await page.keyboard.press("Escape");
      await app.userMenu("import-open");
      await check(page, "import");
      await page.keyboard.press("Escape");

      await app.visit("memory");
      await expect(app.id("memory")).toBeVisible();
      await check(page, "memory");
      await app.visit("files");
      await app.id("files-input").setInputFiles([textFile("a.txt", "A file about foxes.\n"), { name: "b.png", mimeType: "image/png", buffer: Buffer.from([137, 80, 0, 1, 255]) }]);
      await expect(app.id("file")).toBeVisible();
      await expect(app.id("upload-error")).toBeVisible();
      await check(page, "files");
      await app.id("file-open").click();
      await expect(app.id("passage-text")).toBeVisible();
      await check(page, "passages");
      await page.keyboard.press("Escape");
      await app.visit("presets");
      await expect(app.id("preset").first()).toBeVisible();
      await check(page, "presets");
      await app.id("preset-new").click();
      await check(page, "preset editor");
      await page.keyboard.press("Escape");
      await app.visit("playground");
      await app.id("playground-prompt").fill("the fox");
      await app.id("playground-run").click();
      await expect(app.id("output-facts")).not.toBeEmpty({ timeout: 60_000 });
      await expect(app.id("playground-run")).toBeVisible({ timeout: 60_000 });
      await app.id("token").first().click();
      await app.id("code-fold").click();
      await app.id("raw-fold").click();
      await check(page, "playground");
      await app.visit("feedback");
      await expect(app.id("feedback-counts")).toBeVisible();
      await check(page, "feedback");
      for (const tab of ["examples", "train"]) {
        await app.id(`tab-${tab}`).click();
        await check(page, `feedback, ${tab}`);
      }
      await app.visit("training");
      await expect(app.id("chart").first()).toBeVisible();
      await check(page, "training");
      for (const tab of ["samples", "config", "winrates"]) {
        await app.id(`tab-${tab}`).click();
        await check(page, `training, ${tab}`);
      }
      await app.visit("settings");
      await app.id("settings-params").click();
      await check(page, "settings");
    });
  });

for (const theme of ["light", "dark"] as const)
  test.describe(`accounts, ${theme}`, () => {
    test.use({ colorScheme: theme, serverArgs: ["--users", "on"] });

    test("log-in and accounts", async ({ app, page }) => {
      await page.goto("/");
      await app.id("login-submit").click(); // with what is wrong shown
      await check(page, "sign-up");
      await app.id("login-name").fill("ada");
      await app.id("login-password").fill("correct horse battery");
      await app.id("login-again").fill("correct horse battery");
      await app.id("login-submit").click();
      await expect(app.id("empty-state")).toBeVisible();
      await app.visit("accounts");
      await expect(app.id("user")).toBeVisible();
      await check(page, "users");
      await app.id("tab-invitations").click();
      await app.id("invite-create").click();
      await expect(app.id("invite-made")).toBeVisible();
      await check(page, "invitations");
      await app.userMenu("logout");
      await expect(app.id("page-login")).toBeVisible();
      await check(page, "log-in");
    });
  });
