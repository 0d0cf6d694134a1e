import { expect, test } from "../setup/fixtures";

const scheme = () => getComputedStyle(document.documentElement).colorScheme;
const background = () => getComputedStyle(document.body).backgroundColor;

test("language: as the browser, then chosen, and kept", async ({ app, api, page }) => {
  await app.open();
  const [own, other] = app.language === "zh" ? ["zh-CN", "en"] : ["en", "zh-CN"];
  await expect(page.locator("html")).toHaveAttribute("lang", own!);
  await expect(app.id("empty-state")).toContainText(app.say("What would you like", "想了解点什么"));
  await app.userMenu(`language-${other === "en" ? "en" : "zh"}`);
  await expect(page.locator("html")).toHaveAttribute("lang", other!);
  await expect(app.id("empty-state")).toContainText(app.say("想了解点什么", "What would you like"));
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("lang", other!);
  await app.visit("settings");
  await app.choose("settings-language-auto");
  await expect(page.locator("html")).toHaveAttribute("lang", own!);
  await expect.poll(async () => (await api.get<{ settings: { language: string } }>("/session")).settings.language).toBe("auto");
});

test("theme: as the system, then chosen, and there from the first moment", async ({ app, page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await app.open();
  const dark = await page.evaluate(background);
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(() => page.evaluate(background)).not.toBe(dark);
  const light = await page.evaluate(background);
  await app.userMenu("theme-dark");
  await expect.poll(() => page.evaluate(background)).toBe(dark);
  await page.reload({ waitUntil: "domcontentloaded" });
  expect(await page.evaluate(scheme)).toContain("dark");
  expect(await page.evaluate(background)).toBe(dark);
  await app.visit("settings");
  await app.choose("settings-theme-light");
  await expect.poll(() => page.evaluate(background)).toBe(light);
});

test("every page in the user's language, without a word of the other", async ({ app, page }) => {
  await app.open();
  for (const name of ["memory", "files", "presets", "playground", "feedback", "training", "settings"]) {
    await app.visit(name);
    await expect(page.getByTestId(`page-${name}`).getByRole("heading").first()).toBeVisible();
    const text = await page.getByTestId(`page-${name}`).innerText();
    if (app.language === "zh") expect(text, name).toMatch(/\p{Script=Han}/u);
    // Names of languages stand in their own.
    else expect(text.replace(/中文|简体/g, ""), name).not.toMatch(/\p{Script=Han}/u);
  }
});

test("nothing is wider than the screen", async ({ app, api, page }) => {
  await api.imported("Wide", ["w".repeat(400), `${"很长".repeat(300)}\n\n| a | b |\n|---|---|\n| ${"x".repeat(300)} | y |\n\n\`\`\`\n${"code ".repeat(80)}\n\`\`\`\n\n$$\n${"a + ".repeat(80)} b\n$$`]);
  await app.open();
  await app.openConversation("Wide");
  const room = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await expect(page.locator(".katex").first()).toBeVisible();
  expect(await room()).toBeLessThanOrEqual(0);
  for (const name of ["memory", "files", "presets", "playground", "feedback", "training", "settings"]) {
    await app.visit(name);
    expect(await room(), name).toBeLessThanOrEqual(0);
  }
});
