// The app as a test sees it: what people do, on both sizes of screen.
import { expect, type Locator, type Page } from "@playwright/test";
import type { Api } from "./api";

export class App {
  constructor(
    readonly page: Page,
    readonly api: Api,
    readonly language: "en" | "zh",
    readonly phone: boolean,
  ) {}

  // One of two texts, by the language.
  say(en: string, zh: string): string {
    return this.language === "zh" ? zh : en;
  }
  id(name: string): Locator {
    return this.page.getByTestId(name);
  }
  async open(path = "/"): Promise<void> {
    await this.page.goto(path);
    await expect(this.page.locator("main")).toBeVisible();
  }

  // ---- the sidebar: on a phone it is a drawer ----

  async sidebar(): Promise<Locator> {
    const sidebar = this.id("sidebar");
    if (this.phone && !(await sidebar.isVisible())) await this.id("sidebar-open").click();
    await expect(sidebar).toBeVisible();
    return sidebar;
  }
  async visit(name: string): Promise<void> {
    if (name === "settings" || name === "accounts") await this.userMenu(`nav-${name}`);
    else {
      await this.sidebar();
      await this.id(`nav-${name}`).click();
    }
    await expect(this.id(`page-${name}`)).toBeVisible();
  }
  async userMenu(item: string): Promise<void> {
    await this.sidebar();
    await this.id("user-menu").click();
    await this.id(item).click();
  }
  conversation(title: string): Locator {
    return this.id("conversation-list").getByRole("listitem").filter({ hasText: title });
  }
  async conversationMenu(title: string, item: string): Promise<void> {
    await this.sidebar();
    const row = this.conversation(title);
    await row.hover();
    await row.getByTestId("conversation-menu").click();
    await this.id(item).click();
  }
  async newChat(): Promise<void> {
    await this.sidebar();
    await this.id("new-chat").click();
    await expect(this.id("empty-state")).toBeVisible();
  }
  async openConversation(title: string): Promise<void> {
    await this.sidebar();
    await this.conversation(title).getByTestId("conversation").click();
    await expect(this.id("transcript")).toBeVisible();
  }
  // One of a row of choices: what is clicked is its label.
  async choose(name: string): Promise<void> {
    await this.page.locator("label", { has: this.id(name) }).click();
    await expect(this.id(name)).toBeChecked();
  }
  // The file on a link.
  async download(click: () => Promise<void>): Promise<{ name: string; text: string }> {
    const begun = this.page.waitForEvent("download");
    await click();
    const download = await begun;
    const stream = await download.createReadStream();
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return { name: download.suggestedFilename(), text: Buffer.concat(parts).toString("utf8") };
  }

  // ---- the chat ----

  messages(role?: "user" | "assistant"): Locator {
    return role ? this.page.locator(`[data-testid="message"][data-role="${role}"]`) : this.id("message");
  }
  get answer(): Locator {
    return this.messages("assistant").last();
  }
  get answerText(): Locator {
    return this.answer.getByTestId("message-content");
  }
  async type(text: string): Promise<void> {
    const input = this.id("composer-input");
    await expect(input).toBeEnabled();
    await input.fill(text);
  }
  async send(text: string): Promise<void> {
    await this.type(text);
    await this.id("send").click();
    await expect(this.messages("user").filter({ hasText: text }).last()).toBeVisible();
  }
  // Sends and waits for the end of the answer; returns its element.
  async ask(text: string): Promise<Locator> {
    const before = await this.messages("assistant").count();
    await this.send(text);
    await expect(this.messages("assistant")).toHaveCount(before + 1);
    await this.settled();
    return this.answer;
  }
  async settled(): Promise<void> {
    await expect(this.answer).not.toHaveAttribute("data-status", "streaming", { timeout: 60_000 });
    await expect(this.id("stop")).toHaveCount(0);
  }
  // Some of the answer is there, and it goes on.
  async streaming(characters = 40): Promise<void> {
    await expect(this.answer).toHaveAttribute("data-status", "streaming", { timeout: 30_000 });
    await expect.poll(async () => (await this.answerText.innerText()).length, { timeout: 30_000 }).toBeGreaterThan(characters);
  }
  async toast(): Promise<void> {
    await expect(this.id("toast").last()).toBeVisible();
  }
}
