import { afterEach, describe, expect, it, vi } from "vitest";
import { apply, EventParser, follow, type Listener } from "./stream";
import type { Message } from "./types";

const bytes = (text: string) => new TextEncoder().encode(text);
const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const done = (content: string) => ({ type: "done", message: { id: "m", content, status: "done" } as Message });
const timing = { silence: 1000, backoff: () => 1 };

// A server whose connections are scripts: chunks to send, then the end ("close") or a failure ("break").
function serve(...connections: ({ status: number } | { chunks: (string | Uint8Array)[]; then: "close" | "break" | "hang" })[]) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string, { signal }: RequestInit) => {
    asked.push(url);
    const next = connections.shift();
    if (!next) throw new TypeError("Failed to fetch");
    if ("status" in next) return Response.json({ error: { message: "no", code: "x" } }, { status: next.status });
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of next.chunks) controller.enqueue(typeof chunk === "string" ? bytes(chunk) : chunk);
        signal?.addEventListener("abort", () => {
          try {
            controller.error(new DOMException("aborted", "AbortError"));
          } catch {
            // Ended already.
          }
        });
        if (next.then === "close") controller.close();
      },
      pull(controller) {
        if (next.then === "break") controller.error(new TypeError("network error"));
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  return asked;
}

function listen() {
  const seen = { texts: [] as string[], done: [] as Message[], lost: [] as boolean[], failed: [] as unknown[] };
  const listener: Listener = {
    onText: (text) => seen.texts.push(text),
    onDone: (message) => seen.done.push(message),
    onConnection: (lost) => seen.lost.push(lost),
    onFailed: (error) => seen.failed.push(error),
  };
  return { seen, listener };
}

afterEach(() => vi.unstubAllGlobals());

describe("EventParser", () => {
  it("puts events together, however the bytes are cut", () => {
    const text = ': keep-alive\n\ndata: {"a":1}\n\ndata: two\ndata:lines\n\r\ndata: 你好😀\r\n\r\n';
    const whole = bytes(text);
    for (let size = 1; size < whole.length; size++) {
      const parser = new EventParser();
      const events: string[] = [];
      for (let at = 0; at < whole.length; at += size) events.push(...parser.push(whole.slice(at, at + size)));
      expect(events).toEqual(['{"a":1}', "two\nlines", "你好😀"]);
    }
  });
});

describe("apply", () => {
  it("appends, overwrites what overlaps, and sees gaps", () => {
    expect(apply("ab", { type: "delta", offset: 2, text: "cd" })).toBe("abcd");
    expect(apply("abcd", { type: "delta", offset: 2, text: "cdef" })).toBe("abcdef");
    expect(apply("ab", { type: "delta", offset: 3, text: "x" })).toBeNull();
    expect(apply("ab", { type: "reset", text: "z" })).toBe("z");
  });
  it("counts UTF-16 code units", () => {
    expect(apply("😀", { type: "delta", offset: 2, text: "!" })).toBe("😀!");
  });
});

describe("follow", () => {
  it("reads an answer to its end", async () => {
    const asked = serve({
      chunks: [event({ type: "delta", offset: 0, text: "Hel" }), event({ type: "delta", offset: 3, text: "lo" }), event(done("Hello"))],
      then: "close",
    });
    const { seen, listener } = listen();
    await follow("m", "", listener, new AbortController().signal, timing);
    expect(asked).toEqual(["/app/api/messages/m/stream?from=0"]);
    expect(seen.texts).toEqual(["Hel", "Hello"]);
    expect(seen.done[0]?.content).toBe("Hello");
    expect(seen.lost).toEqual([]);
  });

  it("begins where the page's text ends, and again after a lost connection", async () => {
    const asked = serve(
      { chunks: [event({ type: "delta", offset: 2, text: "llo 😀" })], then: "break" },
      { status: 503 },
      { chunks: [event({ type: "delta", offset: 8, text: "!" })], then: "close" },
      { chunks: [event(done("Hello 😀!"))], then: "close" },
    );
    const { seen, listener } = listen();
    await follow("m", "He", listener, new AbortController().signal, timing);
    expect(asked.map((url) => url.split("from=")[1])).toEqual(["2", "8", "8", "9"]);
    expect(seen.texts).toEqual(["Hello 😀", "Hello 😀!"]);
    expect(seen.lost).toEqual([true, false, true, false]);
    expect(seen.done).toHaveLength(1);
  });

  it("takes a reset when it holds more than there is", async () => {
    serve({ chunks: [event({ type: "reset", text: "new" }), event(done("new text"))], then: "close" });
    const { seen, listener } = listen();
    await follow("m", "something long that is gone", listener, new AbortController().signal, timing);
    expect(seen.texts).toEqual(["new"]);
    expect(seen.done[0]?.content).toBe("new text");
  });

  it("asks again when a piece is missing", async () => {
    const asked = serve(
      { chunks: [event({ type: "delta", offset: 5, text: "lost" })], then: "hang" },
      { chunks: [event(done("whole"))], then: "close" },
    );
    const { seen, listener } = listen();
    await follow("m", "", listener, new AbortController().signal, timing);
    expect(asked).toHaveLength(2);
    expect(seen.done[0]?.content).toBe("whole");
  });

  it("gives a silent connection up", async () => {
    const asked = serve({ chunks: [": keep-alive\n\n"], then: "hang" }, { chunks: [event(done("x"))], then: "close" });
    const { seen, listener } = listen();
    await follow("m", "", listener, new AbortController().signal, { silence: 20, backoff: () => 1 });
    expect(asked).toHaveLength(2);
    expect(seen.done).toHaveLength(1);
  });

  it("does not insist on what is not there", async () => {
    const asked = serve({ status: 404 });
    const { seen, listener } = listen();
    await follow("m", "", listener, new AbortController().signal, timing);
    expect(asked).toHaveLength(1);
    expect(seen.failed).toHaveLength(1);
  });

  it("tries at once when the network is back", async () => {
    serve({ status: 503 }, { chunks: [event(done("x"))], then: "close" });
    const { seen, listener } = listen();
    const end = follow("m", "", listener, new AbortController().signal, { silence: 1000, backoff: () => 60_000 });
    await vi.waitFor(() => expect(seen.lost).toEqual([true]));
    window.dispatchEvent(new Event("online"));
    await end;
    expect(seen.done).toHaveLength(1);
  });

  it("ends when it is told to", async () => {
    serve({ chunks: [event({ type: "delta", offset: 0, text: "a" })], then: "hang" });
    const { seen, listener } = listen();
    const controller = new AbortController();
    const end = follow("m", "", listener, controller.signal, timing);
    await vi.waitFor(() => expect(seen.texts).toEqual(["a"]));
    controller.abort();
    await end;
    expect(seen.done).toEqual([]);
    expect(seen.failed).toEqual([]);
  });
});
