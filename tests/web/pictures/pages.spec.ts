import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Page } from "@playwright/test";
import { pdfFile, textFile } from "../setup/files";
import { expect, test } from "../setup/fixtures";
import { kTop } from "../setup/paths";
import { kAsked, kChats, kMemories, metrics } from "./content";

const kRuns = fs.mkdtempSync(path.join(os.tmpdir(), "parley-pictures-"));
test.use({ serverArgs: ["--runs", kRuns], modelName: "parley-mini" });
test.beforeAll(() => {
  for (const [name, stage, text] of [
    ["example/sft", "sft", metrics(240, 3.4, 1.7)],
    ["example/pretrain", "pretrain", metrics(400, 8.6, 2.9)],
  ] as const) {
    const folder = path.join(kRuns, name);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify({ stage, options: { steps: 500 } }));
    fs.writeFileSync(path.join(folder, "metrics.jsonl"), text);
  }
});
test.afterAll(() => fs.rmSync(kRuns, { recursive: true, force: true }));

async function picture(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await expect(page.getByTestId("toast")).toHaveCount(0, { timeout: 15_000 });
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: path.join(kTop, "docs", "screenshots", `${name}.png`), animations: "disabled", caret: "hide" });
}

test("pages", async ({ app, api, page, language, phone }) => {
  test.setTimeout(180_000);
  const suffix = phone ? `phone-${language}` : language;
  const chats = kChats[language];
  for (const chat of chats) await api.imported(chat.title, chat.turns);

  await api.settings({ model: "parley-mini" });
  await app.open();
  if (suffix === "phone-zh") {
    await app.sidebar();
    await picture(page, `sidebar-${suffix}`);
    return;
  }
  await app.openConversation(chats.at(-1)!.title);
  await expect(page.locator("pre .hljs-keyword").first()).toBeVisible();
  await expect(page.locator(".katex").first()).toBeVisible();
  if (!phone) await picture(page, `markdown-${suffix}`);
  await api.post("/conversations", { params: { temperature: 0 } });
  await app.open(`/c/${(await api.latest()).id}`);
  for (const text of kAsked[language]) await app.ask(text);
  await picture(page, `chat-${suffix}`);
  if (phone) return;

  if (language === "en") {
    await app.visit("playground");
    await api.settings({ model: "slow" });
    await app.id("playground-prompt").fill("the fox sees the dog, and the dog");
    await app.id("playground-model").selectOption("slow");
    await app.id("playground-max_tokens").fill("60");
    await app.id("playground-run").click();
    await expect(app.id("output-facts")).toContainText("60", { timeout: 60_000 });
    await app.id("token").nth(9).click();
    await expect(app.id("token-popup")).toBeVisible();
    await picture(page, "playground-en");
    await app.visit("training");
    await expect(app.id("chart").first()).toBeVisible();
    await app.id("run-check").last().check();
    await expect(app.id("chart").nth(1).locator("canvas")).toBeVisible();
    await picture(page, "training-en");
  } else {
    for (const memory of kMemories) await api.post("/memories", { text: memory });
    await app.visit("memory");
    await expect(app.id("memory")).toHaveCount(4);
    await picture(page, "memory-zh");
    await app.visit("files");
    await app.id("files-input").setInputFiles([
      textFile("会议记录.md", "# 会议记录\n\n".repeat(200)),
      textFile("recipes.txt", "Rice, water, salt.\n".repeat(400)),
      pdfFile("manual.pdf", ["Page one", "Page two", "Page three"]),
    ]);
    await expect(app.id("file")).toHaveCount(3);
    await expect(app.id("upload")).toHaveCount(0);
    await picture(page, "files-zh");
    await app.visit("presets");
    await expect(app.id("preset").first()).toBeVisible();
    await picture(page, "presets-zh");
  }
  for (const chat of chats.slice(0, -1)) {
    const all = await api.get<{ conversations: { id: string; title: string }[] }>("/conversations");
    const { messages } = await api.conversation(all.conversations.find((one) => one.title === chat.title)!.id);
    await api.post("/feedback", { kind: "rating", message: messages[1]!.id, rating: chat === chats[0] ? -1 : 1, reasons: chat === chats[0] ? ["too_short"] : ["helpful"] });
  }
  if (language === "en") {
    await app.visit("feedback");
    await app.id("tab-examples").click();
    await expect(app.id("feedback-example")).toHaveCount(3);
    await picture(page, "feedback-en");
    await app.visit("settings");
    await expect(page.getByRole("heading").first()).toBeVisible();
    await picture(page, "settings-en");
  }
});
