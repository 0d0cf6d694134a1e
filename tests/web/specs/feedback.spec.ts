import type { Page } from "@playwright/test";
import { expect, test } from "../setup/fixtures";

test.beforeEach(async ({ api }) => {
  await api.settings({ params: { max_tokens: 16 } });
});

const tiles = (page: Page) => page.getByTestId("feedback-counts").locator(".value");

test("ratings with reasons; a second one replaces the first", async ({ app, api, page }) => {
  await app.open();
  await app.ask(app.say("Judge me", "评价我吧"));
  await app.id("rate-up").click();
  await expect(app.id("rate-up")).toHaveAttribute("aria-pressed", "true");
  await app.id("rating-reason").first().click();
  await app.id("rating-send").click();
  await app.toast();
  const feedback = async () => (await api.latest()).messages[1]!.feedback;
  expect(await feedback()).toMatchObject([{ kind: "rating", rating: 1 }]);
  await app.id("rate-down").click();
  await app.id("rating-reason").filter({ hasText: app.say("Too short", "太短") }).click();
  await app.id("rating-comment").fill(app.say("It says nothing", "什么都没说"));
  await app.id("rating-send").click();
  await expect.poll(async () => (await feedback())[0]!.comment).toBe(app.say("It says nothing", "什么都没说"));
  expect(await feedback()).toMatchObject([{ kind: "rating", rating: -1, reasons: ["too_short"] }]);
  await page.reload();
  await expect(app.id("rate-down")).toHaveAttribute("aria-pressed", "true");
  await expect(app.id("rate-up")).toHaveAttribute("aria-pressed", "false");

  await app.visit("feedback");
  await expect(tiles(page)).toHaveText(["0", "1", "0", "0"]);
  await app.id("tab-examples").click();
  await expect(app.id("feedback-example")).toContainText(app.say("It says nothing", "什么都没说"));
  await expect(app.id("feedback-example")).toContainText(app.say("Too short", "太短"));
  await app.id("feedback-delete").click();
  await app.id("confirm-yes").click();
  await expect(app.id("feedback-example")).toHaveCount(0);
  expect(await feedback()).toEqual([]);
});

test("of two answers the better one goes on", async ({ app, api, page }) => {
  await app.open();
  await app.id("two-answers").click();
  await expect(app.id("two-answers")).toHaveAttribute("aria-pressed", "true");
  await app.send(app.say("Twice, please", "请说两遍"));
  await expect(app.id("pair")).toBeVisible();
  await expect(app.id("choose-second")).toBeEnabled({ timeout: 60_000 });
  const [first, second] = (await api.latest()).messages.filter((one) => one.role === "assistant");
  await app.id("choose-second").click();
  await expect(app.id("pair")).toHaveCount(0);
  await expect(app.answer).toHaveAttribute("data-id", second!.id);
  await expect(app.id("branch-count")).toHaveText("2 / 2");
  const chosen = (await api.latest()).messages.find((one) => one.id === second!.id)!;
  expect(chosen.feedback).toMatchObject([{ kind: "comparison", tie: false, message: second!.id, other: first!.id }]);
  // The chat goes on behind it.
  await app.id("two-answers").click();
  await app.ask(app.say("Go on", "继续"));
  await expect(app.messages()).toHaveCount(4);

  await app.newChat();
  await app.id("two-answers").click();
  await app.send(app.say("Once more", "再来一次"));
  await expect(app.id("choose-tie")).toBeEnabled({ timeout: 60_000 });
  await app.id("choose-tie").click();
  await expect(app.id("pair")).toHaveCount(0);
  await app.visit("feedback");
  await expect(tiles(page)).toHaveText(["0", "0", "2", "0"]);
  await expect(app.id("feedback-counts")).toContainText("1"); // of them a tie
  await expect(app.id("feedback-models")).toContainText(/quick|slow/);
});

test("a better answer is suggested", async ({ app, api, page }) => {
  await app.open();
  await app.ask(app.say("What is two and two?", "二加二等于几？"));
  await app.id("message-more").click();
  await app.id("suggest-answer").click();
  await app.id("correction-text").fill(app.say("Four.", "四。"));
  await app.id("correction-send").click();
  await expect(app.id("correction-dialog")).toHaveCount(0);
  expect((await api.latest()).messages[1]!.feedback).toMatchObject([{ kind: "correction", text: app.say("Four.", "四。") }]);
  await app.visit("feedback");
  await expect(tiles(page)).toHaveText(["0", "0", "0", "1"]);
  await app.id("tab-examples").click();
  await expect(app.id("feedback-example")).toContainText(app.say("Four.", "四。"));
  await app.id("tab-train").click();
  await expect(app.id("feedback-train")).toContainText("parley");
});
