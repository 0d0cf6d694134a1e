import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderPage } from "../testing";
import MemoryPage from ".";
import { checkMemory, matches } from "./memories";

afterEach(() => vi.unstubAllGlobals());

const shown = () => screen.queryAllByTestId("memory-text").map((one) => one.textContent);

describe("the memory page", () => {
  it("adds, changes, switches off", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<MemoryPage />);
    await screen.findAllByTestId("memory");
    await user.type(screen.getByTestId("memory-input"), "  I like short answers. {Enter}");
    await waitFor(() => expect(shown()[0]).toBe("I like short answers."));
    const first = screen.getAllByTestId("memory")[0]!;
    await user.click(within(first).getByTestId("memory-edit"));
    const area = within(first).getByTestId("memory-edit-text");
    await user.clear(area);
    await user.type(area, "用户喜欢短回答。{Enter}");
    await waitFor(() => expect(state.memories[0]!.text).toBe("用户喜欢短回答。"));
    await user.click(within(first).getByTestId("memory-enabled"));
    await waitFor(() => expect(state.memories[0]!.enabled).toBe(false));
  });

  it("says when something is remembered already", async () => {
    const user = userEvent.setup();
    renderPage(<MemoryPage />);
    const [text] = await screen.findAllByTestId("memory-text");
    await user.type(screen.getByTestId("memory-input"), `${text!.textContent}{Enter}`);
    expect(await screen.findByText("This is remembered already.")).toBeTruthy();
  });

  it("deletes, and brings back, off as it was", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<MemoryPage />);
    const [first] = await screen.findAllByTestId("memory");
    const text = state.memories[0]!.text;
    await user.click(within(first!).getByTestId("memory-enabled"));
    await user.click(within(first!).getByTestId("memory-delete"));
    await waitFor(() => expect(state.memories.map((one) => one.text)).not.toContain(text));
    await user.click(await screen.findByTestId("toast-action"));
    await waitFor(() => expect(state.memories.find((one) => one.text === text)?.enabled).toBe(false));
    await waitFor(() => expect(shown()).toContain(text));
  });

  it("is switched off as a whole", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<MemoryPage />);
    await user.click(await screen.findByTestId("memory-on"));
    expect(await screen.findByTestId("memory-off")).toBeTruthy();
    await waitFor(() => expect(state.settings.memory).toBe(false));
    expect((screen.getByTestId("memory-suggest") as HTMLInputElement).disabled).toBe(true);
  });

  it("asks before it deletes all", async () => {
    const user = userEvent.setup();
    const { state } = renderPage(<MemoryPage />);
    await user.click(await screen.findByTestId("memory-delete-all"));
    await user.click(screen.getByTestId("confirm-no"));
    expect(state.memories.length).toBeGreaterThan(0);
    await user.click(screen.getByTestId("memory-delete-all"));
    await user.click(screen.getByTestId("confirm-yes"));
    await waitFor(() => expect(state.memories).toEqual([]));
    expect(await screen.findByText("Nothing is remembered yet")).toBeTruthy();
  });
});

describe("memories", () => {
  it("are checked and found", () => {
    expect(checkMemory(" \n")).toBe("empty");
    expect(checkMemory("😀".repeat(500))).toBeNull();
    expect(checkMemory("x".repeat(501))).toBe("long");
    expect(matches("I live in Hangzhou", "hang LIVE")).toBe(true);
    expect(matches("我住在杭州", "杭州")).toBe(true);
    expect(matches("a", "b")).toBe(false);
  });
});
