// Cuts Markdown into blocks that can be rendered one by one, and long blocks into pieces, so that of an answer that grows only what
// is new is parsed again; and prepares what models write for formulas.
import { afterCode, kFormula, match, runAt } from "./inline";
import { blockAt, closingFence, kLimits, nextPlace, type Limits, type Place } from "./places";

export interface Piece {
  text: string; // means by itself what it means where it stands
  gap: string | null; // it goes on, after this white space, with what the piece before it ends with; null: a block begins
  math: boolean;
}

export interface Block {
  text: string;
  pieces: Piece[];
}

const kDefinition = /^ {0,3}\[[^\]]+\]:\s*\S/m;

export function wholePiece(text: string, gap: string | null = null): Piece {
  const prepared = prepareMath(text);
  return { text: prepared, gap, math: hasMath(prepared) };
}

function pieceAt(text: string, from: Place, to: Place | null): Piece {
  const end = to ? to.at - (to.gap?.length ?? 0) : text.length;
  const lines = [from.head, text.slice(from.at, end) + (to?.inside === "code" ? closingFence(to.head) : "")];
  const own = lines.filter((one) => one !== undefined).join("\n");
  return wholePiece(own.replace(/(?:\n[ \t]*)+$/, ""), from.inside ? (from.gap ?? "") : null);
}

// Cuts a text, and the same text when more of it is there: all pieces but the last stay as they are, and are not looked at again.
export class Reader {
  private text = "";
  private shown: { from: Place; piece: Piece }[] = [];

  constructor(private readonly limits: Limits = kLimits) {}

  read(text: string, growing: boolean): Block[] {
    // Definitions of links and footnotes reach into every block; while more is to come they wait.
    if (!growing && kDefinition.test(text)) return [{ text, pieces: [wholePiece(text)] }];
    const old = this.shown;
    const forced = growing ? -1 : old.findIndex(({ from }) => from.forced);
    const kept = !text.startsWith(this.text) ? 0 : Math.max(0, (forced < 0 ? old.length : forced) - 1);
    const shown = old.slice(0, kept);
    let from = kept > 0 ? old[kept]!.from : blockAt(text, 0);
    while (from) {
      const to = nextPlace(text, from, growing, this.limits);
      const piece = pieceAt(text, from, to);
      const was = old[shown.length]?.piece;
      shown.push({ from, piece: was?.text === piece.text && was.gap === piece.gap ? was : piece });
      from = to;
    }
    this.text = text;
    this.shown = shown;

    const blocks: (Block & { at: number })[] = [];
    for (const { from, piece } of shown) {
      if (piece.gap === null) blocks.push({ at: from.at, text: "", pieces: [] });
      blocks.at(-1)!.pieces.push(piece);
    }
    blocks.forEach((block, index) => (block.text = text.slice(block.at, blocks[index + 1]?.at)));
    return blocks;
  }
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
      const close = afterCode(text, at);
      const end = close < 0 ? at + runAt(text, at) : close;
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
      const formula = match(kFormula, text, at);
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
