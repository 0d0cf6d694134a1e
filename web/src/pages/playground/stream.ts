// Reads the streams of /playground/completions and /playground/chat.
import { tokensOfChat, tokensOfCompletion, type ChatLogprobs, type CompletionLogprobs, type Token } from "./tokens";

export interface Choice {
  text: string;
  tokens: Token[];
  finish: string | null;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  cached_tokens: number;
}

export interface Output {
  choices: Choice[];
  usage: Usage | null;
  error: string | null;
}

export const kNoOutput: Output = { choices: [], usage: null, error: null };

interface Frame {
  error?: { message?: string };
  choices?: {
    index?: number;
    text?: string;
    delta?: { content?: string | null };
    logprobs?: unknown;
    finish_reason?: string | null;
  }[];
  usage?: {
    prompt_tokens?: number;
    completion_tokens?: number;
    prompt_tokens_details?: { cached_tokens?: number } | null;
  } | null;
}

// The output with one more frame in it. The old one stays as it is.
export function addFrame(output: Output, frame: Frame): Output {
  if (frame.error) return { ...output, error: frame.error.message ?? "error" };
  const next: Output = { ...output, choices: output.choices.slice() };
  for (const part of frame.choices ?? []) {
    const index = part.index ?? 0;
    while (next.choices.length <= index) next.choices.push({ text: "", tokens: [], finish: null });
    const old = next.choices[index]!;
    const chat = part.delta !== undefined;
    const fresh = chat
      ? tokensOfChat(part.logprobs as ChatLogprobs | null)
      : tokensOfCompletion(part.logprobs as CompletionLogprobs | null);
    next.choices[index] = {
      text: old.text + (part.text ?? part.delta?.content ?? ""),
      tokens: fresh.length > 0 ? old.tokens.concat(fresh) : old.tokens,
      finish: part.finish_reason ?? old.finish,
    };
  }
  if (frame.usage)
    next.usage = {
      prompt_tokens: frame.usage.prompt_tokens ?? 0,
      completion_tokens: frame.usage.completion_tokens ?? 0,
      cached_tokens: frame.usage.prompt_tokens_details?.cached_tokens ?? 0,
    };
  return next;
}

// The `data:` of server-sent events, in pieces of any size. Comments and other fields are skipped.
export class EventReader {
  private rest = "";
  private data: string[] = [];

  push(text: string): string[] {
    const events: string[] = [];
    this.rest += text;
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop()!;
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) events.push(this.data.join("\n"));
        this.data = [];
      } else if (line.startsWith("data:")) {
        this.data.push(line.slice(line[5] === " " ? 6 : 5));
      }
    }
    return events;
  }
}

// Calls `frame` with each JSON frame until [DONE] or the end of the body.
export async function readFrames(body: ReadableStream<Uint8Array>, frame: (json: Frame) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const events = new EventReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      for (const event of events.push(done ? `${decoder.decode()}\n\n` : decoder.decode(value, { stream: true }))) {
        if (event === "[DONE]") return;
        frame(JSON.parse(event) as Frame);
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
