// Long blocks, parsed piece by piece: the page shows what it shows of the whole, and the work is that of what is new.
import { act, render } from "@testing-library/react";
import { renderToStaticMarkup } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { BlockView, Markdown } from ".";
import { Reader, wholePiece, type Block } from "./blocks";

const parsed = vi.hoisted(() => ({ characters: 0 }));
vi.mock("react-markdown", async (original) => {
  const { default: parse } = await original<typeof import("react-markdown")>();
  return {
    default: (options: Parameters<typeof parse>[0]) => {
      parsed.characters += options.children?.length ?? 0;
      return parse(options);
    },
  };
});

// The same every time.
let state = 1;
function below(n: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
}
const pick = <T,>(all: readonly T[]) => all[below(all.length)]!;
afterEach(() => void (state = 1));

const kWords = ["word ", "more ", "of it\n", "中文 "];
const kTricky =
  "word| |  |\n|*|**|_|__|~~|~|***|`|``|`code x`|*it is*|**bold one**|_u v_|[|]|](https://e.com)|[a link](https://e.com/a_b*c)|(|)|!|![pic](https://e.com/x.png)|$|$5 |$x_1^2$|$$|$$y + z$$|\\(a + b\\)|\\(|\\)|\\[|\\]|\\*|\\|<|>|<br>|<b>|</b>|<a href=\"*x\">|<y and then|a < b|https://e.com/a_b*c|www.e.com/x_y_|a_b@c.com|_c@d.com|中文。然后|，好|。|1|2. |.|,|'|\"|&amp;|[1]|😀|snake_case|2 * 3|~x~|  \n|:|-|=|{|^|#".split("|").concat("|", " | ");
const kLines = [
  "word word", "- ", "* ", "1. ", "2. ", "  - ", "   ", "    ", "# ", "## ", "> ", "```", "```py", "~~~", "---", "***", "===", "| a | b |", "|---|---|", "| 1 | 2 |", "$$",
  "\\[", "\\]", "\\[ x \\]", "$$ z $$", "<div>", "</div>", "<!-- c -->", "a | b", "---|---", ":-", "+ x", "- - -", "- a", "- b", "1. one", "2. two", "3) c", "  more", "- [ ] do", "- [x] did",
];

function paragraph(): string {
  const calm = below(3);
  let text = "Start ";
  for (let i = 10 + below(50); i > 0; i--) text += calm && below(3) ? pick(kWords) : pick(kTricky);
  return text.replace(/\n\s*\n/g, "\n");
}

function lines(): string {
  const some = Array.from({ length: 1 + below(4) }, () => pick(kLines));
  let text = "";
  for (let i = 3 + below(16); i > 0; i--)
    text += (below(3) ? pick(some) : pick(kLines)) + pick(["x", "foo *bar*", "text here and more", ""]) + pick(["\n", "\n", "\n", "\n\n"]);
  return text.trimEnd();
}

// White space between blocks is not in the page, nor are the parts of code.
function clean(html: string): string {
  const tags = "(?:p|ul|ol|li|table|thead|tbody|tr|th|td|h\\d|blockquote|div|hr)\\b";
  return html
    .replace(new RegExp(`(</?${tags}[^>]*>)\\n+`, "g"), "$1")
    .replace(new RegExp(`\\n+(?=</?${tags})`, "g"), "")
    .replace(/<\/span><span>/g, "");
}

function shown(blocks: Block[]): string {
  return clean(renderToStaticMarkup(blocks.map((block, index) => <BlockView key={index} block={block} live={false} numbers="1" />)));
}

const breath = () => new Promise((resolve) => setTimeout(resolve));
const kWhole = { long: Infinity, tooLong: Infinity };

describe("pieces", () => {
  it.each([
    ["paragraphs", paragraph],
    ["lines", lines],
  ])("show what the whole shows: %s", async (_name, make) => {
    let cuts = 0;
    for (let n = 0; n < 80; n++) {
      await breath();
      const text = make();
      const blocks = new Reader({ long: 10, tooLong: Infinity }).read(text, false);
      const whole = new Reader(kWhole).read(text, false).map((block) => ({ text: block.text, pieces: [wholePiece(block.text)] }));
      cuts += blocks.reduce((sum, block) => sum + block.pieces.length - 1, 0);
      expect(shown(blocks), JSON.stringify(text)).toBe(shown(whole));
    }
    expect(cuts).toBeGreaterThan(20);
  });

  it("stay as they are while a text grows", async () => {
    for (let n = 0; n < 300; n++) {
      await breath();
      const text = n % 2 ? lines() : paragraph();
      const limits = { long: 10 + below(20), tooLong: n % 3 ? Infinity : 60 };
      const reader = new Reader(limits);
      let before: string[] = [];
      for (let length = 1; length < text.length; length += 1 + below(6)) {
        const part = text.slice(0, length);
        const now = reader.read(part, true).flatMap((block) => block.pieces.map((piece) => piece.text));
        expect(now.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
        if (n % 3) expect(new Reader(limits).read(part, true).flatMap((block) => block.pieces.map((piece) => piece.text))).toEqual(now);
        before = now;
      }
      expect(reader.read(text, false)).toEqual(new Reader(limits).read(text, false));
    }
  });
});

const kEndless: Record<string, string> = {
  "a paragraph": "the big fox sees a small dog at the river 狐狸 看见 大 树 ",
  "a paragraph with marks": "the big **small fox** sees `likes` and $x^2$ under [river](https://e.com) house. ",
  "a paragraph of lines": "the big **small fox** sees `likes`\nand jumps over *it* again\n",
  "a Chinese paragraph": "狐狸看见一棵**大树**，今天北京天气很好。",
  "a paragraph with open marks": "a *b [c _d `e ",
  "code": "def f(x, y): return x + y * 2  # comment\n",
  "a list": "- item with **bold** text and some words\n",
  "a loose list": "1. item with **bold** text and some words\n\n",
  "a table": "| some cell | **other** cell |\n",
};
const kBegin: Record<string, string> = { code: "```unknown\n", "a table": "| a | b |\n|---|---|\n" };

describe("an endless answer", () => {
  it.each(Object.keys(kEndless))("%s: what is parsed a frame does not depend on its length", async (name) => {
    const text = (kBegin[name] ?? "") + kEndless[name]!.repeat(6_000 / kEndless[name]!.length);
    const { container, rerender } = render(<Markdown text="" live />);
    const element = () => container.querySelector(name === "a table" ? "tbody tr" : "p, pre, li");
    let early: Element | null = null;
    for (let length = 0; length < text.length; length += 100) {
      parsed.characters = 0;
      rerender(<Markdown text={text.slice(0, length)} live />);
      expect(parsed.characters).toBeLessThan(4200);
      if (length === 3000) early = element();
      if (length % 1000 === 0) await breath();
    }
    // Nor is what is in the page made again.
    expect(element()).toBe(early);
    await act(() => rerender(<Markdown text={text} />));
    const whole = render(<BlockView block={{ text, pieces: [wholePiece(text)] }} live={false} numbers="" />);
    expect(clean(container.firstElementChild!.innerHTML)).toBe(clean(whole.container.innerHTML));
  });
});
