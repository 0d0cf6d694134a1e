// The whole app on the mock server: what users do in a chat.
import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi, newConversation, newMessage, type State } from "../../../mock/api";
import { App } from "@/app";

let state: State;
let refuse: ((url: string, method: string) => Response | null) | null;
const asked: string[] = [];

beforeEach(() => {
  const api = createApi({ tokensPerSecond: 2000, empty: true });
  state = api.state;
  refuse = null;
  asked.length = 0;
  vi.stubGlobal("fetch", (url: string, init: RequestInit = {}) => {
    asked.push(`${init.method ?? "GET"} ${url}`);
    const refused = refuse?.(url, init.method ?? "GET");
    if (refused) return Promise.resolve(refused);
    const { signal: _signal, ...rest } = init;
    return api.handle(new Request(`http://localhost${url}`, { ...rest, duplex: "half" } as RequestInit));
  });
  // jsdom lays nothing out; the virtual list needs a height.
  for (const name of ["offsetHeight", "offsetWidth", "clientHeight", "clientWidth"])
    Object.defineProperty(HTMLElement.prototype, name, { configurable: true, value: 800 });
  localStorage.clear();
  window.history.replaceState(null, "", "/");
});
afterEach(() => vi.unstubAllGlobals());

const input = () => screen.findByTestId<HTMLTextAreaElement>("composer-input");
const answers = () => screen.queryAllByTestId("message").filter((one) => one.dataset.role === "assistant");
const lastAnswer = async () => {
  await waitFor(
    () => {
      expect(screen.queryByTestId("stop")).toBeNull();
      expect(answers().at(-1)?.dataset.status).toMatch(/done|stopped|error/);
    },
    { timeout: 4000 },
  );
  return answers().at(-1)!;
};

async function send(text: string) {
  const user = userEvent.setup();
  const field = await input();
  await waitFor(() => expect(field.disabled).toBe(false));
  await user.clear(field);
  await user.type(field, `${text}{Enter}`);
}

function seedTurn(): { id: string; question: string; answer: string } {
  const conversation = newConversation("Seeded");
  const question = newMessage(conversation.id, null, "user", "Seed question");
  const answer = newMessage(conversation.id, question.id, "assistant", "Seed answer");
  conversation.messages.push(question, answer);
  conversation.leaf = answer.id;
  state.conversations.set(conversation.id, conversation);
  window.history.replaceState(null, "", `/c/${conversation.id}`);
  return { id: conversation.id, question: question.id, answer: answer.id };
}

