import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { refusal, renderPage } from "../testing";
import LoginPage from ".";

afterEach(() => vi.unstubAllGlobals());

const session = (fields: object = {}) => ({
  user: null,
  csrf: "csrf",
  users_enabled: true,
  setup_needed: false,
  models: [],
  version: "1",
  settings: {},
  ...fields,
});
const kUser = { id: "1", name: "mei", role: "user", disabled: false, daily_tokens: 0, created: 0 };

describe("the log-in page", () => {
  it("logs in with the trimmed name", async () => {
    const user = userEvent.setup();
    const { asked } = renderPage(<LoginPage />, {
      answers: { "GET /session": session(), "POST /login": session({ user: kUser, csrf: "new" }) },
    });
    await user.type(await screen.findByTestId("login-name"), " mei ");
    await user.type(screen.getByTestId("login-password"), " secret {Enter}");
    await waitFor(() =>
      expect(asked.find((one) => one.path === "/login")?.body).toEqual({ name: "mei", password: " secret " }),
    );
  });

  it.each([
    [401, "wrong_password", "The name or the password is wrong."],
    [429, "too_many", "Too many attempts. Wait five minutes, then try again."],
  ])("%i %s", async (status, code, text) => {
    const user = userEvent.setup();
    renderPage(<LoginPage />, { answers: { "GET /session": session(), "POST /login": refusal(status, code) } });
    await user.type(await screen.findByTestId("login-name"), "mei");
    await user.type(screen.getByTestId("login-password"), "x{Enter}");
    expect((await screen.findByTestId("login-error")).textContent).toBe(text);
    expect((screen.getByTestId("login-submit") as HTMLButtonElement).disabled).toBe(false);
  });

  it("signs up with the invitation of the address, which it then leaves", async () => {
    const user = userEvent.setup();
    const { asked, history } = renderPage(<LoginPage />, {
      path: "/signup?invitation=abc",
      answers: { "GET /session": session(), "POST /signup": session({ user: kUser }) },
    });
    expect(((await screen.findByTestId("login-invitation")) as HTMLInputElement).value).toBe("abc");
    await user.type(screen.getByTestId("login-name"), "林");
    await user.type(screen.getByTestId("login-password"), "12345678");
    await user.click(screen.getByTestId("login-submit"));
    expect(screen.getByText("The two passwords are not the same.")).toBeTruthy();
    await user.type(screen.getByTestId("login-again"), "12345678{Enter}");
    await waitFor(() =>
      expect(asked.find((one) => one.path === "/signup")?.body).toEqual({ name: "林", password: "12345678", invitation: "abc" }),
    );
    await waitFor(() => expect(history.at(-1)).toBe("/"));
  });

  it("names an invitation that is not valid", async () => {
    const user = userEvent.setup();
    renderPage(<LoginPage />, {
      path: "/signup?invitation=abc",
      answers: { "GET /session": session(), "POST /signup": refusal(403, "bad_invitation") },
    });
    await user.type(await screen.findByTestId("login-name"), "mei");
    await user.type(screen.getByTestId("login-password"), "12345678");
    await user.type(screen.getByTestId("login-again"), "12345678{Enter}");
    expect(await screen.findByText(/used up, has expired or never was/)).toBeTruthy();
  });

  it("sets up the first administrator without an invitation", async () => {
    renderPage(<LoginPage />, { answers: { "GET /session": session({ setup_needed: true }) } });
    expect(await screen.findByText("Set up parley")).toBeTruthy();
    expect(screen.queryByTestId("login-invitation")).toBeNull();
    expect(screen.queryByTestId("login-to-signup")).toBeNull();
  });
});
