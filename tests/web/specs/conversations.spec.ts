import { expect, test } from "../setup/fixtures";

test.beforeEach(async ({ api }) => {
  await api.settings({ params: { max_tokens: 40 } });
});

test("an answer streams, the chat gets a title and stays", async ({ app, page }) => {
  await app.open();
  await expect(app.id("suggestion")).toHaveCount(4);
  const answer = await app.ask(app.say("Where does the fox live?", "狐狸住在哪里？"));
  await expect(answer).toHaveAttribute("data-status", "done");
  const text = await app.answerText.innerText();
  expect(text.trim()).not.toBe("");
  await expect(page).toHaveURL(/\/c\/[\w-]{22}$/);
  await expect(app.id("composer-input")).toHaveValue("");
  await expect(app.id("chat-title")).toContainText(app.say("fox", "狐狸"));
  await expect(app.id("answer-status")).not.toBeEmpty();

  await page.reload();
  await expect(app.messages()).toHaveCount(2);
  await expect(app.answerText).toHaveText(text, { useInnerText: true });
  await app.sidebar();
  await expect(app.id("conversation")).toHaveCount(1);
  await expect(app.id("conversation")).toHaveAttribute("aria-current", "page");
});

test("a suggestion is put into the composer", async ({ app }) => {
  await app.open();
  const suggestion = app.id("suggestion").first();
  await suggestion.click();
  await expect(app.id("composer-input")).not.toHaveValue("");
  await app.id("send").click();
  await expect(app.messages("assistant")).toHaveCount(1);
  await app.settled();
});

test("a title changes, a chat is archived, comes back, and is deleted", async ({ app, api, page }) => {
  const old = app.say("Old name", "旧名字");
  const fresh = app.say("New name", "新名字");
  await api.imported(old, ["one", "two"]);
  await api.imported(app.say("Another", "另一个"), ["three", "four"]);
  await app.open();
  await app.conversationMenu(old, "conversation-rename");
  await app.id("rename-input").fill(fresh);
  await app.id("rename-input").press("Enter");
  await expect(app.conversation(fresh)).toBeVisible();

  await app.conversationMenu(fresh, "conversation-archive");
  await expect(app.conversation(fresh)).toHaveCount(0);
  await app.id("toast-action").last().click(); // undone
  await app.sidebar();
  await expect(app.conversation(fresh)).toBeVisible();
  await app.conversationMenu(fresh, "conversation-archive");
  await expect(app.conversation(fresh)).toHaveCount(0);
  await app.sidebar();
  await app.id("archive-toggle").click();
  await expect(app.conversation(fresh)).toBeVisible();

  await app.conversationMenu(fresh, "conversation-delete");
  await app.id("confirm-no").click();
  await expect(app.conversation(fresh)).toBeVisible();
  await app.conversationMenu(fresh, "conversation-delete");
  await app.id("confirm-yes").click();
  await expect(app.conversation(fresh)).toHaveCount(0);
  await page.reload();
  await app.sidebar();
  await expect(app.id("conversation")).toHaveCount(1);
  const rest = await api.get<{ conversations: { title: string }[] }>("/conversations?archived=1");
  expect(rest.conversations).toEqual([]);
});

test("what was said is found, and shown where it stands", async ({ app, api, page }) => {
  const turns: string[] = [];
  for (let i = 0; i < 60; ++i) turns.push(`question ${i}`, i === 20 ? "The zebrafish is small. 斑马鱼很小。" : `answer ${i}\n\n`.repeat(6));
  const id = await api.imported("Fish", turns);
  await api.imported("Nothing", ["of that", "sort"]);
  await app.open();
  await app.sidebar();
  await app.id("search-open").click();
  await app.id("search-input").fill(app.say("zebrafish", "斑马鱼"));
  const hit = app.page.locator('[data-testid="search-hit"]').filter({ hasText: app.say("zebrafish", "斑马鱼") });
  await expect(hit).toHaveCount(1);
  await hit.click();
  await expect(page).toHaveURL(new RegExp(`/c/${id}`));
  await expect(app.messages().filter({ hasText: "zebrafish" })).toBeInViewport();
  // What is nowhere is said to be nowhere.
  await app.sidebar();
  await app.id("search-open").click();
  await app.id("search-input").fill("qqqqqq");
  await expect(app.id("search-dialog")).toContainText("qqqqqq");
  await expect(app.id("search-hit")).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(app.id("search-dialog")).toHaveCount(0);
});

test("drafts stay with their chats", async ({ app, api, page }) => {
  await api.imported("First", ["a", "b"]);
  await api.imported("Second", ["c", "d"]);
  const stored = () => page.waitForResponse((answer) => answer.url().endsWith("/draft") && answer.request().method() === "PUT" && answer.ok());
  await app.open();
  let saved = stored();
  await app.type(app.say("for a new one", "给新对话"));
  await saved;
  await app.openConversation("First");
  saved = stored();
  await app.type(app.say("for the first", "给第一个"));
  await saved;
  await app.openConversation("Second");
  await expect(app.id("composer-input")).toHaveValue("");
  await app.openConversation("First");
  await expect(app.id("composer-input")).toHaveValue(app.say("for the first", "给第一个"));
  await page.reload();
  await expect(app.id("composer-input")).toHaveValue(app.say("for the first", "给第一个"));
  await app.newChat();
  await expect(app.id("composer-input")).toHaveValue(app.say("for a new one", "给新对话"));
  // A draft that was sent is gone.
  await app.id("send").click();
  await expect(app.messages("assistant")).toHaveCount(1);
  await app.settled();
  await app.newChat();
  await page.reload();
  await expect(app.id("composer-input")).toHaveValue("");
});
