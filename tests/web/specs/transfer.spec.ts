import { exported } from "../setup/api";
import { chatGptExport, textFile } from "../setup/files";
import { expect, test } from "../setup/fixtures";

test("what is exported comes back", async ({ app, api, page }) => {
  const title = app.say("Cooking rice", "煮米饭");
  await api.imported(title, ["How long?", "Ten minutes. 十分钟。"]);
  await app.open();
  const markdown = await app.download(() => app.conversationMenu(title, "conversation-export-markdown"));
  expect(markdown.name).toMatch(/\.md$/);
  expect(markdown.text).toContain(`# ${title}`);
  expect(markdown.text).toContain("Ten minutes. 十分钟。");
  const json = await app.download(() => app.conversationMenu(title, "conversation-export-json"));
  const all = await app.download(() => app.userMenu("export-all"));
  expect((JSON.parse(all.text) as { conversations: unknown[] }).conversations).toHaveLength(1);

  await app.visit("settings");
  await app.id("settings-delete-all").click();
  await app.id("confirm-yes").click();
  await app.toast();
  expect((await api.get<{ conversations: unknown[] }>("/conversations")).conversations).toHaveLength(0);
  await app.id("settings-import-file").setInputFiles(textFile("chats.json", json.text, "application/json"));
  await expect(app.id("settings-import-report")).toBeVisible();
  await app.openConversation(title);
  await expect(app.answer).toContainText("Ten minutes. 十分钟。");
  await page.reload();
  await expect(app.messages()).toHaveCount(2);
});

test("ChatGPT's conversations, with their branches", async ({ app }) => {
  await app.open();
  await app.userMenu("import-open");
  await app.id("import-file").setInputFiles(textFile("conversations.json", JSON.stringify(chatGptExport()), "application/json"));
  await expect(app.id("import-report")).toContainText("2");
  await app.page.keyboard.press("Escape");
  await expect(app.id("import-report")).toHaveCount(0);
  await app.openConversation("Trip to Porto");
  await expect(app.messages()).toHaveCount(3);
  await expect(app.messages("user").last()).toContainText("Like this one?");
  await expect(app.answer).toContainText("On the hill, 山上.");
  await app.answer.hover();
  await app.answer.getByTestId("branch-previous").click();
  await expect(app.answer).toContainText("At the harbour.");
  await app.openConversation("Short");
  await expect(app.answer).toContainText("Hello!");
});

test("many conversations go in parts; bad ones are named", async ({ app }) => {
  await app.open();
  await app.userMenu("import-open");
  const file = exported(Array.from({ length: 120 }, (_, i) => ({ title: `Chat number ${i}`, turns: ["q", "a"] }))) as { conversations: object[] };
  file.conversations.push({ title: "Broken", messages: [{ id: "x", parent: "nobody", role: "user", content: "?" }] });
  await app.id("import-file").setInputFiles(textFile("many.json", JSON.stringify(file), "application/json"));
  await expect(app.id("import-report")).toContainText("120");
  await expect(app.id("import-report")).toContainText("Broken");
  await app.page.keyboard.press("Escape");
  // The list loads more as it is scrolled.
  await app.sidebar();
  await expect(app.conversation("Chat number 119")).toBeVisible();
  await expect(async () => {
    await app.id("conversation").last().scrollIntoViewIfNeeded();
    await expect(app.id("conversation")).toHaveCount(120, { timeout: 500 });
  }).toPass({ timeout: 30_000 });
});

test("what is no export is refused in words", async ({ app }) => {
  await app.open();
  for (const text of ["not json at all", '{"some":"thing"}', "[]"]) {
    await app.userMenu("import-open");
    await app.id("import-file").setInputFiles(textFile("x.json", text, "application/json"));
    await expect(app.id("import-report")).toBeVisible();
    await expect(app.id("import-report")).not.toBeEmpty();
    await app.page.keyboard.press("Escape");
    await expect(app.id("import-report")).toHaveCount(0);
  }
  await app.sidebar();
  await expect(app.id("conversation")).toHaveCount(0);
});
