import { expect, test } from "../setup/fixtures";

test.beforeEach(async ({ api }) => {
  await api.settings({ params: { max_tokens: 12 } });
});

test("what is to be remembered is kept, shown, and used in a new chat", async ({ app, api }) => {
  await app.open();
  await app.ask(app.say("Remember that I am allergic to nuts.", "请记住我对花生过敏。"));
  const fact = app.say("I am allergic to nuts", "我对花生过敏");
  await expect(app.id("saved-memory")).toContainText(fact);
  await app.visit("memory");
  await expect(app.id("memory")).toHaveCount(1);
  await expect(app.id("memory-text")).toHaveText(fact);

  await app.newChat();
  await app.ask(app.say("What can I eat with nuts?", "花生可以吃吗？我过敏吗？"));
  await app.id("used-memories").click();
  await expect(app.id("memory-used")).toHaveText(fact);
  await app.page.keyboard.press("Escape");

  // Switched off, it stays where it is.
  await app.visit("memory");
  await app.id("memory-enabled").click();
  await expect(app.id("memory-enabled")).not.toBeChecked();
  await expect.poll(async () => (await api.get<{ memories: { enabled: boolean }[] }>("/memories")).memories[0]!.enabled).toBe(false);
  await app.newChat();
  await app.ask(app.say("What can I eat with nuts?", "花生可以吃吗？我过敏吗？"));
  await expect(app.id("used-memories")).toHaveCount(0);
});

test("a suggestion is accepted, or not", async ({ app, api, page }) => {
  await app.open();
  await app.ask(app.say("Hello! My name is Ana.", "你好！我叫小明。"));
  await expect(app.id("suggested-memory")).toContainText(app.say("Ana", "小明"));
  expect((await api.get<{ memories: unknown[] }>("/memories")).memories).toHaveLength(0);
  await app.id("suggested-memory-accept").click();
  await expect(app.id("suggested-memory")).toHaveCount(0);
  await expect.poll(async () => (await api.get<{ memories: { text: string }[] }>("/memories")).memories.map((one) => one.text).join()).toContain(app.say("Ana", "小明"));

  await app.ask(app.say("I live in Porto.", "我住在上海。"));
  await app.id("suggested-memory-dismiss").click();
  await expect(app.id("suggested-memory")).toHaveCount(0);
  await page.reload();
  await expect(app.messages()).toHaveCount(4);
  await expect(app.id("suggested-memory")).toHaveCount(0);
  expect((await api.get<{ memories: unknown[] }>("/memories")).memories).toHaveLength(1);

  // Without suggestions there are none.
  await app.visit("memory");
  await app.id("memory-suggest").click();
  await expect(app.id("memory-suggest")).not.toBeChecked();
  await app.newChat();
  await app.ask(app.say("I work as a nurse.", "我是一名护士。"));
  await expect(app.id("suggested-memory")).toHaveCount(0);
});

test("the page: add, edit, delete, undo, export, all off", async ({ app, api, page }) => {
  const [tea, coffee] = app.language === "zh" ? ["我喜欢喝茶", "我喜欢喝咖啡"] : ["I like tea", "I like coffee"];
  await app.open();
  await app.visit("memory");
  await app.id("memory-input").fill(tea!);
  await app.id("memory-add").click();
  await expect(app.id("memory-text")).toHaveText(tea!);
  await app.id("memory-input").fill(tea!);
  await app.id("memory-add").click();
  await expect(page.getByRole("alert")).toBeVisible(); // it is there already
  await app.id("memory-edit").click();
  await app.id("memory-edit-text").fill(coffee!);
  await app.id("memory-save").click();
  await expect(app.id("memory-text")).toHaveText(coffee!);
  const file = await app.download(() => app.id("memory-export").click());
  expect(file.text).toContain(coffee!);
  await app.id("memory-delete").click();
  await expect(app.id("memory")).toHaveCount(0);
  await app.id("toast-action").last().click();
  await expect(app.id("memory-text")).toHaveText(coffee!);

  await app.id("memory-on").click();
  await expect(app.id("memory-off")).toBeVisible();
  await app.newChat();
  await app.ask(app.say("Remember that I like milk.", "请记住我喜欢牛奶。"));
  await expect(app.id("saved-memory")).toHaveCount(0);
  await expect(app.id("used-memories")).toHaveCount(0);
  await app.visit("memory");
  await expect(app.id("memory")).toHaveCount(1);
  await app.id("memory-delete-all").click();
  await app.id("confirm-yes").click();
  await expect(app.id("memory")).toHaveCount(0);
  expect((await api.get<{ memories: unknown[] }>("/memories")).memories).toHaveLength(0);
});
