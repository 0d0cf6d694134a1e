import { describe, expect, it } from "vitest";
import {
  bytesOf,
  decode,
  level,
  percent,
  perplexity,
  pieces,
  readable,
  rest,
  tokensOfChat,
  tokensOfCompletion,
  visible,
  type Token,
} from "./tokens";

const token = (text: string, logprob: number | null = -0.1): Token => ({ text, bytes: bytesOf(text), logprob, top: [] });

describe("bytes", () => {
  it("reads escaped bytes, and text that only looks like them", () => {
    expect(bytesOf("bytes:\\xe4\\xbd")).toEqual([0xe4, 0xbd]);
    expect(decode(bytesOf("bytes: none"))).toBe("bytes: none");
    expect(decode(bytesOf("bytes:\\xzz"))).toBe("bytes:\\xzz");
    expect(decode(bytesOf("好"))).toBe("好");
    expect(decode([0xe5])).toBeUndefined();
    expect(readable([0xe5, 0xa5])).toBe("⟨e5⟩⟨a5⟩");
  });

  it("keeps a byte order mark", () => expect(decode([0xef, 0xbb, 0xbf])).toBe("\ufeff"));

  it("shows white space", () => {
    expect(visible(" a\n\tb\r")).toBe("␣a↵⇥b␍");
    expect(visible("")).toBe("∅");
  });
});

describe("pieces", () => {
  it("are tokens where tokens are whole characters", () => {
    expect(pieces([token("Hello"), token(" 世界")]).map((one) => one.text)).toEqual(["Hello", " 世界"]);
  });

  it("put the parts of a character together, with the product of their probabilities", () => {
    const [first, second] = pieces([token("bytes:\\xe5", -1), token("bytes:\\xa5\\xbd", -0.5), token("!")]);
    expect(first!.text).toBe("好");
    expect(first!.tokens).toHaveLength(2);
    expect(first!.logprob).toBeCloseTo(-1.5);
    expect(second!.text).toBe("!");
  });

  it("put an emoji of four tokens together", () => {
    const four = [0xf0, 0x9f, 0x98, 0x80].map((byte) => token(`bytes:\\x${byte.toString(16)}`));
    expect(pieces(four).map((one) => one.text)).toEqual(["😀"]);
  });

  it("show as bytes what is no character, also at the end", () => {
    expect(pieces([token("bytes:\\xe5"), token("a")]).map((one) => one.text)).toEqual(["⟨e5⟩", "a"]);
    expect(pieces([token("bytes:\\xe5")]).map((one) => one.text)).toEqual(["⟨e5⟩"]);
    const many = Array.from({ length: 100 }, () => token("bytes:\\x80"));
    expect(pieces(many)).toHaveLength(100);
  });

  it("keep a token that ends one character and begins the next", () => {
    const shown = pieces([token("bytes:\\xe5\\xa5"), token("bytes:\\xbd\\xe5"), token("bytes:\\xa5\\xbd")]);
    expect(shown.map((one) => one.text)).toEqual(["好好"]);
  });

  it("do not let one wrong byte spoil what follows", () => {
    const shown = pieces([token("bytes:\\xa1\\xe4"), token("bytes:\\xb8\\x80\\xe5"), token("bytes:\\x8f\\xaa"), token("x")]);
    expect(shown.map((one) => one.text)).toEqual(["⟨a1⟩一只", "x"]);
    expect(readable(bytesOf("bytes:\\x41\\xe4\\xb8\\x80\\xff\\xe4"))).toBe("A一⟨ff⟩⟨e4⟩");
  });

  it("know no probability where a token has none", () => {
    expect(pieces([token("a", null)])[0]!.logprob).toBeNull();
  });
});

describe("logprobs", () => {
  it("of completions: sorted, the chosen one marked", () => {
    const [first] = tokensOfCompletion({
      tokens: ["b"],
      token_logprobs: [-2],
      top_logprobs: [{ b: -2, a: -0.3 }],
    });
    expect(first!.top.map((one) => [one.text, one.chosen])).toEqual([
      ["a", false],
      ["b", true],
    ]);
  });

  it("of completions without alternatives, and of an echoed first token", () => {
    expect(tokensOfCompletion({ tokens: ["a"], token_logprobs: [null], top_logprobs: null })).toEqual([
      { text: "a", bytes: [97], logprob: null, top: [] },
    ]);
    expect(tokensOfCompletion(null)).toEqual([]);
  });

  it("of chats: what was chosen joins the list when it is not in it", () => {
    const [first] = tokensOfChat({
      content: [{ token: "x", logprob: -9, bytes: [120], top_logprobs: [{ token: "y", logprob: -0.1, bytes: [121] }] }],
    });
    expect(first!.top.map((one) => one.text)).toEqual(["y", "x"]);
    expect(tokensOfChat({ content: null })).toEqual([]);
  });
});

describe("probabilities", () => {
  it("are written with the digits that matter", () => {
    expect(percent(0)).toBe("100 %");
    expect(percent(Math.log(0.5))).toBe("50.0 %");
    expect(percent(Math.log(0.0123))).toBe("1.23 %");
    expect(percent(Math.log(0.00005))).toBe("0.005 %");
    expect(percent(-50)).toBe("< 0.001 %");
  });

  it("fall into five classes", () => {
    expect([0.9, 0.6, 0.3, 0.1, 0.01].map((p) => level(Math.log(p)))).toEqual([4, 3, 2, 1, 0]);
    expect(level(null)).toBe(-1);
  });

  it("give the perplexity and the rest", () => {
    expect(perplexity([token("a", Math.log(0.25)), token("b", Math.log(0.25))])).toBeCloseTo(4);
    expect(perplexity([token("a", null)])).toBeNull();
    const half = { text: "a", bytes: [97], logprob: Math.log(0.5), chosen: true };
    expect(rest([half])).toBeCloseTo(0.5);
    expect(rest([half, half, half])).toBe(0);
  });
});
