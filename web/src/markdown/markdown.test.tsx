import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { Markdown, safeUrl } from ".";

const html = (text: string) => render(<Markdown text={text} />).container;

describe("Markdown", () => {
  it("renders what answers are made of", () => {
    const page = html("# Title\n\n**bold** and `code`\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n1. x\n2. y\n\n- [x] ok");
    expect(page.querySelector("h1")?.textContent).toBe("Title");
    expect(page.querySelector("strong")?.textContent).toBe("bold");
    expect(page.querySelectorAll("td")).toHaveLength(2);
    expect(page.querySelectorAll("ol li")).toHaveLength(2);
    expect(page.querySelector<HTMLInputElement>("input[type=checkbox]")?.checked).toBe(true);
  });

  it("shows HTML as text", () => {
    for (const text of [
      "<script>alert(1)</script>",
      "x <img src=x onerror=alert(1)> y",
      "<iframe src='https://example.com'></iframe>",
      "<svg onload=alert(1)><a href='javascript:alert(1)'>x</a></svg>",
      "<style>*{display:none}</style>",
      "<form action='https://example.com'><input name=a></form>",
      "a <b onclick=alert(1)>bold</b>",
      "<details open ontoggle=alert(1)>",
      "# <math><mtext></mtext><script>alert(1)</script></math>",
    ]) {
      const page = html(text);
      expect(page.querySelector("script, img, iframe, svg, style, form, b, details, input, math"), text).toBeNull();
      expect(page.innerHTML).not.toMatch(/<[^>]+\son\w+=/i);
      expect(page.textContent).toContain(text.replace(/^# /, "").trim().slice(0, 10));
    }
  });

  it("knows <br>, which models put into tables", () => {
    expect(html("| a |\n|---|\n| x<br>y |").querySelectorAll("td br")).toHaveLength(1);
  });

  it("follows no link but http, https and mailto", () => {
    for (const url of [
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "java&#x73;cript:alert(1)",
      "  javascript:alert(1)",
      "data:text/html,<script>alert(1)</script>",
      "vbscript:x",
      "file:///etc/passwd",
      "blob:https://x/y",
      "//example.com/x",
      "/app/api/logout",
      "relative",
    ]) {
      for (const text of [`[x](<${url}>)`, `[x][1]\n\n[1]: <${url}>`, `<${url}>`]) {
        for (const link of html(text).querySelectorAll("a")) expect(link.getAttribute("href"), text).toMatch(/^(https?:|mailto:)/);
      }
    }
    const link = html("[x](https://example.com/a?b=c)").querySelector("a");
    expect(link?.getAttribute("href")).toBe("https://example.com/a?b=c");
    expect(link?.rel).toContain("noopener");
    expect(link?.rel).toContain("noreferrer");
    expect(link?.target).toBe("_blank");
    expect(html("write to a@example.com").querySelector("a")?.getAttribute("href")).toBe("mailto:a@example.com");
  });

  it("loads no pictures", () => {
    for (const text of ["![alt](https://example.com/spy.png)", "![](data:image/png;base64,AAAA)", "![a](javascript:alert(1))", "[![a](https://e.com/i.png)](https://e.com)"]) {
      const page = html(text);
      expect(page.querySelector("img, picture, source"), text).toBeNull();
      expect(page.innerHTML).not.toMatch(/src=|javascript:|data:image/);
    }
    expect(html("![cat](https://example.com/cat.png)").querySelector("a")?.textContent).toContain("cat");
  });

  it("sets formulas without trusting them", async () => {
    const page = html("$\\href{javascript:alert(1)}{x}$ and \\(\\htmlClass{evil}{y}\\) and $a^2$ \\(\\includegraphics{https://e.com/x.png}\\)");
    await waitFor(() => expect(page.querySelector(".katex")).not.toBeNull());
    expect(page.querySelector("a, img, .evil")).toBeNull();
    expect(page.innerHTML).not.toMatch(/href="javascript/);
  });

  it("is not hung by a formula", async () => {
    const page = html("$\\def\\a{\\a\\a}\\a$ and $x$");
    await waitFor(() => expect(page.querySelector(".katex")).not.toBeNull());
  });

  it("makes chips of citations that are there, outside code", () => {
    const open = vi.fn();
    const citation = { number: 1, document: "d", name: "notes.txt", passage: 0, page: 0, text: "t" };
    const { container } = render(<Markdown text={"See [1] and [2], `[1]`.\n\n- x[1][1]"} citations={[citation]} onCitation={open} />);
    const chips = screen.getAllByTestId("citation");
    expect(chips).toHaveLength(3);
    expect(chips[0]?.getAttribute("aria-label")).toBe("Source 1: notes.txt");
    fireEvent.click(chips[0]!);
    expect(open).toHaveBeenCalledWith(citation);
    expect(container.textContent).toContain("[2]");
    expect(container.querySelector("code")?.textContent).toBe("[1]");
  });

  it("colours code without HTML, and copies it", async () => {
    const write = vi.fn(() => Promise.resolve());
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: write } });
    const page = html("```js\nconst a = '<b>&amp;</b>';\n```");
    await waitFor(() => expect(page.querySelector(".hljs-keyword")?.textContent).toBe("const"), { timeout: 5000 });
    expect(page.querySelector("pre")?.textContent).toBe("const a = '<b>&amp;</b>';");
    expect(page.querySelector("b")).toBeNull();
    fireEvent.click(screen.getByTestId("copy-code"));
    await waitFor(() => expect(write).toHaveBeenCalledWith("const a = '<b>&amp;</b>';"));
    vi.unstubAllGlobals();
  });
});

it("safeUrl", () => {
  expect(safeUrl("https://a")).toBe("https://a");
  expect(safeUrl("javascript:x")).toBe("");
  expect(safeUrl("#fn-1")).toBe("#fn-1");
});
