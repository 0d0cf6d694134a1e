// Follows an answer until it ends: server-sent events over fetch, and again from where it broke off.
import { ApiError, errorOf, href, isAbort } from "./client";
import type { Message } from "./types";

type Event =
  | { type: "delta"; offset: number; text: string }
  | { type: "reset"; text: string }
  | { type: "done"; message: Message };

// Splits a stream of bytes into the data of its events. Lines may end in \n or \r\n; comments are skipped.
export class EventParser {
  private decoder = new TextDecoder();
  private rest = "";
  private data: string[] = [];

  push(bytes: Uint8Array): string[] {
    this.rest += this.decoder.decode(bytes, { stream: true });
    const events: string[] = [];
    for (;;) {
      const end = this.rest.indexOf("\n");
      if (end < 0) return events;
      const line = this.rest.slice(0, end).replace(/\r$/, "");
      this.rest = this.rest.slice(end + 1);
      if (line === "") {
        if (this.data.length) events.push(this.data.join("\n"));
        this.data = [];
      } else if (line.startsWith("data:")) this.data.push(line.slice(line[5] === " " ? 6 : 5));
    }
  }
}

// What is held after an event. A piece that begins beyond the end shows that something is missing: null.
export function apply(held: string, event: Event): string | null {
  if (event.type === "reset") return event.text;
  if (event.type === "done") return event.message.content;
  if (event.offset > held.length) return null;
  return held.slice(0, event.offset) + event.text;
}

export interface Listener {
  onText: (text: string) => void;
  onDone: (message: Message) => void;
  // Between the loss of a connection and the next word from the server.
  onConnection?: (lost: boolean) => void;
  // The answer is gone, or somebody else's: no use in trying again.
  onFailed: (error: unknown) => void;
}

export interface Timing {
  silence: number; // ms without even a keep-alive until a connection counts as lost
  backoff: (attempt: number) => number;
}

const kTiming: Timing = {
  silence: 45_000,
  // 0.5 s, 1 s, 2 s … 15 s, and a little chance, so that a restarted server is not met by everybody at once.
  backoff: (attempt) => Math.min(500 * 2 ** attempt, 15_000) * (0.8 + 0.4 * Math.random()),
};

// Returns when the answer has ended, failed, or `signal` is aborted; never throws.
export async function follow(id: string, held: string, listener: Listener, signal: AbortSignal, timing = kTiming): Promise<void> {
  let text = held;
  let attempt = 0;
  while (!signal.aborted) {
    try {
      const ended = await once(id, text, signal, timing, (event) => {
        const next = apply(text, event);
        if (next === null) return false;
        if (attempt > 0) listener.onConnection?.(false);
        attempt = 0;
        text = next;
        if (event.type === "done") listener.onDone(event.message);
        else listener.onText(text);
        return true;
      });
      if (ended) return;
    } catch (error) {
      if (signal.aborted) return;
      // 4xx (but not "too many", "time out"): the server knows what it says.
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && ![408, 429].includes(error.status)) {
        listener.onFailed(error);
        return;
      }
    }
    if (signal.aborted) return;
    if (attempt === 0) listener.onConnection?.(true);
    await pause(timing.backoff(attempt++), signal);
  }
}

// One connection. True: the answer has ended.
async function once(id: string, held: string, signal: AbortSignal, timing: Timing, take: (event: Event) => boolean): Promise<boolean> {
  const connection = new AbortController();
  const abort = () => connection.abort();
  signal.addEventListener("abort", abort);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(abort, timing.silence);
  };
  try {
    alive();
    const response = await fetch(href(`/messages/${id}/stream?from=${held.length}`), {
      credentials: "same-origin",
      headers: { Accept: "text/event-stream" },
      signal: connection.signal,
    });
    if (!response.ok) throw await errorOf(response);
    if (!response.body) return false;
    const reader = response.body.getReader();
    const parser = new EventParser();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return false;
      alive();
      for (const data of parser.push(value)) {
        const event = JSON.parse(data) as Event;
        if (!take(event)) return false;
        if (event.type === "done") return true;
      }
    }
  } catch (error) {
    if (isAbort(error) || !(error instanceof ApiError)) return false;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    connection.abort();
  }
}

// Waits, but not longer than until the network is back or the page is looked at again.
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      window.removeEventListener("online", end);
      document.removeEventListener("visibilitychange", seen);
      resolve();
    };
    const seen = () => {
      if (document.visibilityState === "visible") end();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    window.addEventListener("online", end);
    document.addEventListener("visibilitychange", seen);
  });
}
