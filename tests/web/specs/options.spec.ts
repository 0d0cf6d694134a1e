// System prompt, parameters, presets, custom instructions.
import { expect, test } from "../setup/fixtures";

test("system prompt and parameters of a chat", async ({ app, api, page }) => {
  const system = app.say("You are a pirate.", "你是海盗。");
  await app.open();
  await app.id("chat-options").click();
  await app.id("system-prompt").fill(system);
  await app.id("param-temperature").fill("0");
  await app.id("param-max_tokens").fill("12");
  await app.id("param-seed").fill("7");
  await app.id("options-save").click();
  await expect(app.id("options-panel")).toHaveCount(0);
  await app.ask(app.say("Who are you?", "你是谁？"));
  const made = await api.latest();
  expect(made.system).toBe(system);
  expect(made.params).toEqual({ temperature: 0, max_tokens: 12, seed: 7 });
  expect(made.messages[1]!.answer_tokens).toBeLessThanOrEqual(12);

  await page.reload();
  await app.id("chat-options").click();
  await expect(app.id("system-prompt")).toHaveValue(system);
  await expect(app.id("param-max_tokens")).toHaveValue("12");
  await app.id("system-prompt").fill("");
  await app.id("param-max_tokens").fill("5");
  await app.id("options-save").click();
  await expect.poll(async () => (await api.latest()).system).toBe("");
  // The same question without the system prompt is shorter for the model.
  await app.id("regenerate").click();
  await expect(app.id("branch-count")).toHaveText("2 / 2");
  await app.settled();
  const answers = (await api.latest()).messages.filter((one) => one.role === "assistant");
  expect(answers[1]!.answer_tokens).toBeLessThanOrEqual(5);
  expect(answers[1]!.prompt_tokens).toBeLessThan(answers[0]!.prompt_tokens);
});

test("stop texts end an answer before them", async ({ app, api }) => {
  await api.settings({ model: "slow", params: { temperature: 0, max_tokens: 60 } });
  await app.open();
  await app.ask(app.say("Say it", "说吧"));
  const whole = (await api.latest()).messages[1]!.content;
  const stop = [...whole].slice(2).join("").trim().slice(4, 8).replace(/\n/g, "") || "e";
  expect(whole).toContain(stop);
  await app.id("chat-options").click();
  await app.id("param-stop").fill(stop);
  await app.id("options-save").click();
  await expect.poll(async () => (await api.latest()).params.stop).toEqual([stop]);
  await app.id("regenerate").click();
  await expect(app.id("branch-count")).toHaveText("2 / 2");
  await app.settled();
  const cut = (await api.latest()).messages.filter((one) => one.role === "assistant")[1]!;
  expect(cut.finish).toBe("stop");
  expect(cut.content).not.toContain(stop);
  expect(cut.content.length).toBeLessThan(whole.length);
});

test("the model picker", async ({ app, api }) => {
  await api.settings({ model: "quick", params: { max_tokens: 5 } });
  await app.open();
  await expect(app.id("model-picker")).toContainText("quick");
  await app.id("model-picker").click();
  await app.id("model-option").filter({ hasText: "slow" }).click();
  await expect(app.id("model-picker")).toContainText("slow");
  await app.ask("hi");
  expect((await api.latest()).messages[1]!.model).toMatch(/^slow@/);
});

test("presets: built-in, own, used in the composer and from their page", async ({ app, api, page }) => {
  await api.settings({ params: { max_tokens: 10 } });
  const title = app.say("As a haiku", "写成俳句");
  await app.open();
  await app.visit("presets");
  await expect(app.id("preset").filter({ hasText: app.say("Explain code", "讲解代码") })).toBeVisible();
  await app.id("preset-new").click();
  await app.id("preset-save").click(); // nothing is in it
  await expect(app.id("preset-editor")).toBeVisible();
  await app.id("preset-title").fill(title);
  await app.id("preset-system").fill("You write haiku.");
  await app.id("preset-template").fill("As a haiku: {{text}}!");
  await app.id("preset-save").click();
  await expect(app.id("preset-editor")).toHaveCount(0);
  const own = app.page.locator('[data-testid="preset"][data-builtin="false"]');
  await expect(own).toHaveCount(1);

  await own.getByTestId("preset-use").click();
  await app.id("preset-text").fill(app.say("the sea", "大海"));
  await expect(app.id("preset-preview")).toHaveText(app.say("As a haiku: the sea!", "As a haiku: 大海!"));
  await app.id("preset-start").click();
  await expect(app.id("composer-input")).toHaveValue(app.say("As a haiku: the sea!", "As a haiku: 大海!"));
  await app.id("send").click();
  await expect(app.messages("assistant")).toHaveCount(1);
  await app.settled();
  expect((await api.latest()).system).toBe("You write haiku.");

  await app.newChat();
  await app.type(app.say("rain", "雨"));
  await app.id("preset-picker").click();
  await app.id("preset-option").filter({ hasText: title }).click();
  await expect(app.id("composer-input")).toHaveValue(app.say("As a haiku: rain!", "As a haiku: 雨!"));

  await app.visit("presets");
  await own.getByTestId("preset-more").click();
  await app.id("preset-edit").click();
  await app.id("preset-title").fill(`${title} 2`);
  await app.id("preset-save").click();
  await expect(own).toContainText(`${title} 2`);
  await own.getByTestId("preset-more").click();
  await app.id("preset-delete").click();
  await app.id("confirm-yes").click();
  await expect(own).toHaveCount(0);
  await page.reload();
  await expect(app.id("preset").first()).toBeVisible();
  await expect(own).toHaveCount(0);
});

test("custom instructions reach the model while they are on", async ({ app, api, page }) => {
  await api.settings({ params: { max_tokens: 5 } });
  const question = app.say("What now?", "现在呢？");
  await app.open();
  await app.ask(question);
  const plain = (await api.latest()).messages[1]!.prompt_tokens;
  await app.visit("settings");
  await app.id("settings-about").fill(app.say("I teach chemistry in Porto.", "我在上海教化学。"));
  await app.id("settings-style").fill(app.say("Short sentences.", "短句。"));
  await app.id("settings-instructions-save").click();
  await app.toast();
  await page.reload();
  await expect(app.id("settings-about")).toHaveValue(app.say("I teach chemistry in Porto.", "我在上海教化学。"));
  await expect(app.id("settings-instructions")).toBeChecked();
  await app.newChat();
  await app.ask(question);
  expect((await api.latest()).messages[1]!.prompt_tokens).toBeGreaterThan(plain + 10);
  await app.visit("settings");
  await app.id("settings-instructions").click();
  await expect(app.id("settings-instructions")).not.toBeChecked();
  await expect.poll(async () => (await api.get<{ settings: { instructions: { enabled: boolean } } }>("/session")).settings.instructions.enabled).toBe(false);
  await app.newChat();
  await app.ask(question);
  expect((await api.latest()).messages[1]!.prompt_tokens).toBe(plain);
});

test("parameters of all chats, with what is wrong said beside them", async ({ app, api }) => {
  await app.open();
  await app.visit("settings");
  await app.id("settings-params").click();
  await app.id("settings-max_tokens").fill("0");
  await expect(app.page.getByRole("alert").first()).toBeVisible();
  await expect(app.id("settings-params-save")).toBeDisabled();
  await app.id("settings-max_tokens").fill("6");
  await app.id("settings-params-save").click();
  await app.toast();
  await app.newChat();
  await app.ask("hi");
  expect((await api.latest()).messages[1]!.answer_tokens).toBeLessThanOrEqual(6);
});
