import { expect, test } from "../setup/fixtures";

test("tokens with their probabilities, and what else could have stood there", async ({ app, api, page, phone }) => {
  await api.settings({ model: "slow" });
  await app.open();
  await app.visit("playground");
  await app.id("playground-prompt").fill(app.say("the fox sees", "狐狸看见"));
  if (phone) await app.id("params-toggle").click();
  await app.id("playground-max_tokens").fill("12");
  await app.id("playground-temperature").fill("0.5");
  await app.id("playground-run").click();
  await expect(app.id("output-facts")).toContainText("12");
  await expect(app.id("playground-run")).toBeVisible();
  const tokens = app.id("token");
  await expect(tokens.first()).toHaveAttribute("aria-label", /%/);
  if (phone) await tokens.first().tap();
  else await tokens.first().hover();
  const popup = app.id("token-popup");
  await expect(popup).toBeVisible();
  await expect(popup.getByRole("listitem").nth(1)).toBeVisible();
  await expect(popup).toContainText("%");

  // The other way: chosen, and the text goes on from there.
  if (!phone) await tokens.first().click();
  const before = await app.id("playground-prompt").inputValue();
  await popup.getByTestId("token-branch").first().click();
  await expect.poll(async () => (await app.id("playground-prompt").inputValue()).length).toBeGreaterThan(before.length);
  await expect(app.id("output-facts")).toContainText("12");
  await app.choose("output-view-text");
  await expect(app.id("output-text")).toBeVisible();
  await app.id("output-continue").click();
  await expect.poll(async () => (await app.id("playground-prompt").inputValue()).length).toBeGreaterThan(before.length + 5);
  // What was typed is still there after a reload.
  const kept = await app.id("playground-prompt").inputValue();
  await expect.poll(() => page.evaluate((text) => Object.values(localStorage).some((value) => value.includes(JSON.stringify(text).slice(1, -1))), kept)).toBe(true);
  await page.reload();
  await expect(app.id("playground-prompt")).toHaveValue(kept);
});

test("a chat as the model reads it, and the code that asks the same", async ({ app, page }) => {
  await app.open();
  await app.visit("playground");
  await app.choose("playground-mode-chat");
  await app.id("message-role-0").selectOption("system");
  await app.id("message-text-0").fill("Be brief.");
  if ((await app.id("message-text-1").count()) === 0) await app.id("message-add").click();
  await app.id("message-role-1").selectOption("user");
  await app.id("message-text-1").fill(app.say("Where is the fox?", "狐狸在哪里？"));
  await expect(app.id("raw-special").first()).toBeVisible();
  await expect(app.id("raw-prompt")).toContainText("Be brief.");
  await app.id("playground-run").click();
  await expect(app.id("output-facts")).not.toBeEmpty();
  await expect(app.id("playground-run")).toBeVisible();

  await app.id("code-fold").click();
  const code = app.id("code-text");
  await expect(code).toContainText("curl");
  await expect(code).toContainText("/v1/chat/completions");
  await app.id("tab-python").click();
  await expect(code).toContainText("openai");
  await app.id("code-copy").click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain("base_url");
  await app.id("tab-javascript").click();
  await expect(code).toContainText("baseURL");
});

test("a run is stopped", async ({ app, phone }) => {
  await app.open();
  await app.visit("playground");
  if (phone) await app.id("params-toggle").click();
  await app.id("playground-model").selectOption("slow");
  await app.id("playground-max_tokens").fill("6000");
  await app.id("playground-temperature").fill("0.5");
  await app.id("playground-prompt").fill("the");
  await app.id("playground-run").click();
  await expect(app.id("token").nth(20)).toBeVisible();
  await app.page.locator('button[data-testid="playground-stop"]').click();
  await expect(app.id("playground-run")).toBeVisible();
  await app.id("playground-clear").click();
  await expect(app.id("playground-output")).toHaveCount(0);
});
