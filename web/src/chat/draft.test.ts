import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Draft } from "./draft";

let sent: string[];
let fails: boolean;
beforeEach(() => {
  sent = [];
  fails = false;
  localStorage.clear();
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    if (fails) throw new TypeError("Failed to fetch");
    if (init.method === "PUT") sent.push((JSON.parse(String(init.body)) as { text: string }).text);
    return Response.json({ text: "at the server" });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("sends what was typed once typing rests", async () => {
  const draft = new Draft("c", "u");
  for (const text of ["a", "ab", "abc"]) draft.set(text);
  await vi.advanceTimersByTimeAsync(2000);
  expect(sent).toEqual(["abc"]);
  draft.flush();
  expect(sent).toEqual(["abc"]);
});

it("sends at once when the page goes, and what was sent as a message goes", async () => {
  const draft = new Draft("c", "u");
  draft.set("abc");
  draft.flush();
  draft.clear();
  await vi.advanceTimersByTimeAsync(2000);
  expect(sent).toEqual(["abc", ""]);
});

it("keeps what the server did not get, for its user only", async () => {
  fails = true;
  const draft = new Draft("c", "u");
  draft.set("lost?");
  await vi.advanceTimersByTimeAsync(2000);
  fails = false;
  expect(await new Draft("c", "other").load()).toBe("at the server");
  expect(await new Draft("c", "u").load()).toBe("lost?");
  await vi.advanceTimersByTimeAsync(2000);
  const again = new Draft("c", "u");
  again.set("lost?");
  await vi.advanceTimersByTimeAsync(2000);
  expect(sent.at(-1)).toBe("lost?");
  expect(await again.load()).toBe("at the server");
});
