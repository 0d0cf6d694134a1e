// Cuts Markdown into blocks that can be rendered one by one, so that of an answer that grows only the last is parsed again,
// and prepares what models write for formulas.

const kFence = /^ {0,3}(`{3,}|~{3,})/;
const kListItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;
const kDefinition = /^ {0,3}\[[^\]]+\]:\s*\S/m;

// The blocks, joined by "\n\n", mean the same as the text.
export function splitBlocks(text: string): string[] {
  // Definitions of links and footnotes reach into every block.
  if (kDefinition.test(text)) return [text];
  const blocks: string[] = [];
  let block: string[] = [];
  let fence = ""; // what closes the code block that is open
  let formula = false;
  let inList = false;
  let blank = false;
  const flush = () => {
    while (block.length && block.at(-1)?.trim() === "") block.pop();
    if (block.length) blocks.push(block.join("\n"));
    block = [];
  };
  for (const line of text.split("\n")) {
    if (fence) {
      block.push(line);
      const close = kFence.exec(line)?.[1];
      if (close && close[0] === fence[0] && close.length >= fence.length && line.trim() === close) fence = "";
      continue;
    }
    if (formula) {
      block.push(line);
      if (line.trimEnd().endsWith("$$")) formula = false;
      continue;
    }
    if (line.trim() === "") {
      blank = true;
      block.push(line);
      continue;
    }
    if (blank) {
      blank = false;
      // An indented line, or another item, goes on with the list before it.
      const goesOn = inList && (/^(?: {2,}|\t)/.test(line) || kListItem.test(line));
      if (!goesOn && !/^(?: {4}|\t)/.test(line)) {
        flush();
        inList = false;
      }
    }
    if (block.length === 0) inList = kListItem.test(line);
    else if (kListItem.test(line)) inList = true;
    // Only an opening at the margin: one inside a list stays with the list anyway.
    fence = kFence.exec(line)?.[1] ?? (inList ? (/^\s+(`{3,}|~{3,})/.exec(line)?.[1] ?? "") : "");
    const trimmed = line.trim();
    if (!fence && trimmed.startsWith("$$") && !(trimmed.length > 3 && trimmed.endsWith("$$"))) formula = true;
    block.push(line);
  }
  flush();
  return blocks;
}

// \( … \) and \[ … \] become $ … $ and $$ … $$, as remark-math knows them; a dollar that begins no formula ("costs $5 to
// $10") is escaped. Code is left alone.
export function prepareMath(text: string): string {
  if (!/[$\\]/.test(text)) return text;
  let fence = "";
  const lines: string[] = [];
  let prose: string[] = [];
  const flush = () => {
    if (prose.length) lines.push(prepareProse(prose.join("\n")));
    prose = [];
  };
  for (const line of text.split("\n")) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence) {
      lines.push(line);
      if (mark && mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark) fence = "";
    } else if (mark) {
      flush();
      fence = mark;
      lines.push(line);
    } else prose.push(line);
  }
  flush();
  return lines.join("\n");
}

function prepareProse(text: string): string {
  let out = "";
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === "`") {
      const ticks = /^`+/.exec(text.slice(at))![0];
      const close = text.indexOf(ticks, at + ticks.length);
      const end = close < 0 ? at + ticks.length : close + ticks.length;
      out += text.slice(at, end);
      at = end;
    } else if (text.startsWith("\\(", at) || text.startsWith("\\[", at)) {
      const display = text[at + 1] === "[";
      const close = text.indexOf(display ? "\\]" : "\\)", at + 2);
      if (close < 0) {
        out += text.slice(at, at + 2);
        at += 2;
        continue;
      }
      const inside = text.slice(at + 2, close).trim();
      out += display ? displayed(inside, out, text.slice(close + 2)) : `$${inside}$`;
      at = close + 2;
    } else if (char === "\\") {
      out += text.slice(at, at + 2);
      at += 2;
    } else if (text.startsWith("$$", at)) {
      const close = text.indexOf("$$", at + 2);
      const end = close < 0 ? text.length : close + 2;
      out += text.slice(at, end);
      at = end;
    } else if (char === "$") {
      const formula = /^\$(?![\s$])(?:[^$\n\\]|\\.)*?(?<!\s)\$(?!\d)/.exec(text.slice(at))?.[0];
      out += formula ?? "\\$";
      at += formula?.length ?? 1;
    } else {
      const next = text.slice(at).search(/[`\\$]/);
      const end = next < 0 ? text.length : at + next;
      out += text.slice(at, end);
      at = end;
    }
  }
  return out;
}

// A displayed formula on lines of its own, indented as where it stands.
function displayed(inside: string, before: string, after: string): string {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  if (line.trim() !== "" || /^[^\n]*\S/.test(after)) return `$$${inside.replace(/\n+/g, " ")}$$`;
  const body = inside.split("\n").join(`\n${line}`);
  return `$$\n${line}${body}\n${line}$$`;
}

export function hasMath(text: string): boolean {
  return /(?<!\\)\$/.test(text);
}

// For the clipboard of a screen reader's announcement: the words without the marks.
export function plainText(text: string): string {
  return text
    .replace(/^ {0,3}(`{3,}|~{3,}).*$/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^ {0,3}(?:#{1,6}|>)\s?/gm, "")
    .replace(/[*_`~|]+/g, "")
    .replace(/\n{2,}/g, "\n")
    .trim();
}
