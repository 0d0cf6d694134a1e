import { describe, expect, it } from "vitest";
import { plainText, prepareMath, Reader } from "./blocks";

const splitBlocks = (text: string, growing = false) => new Reader().read(text, growing).map((block) => block.text.trimEnd());

describe("Reader", () => {
  it("cuts at blank lines", () => {
    expect(splitBlocks("a\nb\n\nc\n\n\n# d\n")).toEqual(["a\nb", "c", "# d"]);
    expect(splitBlocks("")).toEqual([]);
  });
  it("keeps code whole, closed or not", () => {
    const code = "```py\na\n\nb\n```";
    expect(splitBlocks(`x\n\n${code}\n\ny`)).toEqual(["x", code, "y"]);
    expect(splitBlocks("```py\na\n\nb")).toEqual(["```py\na\n\nb"]);
    expect(splitBlocks("````\n```\n\n````\n\nz")).toEqual(["````\n```\n\n````", "z"]);
    expect(splitBlocks("~~~\n```\n\n~~~")).toHaveLength(1);
  });
  it("keeps formulas whole", () => {
    expect(splitBlocks("$$\na\n\nb\n$$\n\nc")).toEqual(["$$\na\n\nb\n$$", "c"]);
    expect(splitBlocks("$$a$$\n\nc")).toEqual(["$$a$$", "c"]);
  });
  it("keeps loose lists whole", () => {
    expect(splitBlocks("1. a\n\n2. b\n\n   more\n\n   ```\n   x\n\n   y\n   ```\n\nend")).toEqual([
      "1. a\n\n2. b\n\n   more\n\n   ```\n   x\n\n   y\n   ```",
      "end",
    ]);
    expect(splitBlocks("- a\n- b\n\ntext\n\n- c")).toEqual(["- a\n- b", "text", "- c"]);
  });
  it("does not cut where definitions reach across", () => {
    const text = "See [x].\n\nMore\n\n[x]: https://example.com";
    expect(splitBlocks(text)).toEqual([text]);
  });
  it("while a text grows, lets definitions wait", () => {
    const text = "See [x].\n\nMore\n\n[x]: https://example.com\n";
    expect(splitBlocks(text, true)).toHaveLength(3);
    expect(splitBlocks(text)).toHaveLength(1);
  });
  it("cuts where a block begins without a blank line", () => {
    expect(splitBlocks("a\n# b\nc\n- d\n- e\n1. f\n```\ng\n```\nh\n> i")).toEqual(["a", "# b", "c", "- d\n- e", "1. f", "```\ng\n```", "h", "> i"]);
    expect(splitBlocks("a\n\\[ x\n+ y \\]\nb\n$$\nz\n$$")).toEqual(["a", "\\[ x\n+ y \\]", "b", "$$\nz\n$$"]);
    expect(splitBlocks("a\n| b | c |\n|---|---|\n| d | e |\n- f")).toEqual(["a", "| b | c |\n|---|---|\n| d | e |", "- f"]);
    // A heading, an item that cannot begin a list here, and a word in front of an equals sign.
    expect(splitBlocks("a\n---\n")).toEqual(["a\n---"]);
    expect(splitBlocks("in\n2020. b")).toEqual(["in\n2020. b"]);
    expect(splitBlocks("a\n=b\n")).toEqual(["a\n=b"]);
  });
});

describe("Reader of long blocks", () => {
  const pieces = (text: string, growing = false) =>
    new Reader({ long: 10, tooLong: 30 }).read(text, growing).map((block) => block.pieces.map((piece) => piece.text));

  it("cuts paragraphs where nothing is open", () => {
    expect(pieces("one two three four five six seven")).toEqual([["one two three", "four five six", "seven"]]);
    expect(pieces("one *two three four* five")).toEqual([["one *two three four*", "five"]]);
    expect(pieces("one [two three](https://e.com) four")).toEqual([["one [two three](https://e.com)", "four"]]);
    expect(pieces("one `two three four` and $x + y + z$ five")).toEqual([["one `two three four`", "and $x + y + z$", "five"]]);
    expect(pieces("狐狸看见一棵大树。天气很好，北京今天下雨。你好")).toEqual([["狐狸看见一棵大树。天气很好，", "北京今天下雨。你好"]]);
  });
  it("cuts no part off that would begin something else", () => {
    expect(pieces("one two three - four 1. five # six")).toEqual([["one two three -", "four 1. five #", "six"]]);
    expect(pieces("one two three\n4. five")).toEqual([["one two three\n4.", "five"]]);
  });
  it("cuts somewhere while a paragraph grows", () => {
    const text = `one *two three four ${"word ".repeat(20)}`.trimEnd();
    expect(pieces(text)).toEqual([[text]]);
    const [parts] = pieces(text, true);
    expect(parts?.slice(0, 3)).toEqual(["one *two three", "four word word", "word word word"]);
    expect(parts?.join(" ")).toBe(text);
  });
  it("cuts lists, tables and code so that each part is one", () => {
    expect(pieces("- one\n- two\n- three\n- four\n- five\n")).toEqual([["- one\n- two", "- three\n- four\n- five"]]);
    expect(pieces("| a |\n|---|\n| b |\n| c |\n")).toEqual([["| a |\n|---|\n| b |", "| a |\n|---|\n| c |"]]);
    expect(pieces("```js\none\ntwo\n\nthree\nfour\n")).toEqual([["```js\none\n```", "```js\ntwo\n\nthree\n```", "```js\nfour"]]);
  });
});

describe("prepareMath", () => {
  it("knows what models write", () => {
    expect(prepareMath("so \\(a+b\\) is")).toBe("so $a+b$ is");
    expect(prepareMath("\\[\na\nb\n\\]")).toBe("$$\na\nb\n$$");
    expect(prepareMath("x \\[ a \\] y")).toBe("x $$a$$ y");
  });
  it("leaves money alone", () => {
    expect(prepareMath("costs $5 to $10")).toBe("costs \\$5 to \\$10");
    expect(prepareMath("from $5")).toBe("from \\$5");
    expect(prepareMath("$x$ and $5")).toBe("$x$ and \\$5");
  });
  it("leaves code and escapes alone", () => {
    expect(prepareMath("`$x` and `\\(`")).toBe("`$x` and `\\(`");
    expect(prepareMath("```\n$a \\(\n```\n\\$")).toBe("```\n$a \\(\n```\n\\$");
    expect(prepareMath("a \\( not closed")).toBe("a \\( not closed");
  });
});

it("plainText drops the marks", () => {
  expect(plainText("# Hi\n\n**bold** [link](https://x) `code`\n\n> quote")).toBe("Hi\nbold link code\nquote");
});
