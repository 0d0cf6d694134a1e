import path from "node:path";
import { expect, test } from "../setup/fixtures";
import { kTop } from "../setup/paths";

test.use({ serverArgs: ["--users", "on"] });

const kFolder = path.join(kTop, "docs", "screenshots");

test("accounts", async ({ app, page, language, phone }) => {
  test.skip(phone || language !== "en");
  await page.goto("/");
  await expect(app.id("page-login")).toBeVisible();
  await page.screenshot({ path: path.join(kFolder, "login-en.png") });
  await app.id("login-name").fill("ada");
  await app.id("login-password").fill("correct horse battery");
  await app.id("login-again").fill("correct horse battery");
  await app.id("login-submit").click();
  await expect(app.id("empty-state")).toContainText("ada");
  await app.visit("accounts");
  await app.id("tab-invitations").click();
  await app.id("invite-create").click();
  await expect(app.id("invitation")).toHaveCount(1);
  await page.screenshot({ path: path.join(kFolder, "accounts-en.png") });
});
