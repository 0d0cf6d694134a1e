import { describe, expect, it } from "vitest";
import { plainText, prepareMath, splitBlocks } from "./blocks";

describe("splitBlocks", () => {
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
  it("changes only the last block as a text grows", () => {
    const text = "One.\n\n- a\n- b\n\n```js\nlet x;\n\nlet y;\n```\n\nTwo $x$.\n\n$$\nx\n$$\n\nEnd.";
    let before: string[] = [];
    for (let length = 1; length <= text.length; length++) {
      const now = splitBlocks(text.slice(0, length));
      expect(now.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
      before = now;
    }
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
