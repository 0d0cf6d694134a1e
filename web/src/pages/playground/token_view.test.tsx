import { fireEvent, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { TokenView } from "./token_view";
import { tokensOfCompletion } from "./tokens";

const kTokens = tokensOfCompletion({
  tokens: ["Once", " upon", "bytes:\\xe5", "bytes:\\xa5\\xbd", "\n"],
  token_logprobs: [-0.1, -2, -1, -0.2, -0.5],
  top_logprobs: [
    { Once: -0.1, Long: -2.5 },
    { " upon": -2, " more": -0.2 },
    { "bytes:\\xe5": -1, "bytes:\\xe4": -0.6 },
    { "bytes:\\xa5\\xbd": -0.2 },
    { "\n": -0.5 },
  ],
});

function show(onBranch?: Parameters<typeof TokenView>[0]["onBranch"]) {
  render(<TokenView tokens={kTokens} running={false} label="Output" onBranch={onBranch} />);
  return screen.getAllByTestId("token");
}

describe("TokenView", () => {
  it("shows characters whole and names each piece with its probability", () => {
    const tokens = show();
    expect(tokens.map((one) => one.textContent)).toEqual(["Once", " upon", "好", "↵\n"]);
    expect(tokens[1]!.getAttribute("aria-label")).toBe("Token 2 of 4: ␣upon, 13.5 %");
    expect(tokens.map((one) => one.dataset.level)).toEqual(["4", "1", "2", "3"]);
  });

  it("has one stop in the tab order; arrows, Home and End move", async () => {
    const user = userEvent.setup();
    const tokens = show();
    await user.tab();
    expect(document.activeElement).toBe(tokens[0]);
    await user.keyboard("{ArrowRight}");
    expect(document.activeElement).toBe(tokens[1]);
    expect(tokens.map((one) => one.tabIndex)).toEqual([-1, 0, -1, -1]);
    await user.keyboard("{End}");
    expect(document.activeElement).toBe(tokens[3]);
    await user.keyboard("{ArrowRight}");
    expect(document.activeElement).toBe(tokens[3]);
    await user.keyboard("{Home}");
    expect(document.activeElement).toBe(tokens[0]);
  });

  it("shows the alternatives of what has the focus, most probable first", async () => {
    const user = userEvent.setup();
    const tokens = show();
    await user.tab();
    await user.keyboard("{ArrowRight}");
    const popup = screen.getByTestId("token-popup");
    expect(tokens[1]!.getAttribute("aria-describedby")).toBe(popup.id);
    expect(within(popup).getAllByRole("listitem").map((one) => one.textContent)).toEqual(["␣more81.9 %", "␣uponchosen13.5 %", "all others4.59 %"]);
    await user.keyboard("{Escape}");
    expect(screen.queryByTestId("token-popup")).toBeNull();
  });

  it("goes on from another token", async () => {
    const user = userEvent.setup();
    const branch = vi.fn();
    const tokens = show(branch);
    await user.click(tokens[1]!);
    await user.click(screen.getByTestId("token-branch"));
    const [before, instead] = branch.mock.calls[0]!;
    expect(before.map((one: { text: string }) => one.text)).toEqual(["Once"]);
    expect(instead.text).toBe(" more");
    expect(screen.queryByTestId("token-popup")).toBeNull();
  });

  it("does not offer half a character", async () => {
    const user = userEvent.setup();
    const tokens = show(vi.fn());
    await user.click(tokens[2]!);
    expect(screen.queryByTestId("token-branch")).toBeNull();
    expect(screen.getByText("2 tokens make up this character")).toBeTruthy();
  });

  it("follows the mouse until it leaves, and stays open after a click", async () => {
    const tokens = show();
    fireEvent.pointerOver(tokens[0]!, { pointerType: "mouse" });
    expect(screen.getByTestId("token-popup")).toBeTruthy();
    fireEvent.pointerLeave(screen.getByTestId("tokens"), { pointerType: "mouse" });
    expect(screen.queryByTestId("token-popup")).toBeNull();
    fireEvent.click(tokens[0]!);
    fireEvent.pointerLeave(screen.getByTestId("tokens"), { pointerType: "mouse" });
    expect(screen.getByTestId("token-popup").getAttribute("role")).toBe("dialog");
    fireEvent.pointerDown(document.body);
    expect(screen.queryByTestId("token-popup")).toBeNull();
  });
});
