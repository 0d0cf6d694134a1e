// Answers belong to the server: pages come and go.
import { expect, test } from "../setup/fixtures";

test.beforeEach(async ({ api }) => {
  // Unlikely words, the end among them, do not come.
  await api.settings({ model: "slow", params: { temperature: 0.5 } });
});

test("an answer is stopped, and goes on", async ({ app, api }) => {
  await app.open();
  await app.send(app.say("Tell me everything", "全部告诉我"));
  await app.streaming();
  await app.id("stop").click();
  await expect(app.answer).toHaveAttribute("data-status", "stopped");
  await expect(app.id("send")).toBeVisible();
  const stopped = (await api.latest()).messages[1]!;
  expect(stopped.status).toBe("stopped");
  expect(stopped.content.length).toBeGreaterThan(20);
  await app.id("continue").click();
  await app.streaming();
  await expect.poll(async () => (await app.answerText.innerText()).length).toBeGreaterThan(stopped.content.length + 20);
  await app.id("stop").click();
  await app.settled();
  const after = (await api.latest()).messages[1]!;
  expect(after.content.startsWith(stopped.content)).toBe(true);
  expect(after.content.length).toBeGreaterThan(stopped.content.length);
});

test("a page that is loaded again sees the answer grow", async ({ app, api, page }) => {
  await app.open();
  await app.send(app.say("A long story", "一个长故事"));
  await app.streaming();
  const before = (await app.answerText.innerText()).length;
  await page.reload();
  await app.streaming(before);
  // And a second page at the same time.
  const second = await page.context().newPage();
  await second.goto(page.url());
  const there = second.locator('[data-testid="message"][data-role="assistant"]');
  await expect(there).toHaveAttribute("data-status", "streaming");
  await app.id("stop").click();
  await expect(there).toHaveAttribute("data-status", "stopped");
  await app.settled();
  const stored = (await api.latest()).messages[1]!;
  expect(stored.status).toBe("stopped");
  await second.close();
});

test("a chat goes on while another one is looked at", async ({ app, api }) => {
  const id = await api.imported("Elsewhere", ["a", "b"]);
  await app.open();
  await app.send(app.say("Talk to yourself", "自言自语"));
  await app.streaming();
  const own = app.page.url();
  await app.openConversation("Elsewhere");
  await expect(app.page).toHaveURL(new RegExp(id));
  await expect(app.messages()).toHaveCount(2);
  await app.page.goto(own);
  await app.streaming();
  await app.id("stop").click();
  await app.settled();
});

test("the network goes and comes back: nothing is lost", async ({ app, api, context }) => {
  await app.open();
  await app.send(app.say("Tell me about lost networks", "说说断网"));
  await app.streaming();
  await context.setOffline(true);
  await expect(app.id("offline-banner")).toBeVisible();
  // What is typed now stays.
  await app.type(app.say("typed without a network", "断网时写的"));
  await context.setOffline(false);
  await expect(app.id("offline-banner")).toHaveCount(0, { timeout: 45_000 });
  await app.streaming();
  await app.id("stop").click();
  await app.settled();
  const stored = (await api.latest()).messages[1]!;
  await expect(app.answer).toHaveAttribute("data-status", stored.status);
  // The page shows what the server has, to the last letter.
  await app.answer.hover();
  await app.answer.getByTestId("copy").click();
  await expect.poll(() => app.page.evaluate(() => navigator.clipboard.readText())).toBe(stored.content);
  await expect(app.id("composer-input")).toHaveValue(app.say("typed without a network", "断网时写的"));
});

test("a killed server comes back: what there was is there, marked", async ({ app, api, server }) => {
  await app.open();
  await app.send(app.say("Do not die", "不要停"));
  await app.streaming();
  // Answers are stored twice a second.
  const began = Date.now();
  await expect.poll(() => Date.now() - began, { timeout: 30_000 }).toBeGreaterThan(1500);
  await server.kill();
  const lost = app.answer.getByRole("status").filter({ hasText: app.say("Connection lost", "连接已断开") });
  await expect(lost).toBeVisible();
  await server.start();
  await expect(app.answer).toHaveAttribute("data-status", "interrupted", { timeout: 45_000 });
  await expect(lost).toHaveCount(0);
  await expect(app.id("message-error")).toBeVisible();
  const kept = (await api.latest()).messages[1]!;
  expect(kept.status).toBe("interrupted");
  expect(kept.content.length).toBeGreaterThan(0);
  await app.id("continue").click();
  await app.streaming();
  await app.id("stop").click();
  await app.settled();
  expect((await api.latest()).messages[1]!.content.startsWith(kept.content)).toBe(true);
});
