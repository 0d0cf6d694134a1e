import { expect, test } from "../setup/fixtures";

test.beforeEach(async ({ api }) => {
  await api.settings({ params: { max_tokens: 30 } });
});

test("another answer stands beside the first", async ({ app, page }) => {
  await app.open();
  await app.ask(app.say("Tell me a story", "讲个故事"));
  const first = await app.answer.getAttribute("data-id");
  await app.id("regenerate").click();
  await expect(app.id("branch-count")).toHaveText("2 / 2");
  await app.settled();
  const second = await app.answer.getAttribute("data-id");
  expect(second).not.toBe(first);
  await app.id("branch-previous").click();
  await expect(app.id("branch-count")).toHaveText("1 / 2");
  await expect(app.answer).toHaveAttribute("data-id", first!);
  await expect(app.id("branch-previous")).toBeDisabled();
  // The branch that was looked at is the one that is shown again.
  await page.reload();
  await expect(app.answer).toHaveAttribute("data-id", first!);
  await app.id("branch-next").click();
  await expect(app.answer).toHaveAttribute("data-id", second!);
});

test("an answer from another model", async ({ app, api }) => {
  await api.settings({ model: "quick" });
  await app.open();
  await app.ask("hello");
  await app.id("message-more").click();
  await expect(app.id("message-info")).toContainText("quick@");
  await app.id("regenerate-option").filter({ hasText: "slow" }).click();
  await expect(app.id("branch-count")).toHaveText("2 / 2");
  await app.settled();
  await app.id("message-more").click();
  await expect(app.id("message-info")).toContainText("slow@");
});

test("an edited message begins a branch of its own", async ({ app }) => {
  const [one, two, other] = app.language === "zh" ? ["第一问", "第二问", "换一问"] : ["Question one", "Question two", "Another question"];
  await app.open();
  await app.ask(one!);
  await app.ask(two!);
  await app.messages("user").first().hover();
  await app.id("edit").first().click();
  await expect(app.id("edit-input")).toHaveValue(one!);
  await app.id("edit-cancel").click();
  await expect(app.id("edit-input")).toHaveCount(0);
  await app.messages("user").first().hover();
  await app.id("edit").first().click();
  await app.id("edit-input").fill(other!);
  await app.id("edit-send").click();
  await expect(app.messages("user").filter({ hasText: other! })).toBeVisible();
  await expect(app.messages()).toHaveCount(2);
  await app.settled();
  await expect(app.messages("user").getByTestId("branch-count")).toHaveText("2 / 2");
  await app.messages("user").hover();
  await app.id("branch-previous").first().click();
  await expect(app.messages()).toHaveCount(4);
  await expect(app.messages("user").last()).toContainText(two!);
  await app.messages("user").first().hover();
  await app.id("branch-next").first().click();
  await expect(app.messages()).toHaveCount(2);
});

test("an answer that was cut goes on", async ({ app, api }) => {
  await api.settings({ model: "slow", params: { max_tokens: 8 } });
  await app.open();
  await app.ask(app.say("On and on", "继续说"));
  await expect(app.id("continue")).toBeVisible();
  const before = (await api.latest()).messages[1]!;
  expect(before.finish).toBe("length");
  await app.id("continue").click();
  await expect
    .poll(async () => {
      const now = (await api.latest()).messages[1]!;
      return now.status === "done" && now.content.length > before.content.length && now.content.startsWith(before.content);
    })
    .toBe(true);
  await app.settled();
  await expect(app.messages()).toHaveCount(2);
});

test("copying: a message and a block of code", async ({ app, api, page }) => {
  const code = 'print("你好")\nfor i in range(3):\n    print(i)';
  const answer = `Here is **code**:\n\n\`\`\`python\n${code}\n\`\`\`\n\nDone.`;
  const id = await api.imported("Code", ["Write code", answer]);
  await app.open(`/c/${id}`);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await app.answer.hover();
  await app.answer.getByTestId("copy").click();
  await expect.poll(clipboard).toBe(answer);
  await app.id("copy-code").click();
  await expect.poll(clipboard).toBe(code);
});
