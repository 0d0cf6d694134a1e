// Without a mouse.
import { expect, test } from "../setup/fixtures";

test("a whole conversation by keyboard", async ({ app, api, page }) => {
  await api.settings({ params: { max_tokens: 20 } });
  await app.open();
  await expect(app.id("composer-input")).toBeFocused();
  await page.keyboard.type("Hello there");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await page.keyboard.press("Enter");
  await expect(app.messages("user")).toContainText("second line");
  await app.settled();
  await expect(app.id("composer-input")).toBeFocused();

  // Back to the answer's buttons, and another answer.
  await app.answer.getByTestId("copy").focus();
  await expect(app.answer.getByTestId("copy")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(app.id("rate-up")).toBeFocused();
  await page.keyboard.press("Space");
  await expect(app.id("rate-up")).toHaveAttribute("aria-pressed", "true");
  await app.id("regenerate").focus();
  await page.keyboard.press("Enter");
  await expect(app.id("branch-count")).toHaveText("2 / 2");
  await app.settled();

  // Search, choose with the arrows, open.
  await api.imported("The other chat", ["find the heron", "here"]);
  await page.keyboard.press("Control+k");
  await expect(app.id("search-input")).toBeFocused();
  await page.keyboard.type("heron");
  await expect(app.id("search-hit")).toHaveCount(1);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(app.id("chat-title")).toHaveText("The other chat");
  await page.keyboard.press("Control+Shift+O");
  await expect(app.id("empty-state")).toBeVisible();
  await expect(app.id("composer-input")).toBeFocused();
});

test("menus and dialogs hold the focus and give it back", async ({ app, page }) => {
  await app.open();
  await app.id("model-picker").focus();
  await page.keyboard.press("Enter");
  await expect(app.id("model-option").first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(app.id("model-option").nth(1)).toBeFocused();
  await page.keyboard.press("Home");
  await expect(app.id("model-option").first()).toBeFocused();
  const second = (await app.id("model-option").nth(1).innerText()).trim();
  await page.keyboard.press(second[0]!); // its name begins so
  await expect(app.id("model-option").nth(1)).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(app.id("model-option")).toHaveCount(0);
  await expect(app.id("model-picker")).toBeFocused();

  await app.id("chat-options").focus();
  await page.keyboard.press("Enter");
  await expect(app.id("options-panel")).toBeVisible();
  for (let i = 0; i < 30; ++i) {
    await page.keyboard.press("Tab");
    // The browser's own controls, or something in the dialog; never the page behind it.
    expect(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement?.closest("dialog"))).toBe(true);
  }
  await page.keyboard.press("Escape");
  await expect(app.id("options-panel")).toHaveCount(0);
  await expect(app.id("chat-options")).toBeFocused();
});

test("from the first Tab to every page", async ({ app, page }) => {
  await app.open("/memory");
  await expect(app.id("page-memory")).toBeVisible();
  await page.keyboard.press("Tab");
  const skip = page.locator(".skip-link");
  await expect(skip).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
  for (const name of ["memory", "files", "presets", "playground", "feedback", "training"]) {
    await app.id(`nav-${name}`).focus();
    await page.keyboard.press("Enter");
    await expect(app.id(`page-${name}`)).toBeVisible();
  }
  // What has the focus can be seen.
  await app.id("nav-memory").focus();
  await page.keyboard.press("Tab");
  const ring = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement!);
    return style.outlineStyle !== "none" || style.boxShadow !== "none";
  });
  expect(ring).toBe(true);
});

test("tokens of the playground with the arrow keys", async ({ app, api, page }) => {
  await api.settings({ model: "slow" });
  await app.open("/playground");
  await app.id("playground-max_tokens").fill("6");
  await app.id("playground-temperature").fill("0.5");
  await app.id("playground-prompt").fill("the fox");
  await page.keyboard.press("Control+Enter");
  await expect(app.id("output-facts")).toContainText("6");
  await app.id("token").first().focus();
  await expect(app.id("token-popup")).toBeVisible();
  await page.keyboard.press("ArrowRight");
  await expect(app.id("token").nth(1)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(app.id("token-branch").first()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(app.id("token").nth(1)).toBeFocused();
});
