import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderPage } from "../testing";
import PresetsPage from ".";

afterEach(() => vi.unstubAllGlobals());

describe("the presets page", () => {
  it("makes one, after saying what is missing", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<PresetsPage />);
    await user.click(await screen.findByTestId("preset-new"));
    await user.click(screen.getByTestId("preset-save"));
    expect(screen.getByText("Give it a name.")).toBeTruthy();
    await user.type(screen.getByTestId("preset-title"), "Haiku");
    await user.click(screen.getByTestId("preset-template"));
    await user.paste("Write a haiku about");
    await user.click(screen.getByTestId("preset-save"));
    expect(screen.getByText("Write {{text}} where your text shall go.")).toBeTruthy();
    await user.paste(" ");
    await user.click(screen.getByTestId("preset-template"));
    await user.paste(" {{text}}");
    await user.click(screen.getByTestId("preset-save"));
    await waitFor(() => expect(screen.queryByTestId("preset-editor")).toBeNull());
    expect(state.presets.at(-1)).toMatchObject({ title: "Haiku", language: "en", builtin: false, params: {} });
    expect(await screen.findByText("Haiku")).toBeTruthy();
  });

  it("begins a chat with the filled template as its draft", async () => {
    const user = userEvent.setup();
    const { state, history } = renderPage(<PresetsPage />);
    const card = (await screen.findByText("Translate")).closest("article")!;
    await user.click(within(card).getByTestId("preset-use"));
    await user.click(screen.getByTestId("preset-text"));
    await user.paste("Guten Tag $& {{text}}");
    expect(screen.getByTestId("preset-preview").textContent).toBe("Translate into English:\n\nGuten Tag $& {{text}}");
    await user.click(screen.getByTestId("preset-start"));
    await waitFor(() => expect(history.at(-1)).toMatch(/^\/c\//));
    const made = state.conversations.get(history.at(-1)!.slice(3))!;
    expect(made).toMatchObject({
      system: "You are a careful translator.",
      params: { temperature: 0.3 },
      draft: "Translate into English:\n\nGuten Tag $& {{text}}",
    });
  });

  it("duplicates a built-in one, which cannot be changed", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<PresetsPage />);
    const card = (await screen.findByText("Translate")).closest("article")!;
    await user.click(within(card).getByTestId("preset-more"));
    expect(screen.queryByTestId("preset-edit")).toBeNull();
    await user.click(screen.getByTestId("preset-duplicate"));
    await user.click(screen.getByTestId("preset-save"));
    await waitFor(() => expect(state.presets.at(-1)).toMatchObject({ title: "Translate (copy)", params: { temperature: 0.3 } }));
  });
});
