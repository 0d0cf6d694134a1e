import { describe, expect, it } from "vitest";
import { addFrame, EventReader, kNoOutput, readFrames } from "./stream";

function stream(chunks: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
      controller.close();
    },
  });
}

describe("EventReader", () => {
  it("takes any pieces and line ends", () => {
    const text = ": hello\r\ndata: one\r\n\r\ndata:two\ndata: three\n\nid: 4\n\n";
    for (let size = 1; size <= text.length; ++size) {
      const reader = new EventReader();
      const events: string[] = [];
      for (let i = 0; i < text.length; i += size) events.push(...reader.push(text.slice(i, i + size)));
      expect(events).toEqual(["one", "two\nthree"]);
    }
  });
});

describe("readFrames", () => {
  it("reads to [DONE], across split characters", async () => {
    const bytes = new TextEncoder().encode('data: {"choices":[{"index":0,"text":"你"}]}\n\ndata: [DONE]\n\ndata: {}\n\n');
    const chunks = Array.from(bytes, (byte) => new Uint8Array([byte]));
    const frames: unknown[] = [];
    await readFrames(stream(chunks), (frame) => frames.push(frame));
    expect(frames).toEqual([{ choices: [{ index: 0, text: "你" }] }]);
  });

  it("ends with the body", async () => {
    const frames: unknown[] = [];
    await readFrames(stream(['data: {"a":1}']), (frame) => frames.push(frame));
    expect(frames).toEqual([{ a: 1 }]);
  });
});

describe("addFrame", () => {
  it("gathers several answers, their tokens, ends and the usage", () => {
    const logprobs = (text: string) => ({ tokens: [text], token_logprobs: [-1], top_logprobs: [{ [text]: -1 }] });
    let output = kNoOutput;
    output = addFrame(output, { choices: [{ index: 1, text: "b", logprobs: logprobs("b") }] });
    output = addFrame(output, { choices: [{ index: 0, text: "a", logprobs: logprobs("a") }] });
    output = addFrame(output, { choices: [{ index: 0, text: "", logprobs: null, finish_reason: "stop" }] });
    output = addFrame(output, { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } });
    expect(output.choices.map((choice) => [choice.text, choice.tokens.length, choice.finish])).toEqual([
      ["a", 1, "stop"],
      ["b", 1, null],
    ]);
    expect(output.usage).toEqual({ prompt_tokens: 3, completion_tokens: 2, cached_tokens: 0 });
    expect(kNoOutput.choices).toEqual([]);
  });

  it("reads chats", () => {
    let output = addFrame(kNoOutput, { choices: [{ index: 0, delta: {}, logprobs: null }] });
    output = addFrame(output, {
      choices: [{ index: 0, delta: { content: "Hi" }, logprobs: { content: [{ token: "Hi", logprob: -1 }] } }],
    });
    expect(output.choices[0]).toMatchObject({ text: "Hi", tokens: [{ text: "Hi", logprob: -1 }] });
  });

  it("keeps what there was when an error comes", () => {
    const output = addFrame(addFrame(kNoOutput, { choices: [{ index: 0, text: "a" }] }), { error: { message: "no" } });
    expect(output.error).toBe("no");
    expect(output.choices[0]!.text).toBe("a");
  });
});
