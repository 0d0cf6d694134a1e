import type { Browser, Page } from "@playwright/test";
import { Api } from "../setup/api";
import { App } from "../setup/app";
import { expect, test } from "../setup/fixtures";

test.use({ serverArgs: ["--users", "on"] });

async function signUp(app: App, name: string, password: string): Promise<void> {
  await app.id("login-name").fill(name);
  await app.id("login-password").fill(password);
  await app.id("login-again").fill(password);
  await app.id("login-submit").click();
}

// Somebody else, in a browser of their own.
async function other(browser: Browser, page: Page, app: App): Promise<App> {
  const context = await browser.newContext({ baseURL: new URL(page.url()).origin, locale: app.language === "zh" ? "zh-CN" : "en-GB", viewport: page.viewportSize() });
  return new App(await context.newPage(), new Api(context.request, new URL(page.url()).origin), app.language, app.phone);
}

test("the first administrator, an invitation, a quota, and nobody sees another's chats", async ({ app, api, page, browser }) => {
  await page.goto("/");
  await expect(app.id("page-login")).toBeVisible();
  await signUp(app, "ada", "short");
  await expect(page.getByRole("alert")).toBeVisible();
  await signUp(app, "ada", "correct horse battery");
  await expect(app.id("empty-state")).toContainText("ada");
  api.forget();
  await api.settings({ params: { max_tokens: 10 } });
  await app.ask(app.say("A secret of Ada", "艾达的秘密"));
  const secret = (await api.latest()).id;

  await app.visit("accounts");
  await app.id("tab-invitations").click();
  await app.id("invite-create").click();
  const link = await app.id("invite-link").inputValue();
  expect(link).toContain("/signup?invitation=");
  await expect(app.id("invitation")).toHaveCount(1);

  const bob = await other(browser, page, app);
  await bob.page.goto(link);
  await expect(bob.id("login-invitation")).not.toHaveValue("");
  await signUp(bob, "ada", "another long password");
  await expect(bob.page.getByRole("alert")).toBeVisible(); // the name is taken
  await bob.id("login-name").fill("bob");
  await bob.id("login-submit").click();
  await expect(bob.id("empty-state")).toContainText("bob");
  await expect(bob.page).toHaveURL(/\/$/);
  // The code is used up.
  const eve = await other(browser, page, app);
  await eve.page.goto(link);
  await signUp(eve, "eve", "another long password");
  await expect(eve.page.getByRole("alert")).toBeVisible();
  await eve.page.context().close();

  // Bob sees nothing of Ada's, and is no administrator.
  await bob.sidebar();
  await expect(bob.id("conversation")).toHaveCount(0);
  await bob.page.goto(`/c/${secret}`);
  await expect(bob.id("chat")).toBeVisible();
  await expect(bob.page.getByText(app.say("This conversation is not here", "找不到这个对话"))).toBeVisible();
  await bob.page.goto("/accounts");
  await expect(bob.id("empty-state")).toBeVisible();
  await expect(bob.id("page-accounts")).toHaveCount(0);
  for (const [method, path] of [
    ["GET", `/conversations/${secret}`],
    ["PATCH", `/conversations/${secret}`],
    ["DELETE", `/conversations/${secret}`],
    ["GET", `/conversations/${secret}/export`],
    ["POST", `/conversations/${secret}/messages`],
  ] as const)
    await expect(bob.api.call(method, path, method === "GET" ? undefined : method === "POST" ? { parent: null, content: "x", documents: [], answers: 1 } : {})).rejects.toThrow(/404/);
  await expect(bob.api.get("/users")).rejects.toThrow(/403/);
  expect((await bob.api.get<{ hits: unknown[] }>(`/search?q=${encodeURIComponent(app.say("secret", "秘密"))}`)).hits).toEqual([]);

  // A quota of one token ends what Bob may ask, and he is told.
  await page.reload();
  const row = page.locator('[data-testid="user"][data-name="bob"]');
  await row.getByTestId("user-quota").fill("1");
  await row.getByTestId("user-quota").press("Enter");
  await app.toast();
  await bob.api.settings({ params: { max_tokens: 5 } });
  await bob.page.goto("/");
  await bob.ask(app.say("One", "一"));
  await bob.type(app.say("Two", "二"));
  await bob.id("send").click();
  await expect(bob.id("send-problem")).toContainText(app.say("used up", "已用完"));
  await expect(bob.id("composer-input")).toHaveValue(app.say("Two", "二"));
  await page.reload();
  await expect(row.getByTestId("user-today")).toContainText(/[1-9]/);

  // Disabled, he is out.
  await row.getByTestId("user-active").click();
  await expect(row.getByTestId("user-active")).not.toBeChecked();
  await expect.poll(async () => (await api.get<{ users: { name: string; disabled: boolean }[] }>("/users")).users.find((one) => one.name === "bob")!.disabled).toBe(true);
  await bob.page.goto("/");
  await expect(bob.id("page-login")).toBeVisible();
  await bob.page.context().close();
  // The last administrator stays one.
  await page.locator('[data-testid="user"][data-name="ada"]').getByTestId("user-role").selectOption("user");
  await app.toast();
  await expect(page.locator('[data-testid="user"][data-name="ada"]').getByTestId("user-role")).toHaveValue("admin");
});

test("log-out, log-in, another password", async ({ app, api, page }) => {
  await page.goto("/memory");
  await signUp(app, "ada", "correct horse battery");
  // What was asked for is what is shown.
  await expect(app.id("page-memory")).toBeVisible();
  await app.userMenu("logout");
  await expect(app.id("page-login")).toBeVisible();
  await app.id("login-name").fill("ada");
  await app.id("login-password").fill("wrong");
  await app.id("login-submit").click();
  await expect(app.id("login-error")).toBeVisible();
  await app.id("login-password").fill("correct horse battery");
  await app.id("login-submit").click();
  await expect(app.id("empty-state")).toBeVisible();

  await app.visit("settings");
  await app.id("settings-password").click();
  await app.id("password-old").fill("correct horse battery");
  await app.id("password-fresh").fill("a better password");
  await app.id("password-again").fill("a better password");
  await app.id("password-save").click();
  await app.toast();
  await app.id("settings-logout").click();
  await expect(app.id("page-login")).toBeVisible();
  api.forget();
  await expect(api.get("/conversations")).rejects.toThrow(/401/);
  await app.id("login-name").fill("ada");
  await app.id("login-password").fill("a better password");
  await app.id("login-submit").click();
  await expect(app.id("page-settings").or(app.id("empty-state")).first()).toBeVisible();
});

test("the log-in page speaks both languages", async ({ app, page }) => {
  await page.goto("/");
  await app.choose(app.say("login-language-zh", "login-language-en"));
  await expect(page.locator("html")).toHaveAttribute("lang", app.say("zh-CN", "en"));
  await signUp(app, "ada", "correct horse battery");
  await expect(app.id("empty-state")).toBeVisible();
});