describe("chat", () => {
  it("begins with suggestions, and answers a question", async () => {
    render(<App />);
    expect(await screen.findAllByTestId("suggestion")).toHaveLength(4);
    await send("Tell me about code");
    const answer = await lastAnswer();
    expect(answer.textContent).toContain("always the same");
    expect(location.pathname).toMatch(/^\/c\//);
    expect((await input()).value).toBe("");
    // Read out once, as a whole.
    expect(screen.getByTestId("answer-status").textContent).toContain("always the same");
    expect(await screen.findByTestId("conversation")).toBeTruthy();
    // Nothing of it stays behind as a draft.
    await act(() => new Promise((resolve) => setTimeout(resolve, 900)));
    expect(state.newDraft).toBe("");
    expect([...state.conversations.values()][0]!.draft).toBe("");
  });

  it("puts a suggestion into the composer", async () => {
    render(<App />);
    fireEvent.click((await screen.findAllByTestId("suggestion"))[0]!);
    expect((await input()).value).toContain("language model");
  });

  it("does not send while an input method composes", async () => {
    render(<App />);
    const field = await input();
    fireEvent.change(field, { target: { value: "ni hao" } });
    fireEvent.keyDown(field, { key: "Enter", isComposing: true });
    fireEvent.keyDown(field, { key: "Enter", keyCode: 229 });
    await act(() => new Promise((resolve) => setTimeout(resolve, 50)));
    expect(asked.some((one) => one.startsWith("POST"))).toBe(false);
    fireEvent.keyDown(field, { key: "Enter" });
    await waitFor(() => expect(asked.some((one) => one.startsWith("POST /app/api/conversations"))).toBe(true));
    await lastAnswer();
  });

  it("keeps what was typed when the server is busy, and tries again", async () => {
    seedTurn();
    refuse = (url, method) =>
      method === "POST" && url.endsWith("/messages")
        ? Response.json({ error: { message: "The queue is full.", code: "busy" } }, { status: 429 })
        : null;
    render(<App />);
    await send("hello there");
    expect((await screen.findByTestId("send-problem")).textContent).toContain("busy");
    expect((await input()).value).toBe("hello there");
    refuse = null;
    fireEvent.click(screen.getByTestId("send-retry"));
    await lastAnswer();
    await waitFor(() => expect(answers()).toHaveLength(2));
    expect((await input()).value).toBe("");
  });

  it("makes other answers and goes between them", async () => {
    seedTurn();
    render(<App />);
    fireEvent.click(await screen.findByTestId("regenerate"));
    await waitFor(() => expect(screen.getByTestId("branch-count").textContent).toBe("2 / 2"));
    await lastAnswer();
    fireEvent.click(screen.getByTestId("branch-previous"));
    await waitFor(() => expect(answers().at(-1)?.textContent).toContain("Seed answer"));
    expect(asked.some((one) => one.startsWith("PATCH"))).toBe(true);
  });

  it("edits a message as a branch of its own", async () => {
    const { question } = seedTurn();
    render(<App />);
    fireEvent.click(await screen.findByTestId("edit"));
    fireEvent.change(screen.getByTestId("edit-input"), { target: { value: "Another question" } });
    fireEvent.click(screen.getByTestId("edit-send"));
    await lastAnswer();
    expect(screen.getByText("Another question")).toBeTruthy();
    const edited = [...state.conversations.values()][0]!.messages.find((one) => one.content === "Another question")!;
    expect(edited.parent).toBeNull();
    expect(edited.id).not.toBe(question);
  });

  it("compares two answers", async () => {
    render(<App />);
    fireEvent.click(await screen.findByTestId("two-answers"));
    await send("Explain models");
    const pair = await screen.findByTestId("pair");
    const second = await within(pair).findByTestId<HTMLButtonElement>("choose-second");
    await waitFor(() => expect(second.disabled).toBe(false), { timeout: 4000 });
    fireEvent.click(second);
    await waitFor(() => expect(screen.queryByTestId("pair")).toBeNull());
    expect(state.feedback[0]).toMatchObject({ kind: "comparison", tie: false });
    const conversation = [...state.conversations.values()][0]!;
    expect(conversation.leaf).toBe(state.feedback[0]!.message);
    expect(screen.getByTestId("branch-count").textContent).toBe("2 / 2");
  });

  it("takes ratings with reasons, and takes them back", async () => {
    seedTurn();
    render(<App />);
    fireEvent.click(await screen.findByTestId("rate-down"));
    fireEvent.click((await screen.findAllByTestId("rating-reason"))[0]!);
    fireEvent.change(screen.getByTestId("rating-comment"), { target: { value: "no" } });
    fireEvent.click(screen.getByTestId("rating-send"));
    await waitFor(() => expect(state.feedback[0]).toMatchObject({ rating: -1, reasons: ["wrong"], comment: "no" }));
    expect(state.feedback).toHaveLength(1);
    fireEvent.click(screen.getByTestId("rate-down"));
    await waitFor(() => expect(state.feedback).toHaveLength(0));
  });

  it("stops an answer and lets it go on", async () => {
    state.speed = 20;
    render(<App />);
    await send("a long one");
    fireEvent.click(await screen.findByTestId("stop"));
    await waitFor(() => expect(answers().at(-1)?.dataset.status).toBe("stopped"));
    fireEvent.click(await screen.findByTestId("continue"));
    await waitFor(() => expect(screen.queryByTestId("stop")).not.toBeNull());
    state.speed = 4000;
    const answer = await lastAnswer();
    expect(answer.textContent).toContain("until everything has been said");
  });

  it("restores a draft and keeps it with the server", async () => {
    state.newDraft = "half a thought";
    render(<App />);
    const field = await input();
    await waitFor(() => expect(field.value).toBe("half a thought"));
    fireEvent.change(field, { target: { value: "half a thought, and more" } });
    await waitFor(() => expect(state.newDraft).toBe("half a thought, and more"), { timeout: 2000 });
  });

  it("shows what imported text contains as text", async () => {
    const { answer } = seedTurn();
    const message = [...state.conversations.values()][0]!.messages.find((one) => one.id === answer)!;
    message.content = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) ![y](https://example.com/y.png)";
    const { container } = render(<App />);
    await lastAnswer();
    expect(container.querySelector("main img, main script, main a[href^='javascript']")).toBeNull();
  });

  it("offers to log in when the session has ended", async () => {
    refuse = (url) =>
      url.endsWith("/session")
        ? Response.json({ user: null, csrf: "x", users_enabled: true, setup_needed: false, models: [], version: "1", settings: null })
        : null;
    render(<App />);
    await waitFor(() => expect(screen.queryByTestId("composer-input")).toBeNull());
    await waitFor(() => expect(document.querySelector("input[type=password]")).not.toBeNull(), { timeout: 4000 });
  });
});
