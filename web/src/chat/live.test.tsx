import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { newMessage } from "../../mock/api";
import type { Listener } from "@/api/stream";
import { followLive, unfollowLive, useLive } from "./live";

let listener: Listener;
vi.mock("@/api/stream", () => ({ follow: (_id: string, _held: string, given: Listener) => void (listener = given) }));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

// How often a page that needs `work` ms for a frame shows a second of an answer.
function framesOf(work: number): number {
  let busy = 0;
  const now = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => now() + busy);
  const message = newMessage("c", null, "assistant", "");
  followLive(message, { onDone() {}, onFailed() {} });
  let shown = "";
  let frames = 0;
  const { unmount } = renderHook(() => {
    const text = useLive(message.id)?.text ?? "";
    if (text === shown) return;
    shown = text;
    frames++;
    busy += work;
  });
  const begin = performance.now();
  let text = "";
  while (performance.now() < begin + 1000) {
    listener.onText((text += "word "));
    act(() => void vi.advanceTimersByTime(4));
  }
  act(() => void vi.advanceTimersByTime(1000));
  expect(shown).toBe(text);
  unmount();
  unfollowLive(message.id);
  return frames;
}

it("shows what there is once a frame, less often where that is much work", () => {
  expect(framesOf(1)).toBeGreaterThan(30);
  const slow = framesOf(20);
  expect(slow).toBeGreaterThan(8);
  expect(slow).toBeLessThanOrEqual(16);
  expect(framesOf(100)).toBeLessThanOrEqual(4);
});
