import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { refusal, renderPage } from "../testing";
import SettingsPage from ".";

afterEach(() => vi.unstubAllGlobals());

describe("the settings page", () => {
  it("changes the language at once", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<SettingsPage />);
    await user.click(await screen.findByTestId("settings-language-zh"));
    expect(await screen.findByText("自定义指令")).toBeTruthy();
    await waitFor(() => expect(state.settings.language).toBe("zh"));
  });

  it("keeps the later of two quick changes while the first is answered", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<SettingsPage />);
    await user.click(await screen.findByTestId("settings-language-zh"));
    const dark = screen.getByTestId("settings-theme-dark") as HTMLInputElement;
    const seen: boolean[] = [];
    await user.click(dark);
    for (let i = 0; i < 10; ++i) {
      seen.push(dark.checked);
      await new Promise((done) => setTimeout(done, 5));
    }
    expect(seen).not.toContain(false);
    expect(state.settings).toMatchObject({ language: "zh", theme: "dark" });
  });

  it("goes back when the server refuses", async () => {
    const user = userEvent.setup();
    renderPage(<SettingsPage />, { answers: { "PUT /settings": refusal(503, "busy") } });
    const enter = (await screen.findByTestId("settings-enter")) as HTMLInputElement;
    await user.click(enter);
    await waitFor(() => expect(enter.checked).toBe(true));
    expect(await screen.findByTestId("toast")).toBeTruthy();
  });

  it("saves instructions, and switches the first ones on", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<SettingsPage />);
    await user.type(await screen.findByTestId("settings-about"), "I teach physics.");
    await user.click(screen.getByTestId("settings-instructions-save"));
    await waitFor(() => expect(state.settings.instructions).toEqual({ about: "I teach physics.", style: "", enabled: true }));
    await waitFor(() => expect(screen.queryByTestId("settings-instructions-save")).toBeNull());
  });

  it("does not save instructions that are too long", async () => {
    const user = userEvent.setup();
    renderPage(<SettingsPage />);
    await user.click(await screen.findByTestId("settings-style"));
    await user.paste("长".repeat(1400));
    expect((screen.getByTestId("settings-instructions-save") as HTMLButtonElement).disabled).toBe(true);
  });

  it("imports, and says what was left out", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<SettingsPage />, {});
    const before = state.conversations.size;
    const json = JSON.stringify([{ title: "old", mapping: {} }, { title: "broken" }]);
    await user.upload(await screen.findByTestId("settings-import-file"), new File([json], "conversations.json", { type: "application/json" }));
    const report = await screen.findByTestId("settings-import-report");
    expect(report.textContent).toContain("1 chat imported · 1 was left out");
    expect(report.textContent).toContain("Conversation 2 has no messages.");
    expect(state.conversations.size).toBe(before + 1);
  });

  it("says when a file is no JSON, without asking the server", async () => {
    const user = userEvent.setup();
    const { asked } = renderPage(<SettingsPage />);
    await user.upload(await screen.findByTestId("settings-import-file"), new File(["PK"], "chats.json", { type: "application/json" }));
    expect((await screen.findByTestId("settings-import-problem")).textContent).toContain("chats.json is not a JSON file");
    expect(asked.some((one) => one.path === "/import")).toBe(false);
  });

  it("deletes all chats after a question", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<SettingsPage />);
    await user.click(await screen.findByTestId("settings-delete-all"));
    expect(state.conversations.size).toBeGreaterThan(0);
    await user.click(screen.getByTestId("confirm-yes"));
    await waitFor(() => expect(state.conversations.size).toBe(0));
  });
});
