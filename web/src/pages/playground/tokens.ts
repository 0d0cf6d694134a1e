// Tokens of an answer with their probabilities, as /playground/completions and /playground/chat
// send them, whole or in frames, and how they are shown: tokens that are parts of one character
// (Chinese, emoji) stand together.

export interface Alternative {
  text: string;
  bytes: number[];
  logprob: number;
  chosen: boolean;
}

export interface Token {
  text: string;
  bytes: number[];
  logprob: number | null;
  top: Alternative[];
}

// What is shown as one piece: a token, or several that make up characters only together.
export interface Piece {
  text: string;
  tokens: Token[];
  logprob: number | null;
}

const kBytes = /^bytes:((?:\\x[0-9a-f]{2})+)$/;
const encoder = new TextEncoder();

export function bytesOf(text: string): number[] {
  const match = kBytes.exec(text);
  if (!match) return Array.from(encoder.encode(text));
  return match[1]!
    .split("\\x")
    .slice(1)
    .map((hex) => parseInt(hex, 16));
}

// undefined when the bytes are not whole characters.
export function decode(bytes: number[]): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    return undefined;
  }
}

// How many bytes the character takes that this one begins; 1 for what begins none.
function lengthOf(byte: number): number {
  if (byte >= 0xf0 && byte <= 0xf4) return 4;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  return byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

// A token's bytes for people: its characters, and what is none as ⟨e4⟩.
export function readable(bytes: number[]): string {
  const whole = decode(bytes);
  if (whole !== undefined) return whole;
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const length = lengthOf(bytes[i]!);
    const character = i + length <= bytes.length ? decode(bytes.slice(i, i + length)) : undefined;
    text += character ?? `⟨${bytes[i]!.toString(16).padStart(2, "0")}⟩`;
    i += character === undefined ? 1 : length;
  }
  return text;
}

// How many bytes at the end are the beginning of a character.
function unfinished(bytes: number[]): number {
  for (let k = 1; k <= 3 && k <= bytes.length; ++k) {
    const byte = bytes[bytes.length - k]!;
    if (!isContinuation(byte)) return lengthOf(byte) > k ? k : 0;
  }
  return 0;
}

const kMarks: Record<string, string> = { "\n": "↵", "\r": "␍", "\t": "⇥", " ": "␣" };

// White space made visible, for lists of alternatives.
export function visible(text: string): string {
  return text === "" ? "∅" : text.replace(/[\n\r\t ]/g, (c) => kMarks[c]!);
}

// The `logprobs` of a choice of the completions API.
export interface CompletionLogprobs {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[] | null;
}

export function tokensOfCompletion(logprobs: CompletionLogprobs | null | undefined): Token[] {
  if (!logprobs) return [];
  return logprobs.tokens.map((text, i) => {
    const logprob = logprobs.token_logprobs[i] ?? null;
    const tops = Object.entries(logprobs.top_logprobs?.[i] ?? {});
    return {
      text,
      bytes: bytesOf(text),
      logprob,
      top: sorted(
        tops.map(([other, value]) => ({
          text: other,
          bytes: bytesOf(other),
          logprob: value,
          chosen: other === text,
        })),
      ),
    };
  });
}

// The `logprobs` of a choice of the chat API.
interface ChatToken {
  token: string;
  logprob: number;
  bytes?: number[] | null;
}
export interface ChatLogprobs {
  content: (ChatToken & { top_logprobs?: ChatToken[] })[] | null;
}

export function tokensOfChat(logprobs: ChatLogprobs | null | undefined): Token[] {
  return (logprobs?.content ?? []).map((entry) => {
    const bytes = entry.bytes ?? bytesOf(entry.token);
    const top = (entry.top_logprobs ?? []).map((other) => ({
      text: other.token,
      bytes: other.bytes ?? bytesOf(other.token),
      logprob: other.logprob,
      chosen: other.token === entry.token,
    }));
    // What was chosen belongs in the list also when it was not among the most probable.
    if (top.length > 0 && !top.some((other) => other.chosen))
      top.push({ text: entry.token, bytes, logprob: entry.logprob, chosen: true });
    return { text: entry.token, bytes, logprob: entry.logprob, top: sorted(top) };
  });
}

function sorted(alternatives: Alternative[]): Alternative[] {
  return alternatives.sort((a, b) => b.logprob - a.logprob);
}

function piece(text: string, tokens: Token[]): Piece {
  const logprobs = tokens.map((token) => token.logprob);
  const known = logprobs.every((value): value is number => value !== null);
  return {
    text,
    tokens,
    logprob: known ? (logprobs as number[]).reduce((sum, value) => sum + value, 0) : null,
  };
}

// Puts tokens together until they end with a whole character. What never becomes one is shown as bytes.
export function pieces(tokens: Token[]): Piece[] {
  const result: Piece[] = [];
  let open: Token[] = [];
  let bytes: number[] = [];
  const flush = () => {
    for (const token of open) result.push(piece(readable(token.bytes), [token]));
    open = [];
    bytes = [];
  };
  for (const token of tokens) {
    // The character that was begun does not go on.
    if (open.length > 0 && token.bytes.length > 0 && !isContinuation(token.bytes[0])) flush();
    open.push(token);
    bytes = bytes.concat(token.bytes);
    if (unfinished(bytes) > 0) continue;
    result.push(piece(readable(bytes), open));
    open = [];
    bytes = [];
  }
  flush();
  return result;
}

export function probability(logprob: number): number {
  return Math.min(1, Math.exp(logprob));
}

export function percent(logprob: number): string {
  const p = 100 * probability(logprob);
  if (p >= 99.95) return "100 %";
  if (p >= 10) return `${p.toFixed(1)} %`;
  if (p >= 0.1) return `${p.toFixed(2)} %`;
  if (p >= 0.001) return `${p.toFixed(3)} %`;
  return "< 0.001 %";
}

// Five classes of probability, from surprise (0) to certainty (4); −1: unknown.
export function level(logprob: number | null): number {
  if (logprob === null) return -1;
  const p = probability(logprob);
  if (p >= 0.8) return 4;
  if (p >= 0.5) return 3;
  if (p >= 0.2) return 2;
  if (p >= 0.05) return 1;
  return 0;
}

// exp of the mean negative log-probability; null when nothing is known.
export function perplexity(tokens: Token[]): number | null {
  const known = tokens.map((token) => token.logprob).filter((value): value is number => value !== null);
  if (known.length === 0) return null;
  return Math.exp(-known.reduce((sum, value) => sum + value, 0) / known.length);
}

// What is likely among the rest: probability that is in none of the alternatives.
export function rest(alternatives: Alternative[]): number {
  return Math.max(0, 1 - alternatives.reduce((sum, one) => sum + probability(one.logprob), 0));
}
