// Where blocks of Markdown begin, and where long ones may be cut into pieces.
import { InlineReader } from "./inline";

type Kind = "paragraph" | "list" | "table" | "code" | "line" | "other";

// Where a piece begins.
export interface Place {
  at: number;
  inside?: Kind; // what goes on here; a block begins where nothing does
  gap?: string; // the white space before it
  head?: string; // of a table or of code: the lines that belong before every part of it
  forced?: boolean; // the parts may mean something else than the whole
}

export interface Limits {
  long: number; // characters; what is longer is cut at the next good place,
  tooLong: number; // and a paragraph that grows has to be cut here
}

export const kLimits: Limits = { long: 1000, tooLong: 3000 };
const kSure = 80; // characters of a line that tell what it is

const kFence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const kListItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;
const kRule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$/;
const kHeading = /^ {0,3}#{1,6}(?:\s|$)/;
const kFormulaLine = /^ {0,3}\$\$+[^$]*$/;
const kTableRow = /^\|.*\|\s*$/;
const kTableLine = /^\|(?:[ \t]*:?-+:?[ \t]*\|)+\s*$/;
const kIndented = /^(?: {4}|\t)/;
// Lines that end a paragraph or a table, or at the margin a list;
const kBegins = [kHeading, kFence, kFormulaLine, /^ {0,3}>/, /^ {0,3}(?:[-*+]|1[.)])\s+\S/];
// such as may make something else of a paragraph or a list;
const kUnclear = /^ {0,3}(?:<|\$\$|\\\[|=+\s*$|-+\s*$|[|:-][ \t|:-]*$)/;
const kUnclearInList = /^(?:<|\\\[)/;
// and such as say what they are at their end.
const kUnfinished = [kFence, kFormulaLine, /^ {0,3}(?:\\\[|\|)/];

function lineAt(text: string, at: number): string {
  const end = text.indexOf("\n", at);
  return text.slice(at, end < 0 ? text.length : end);
}

// The next block begins at the first line from here on that is not blank.
export function blockAt(text: string, at: number): Place | null {
  for (let line; at < text.length; at += line.length + 1) {
    line = lineAt(text, at);
    if (line.trim() !== "") return { at };
  }
  return null;
}

// What closes a code block.
export function closingFence(head = ""): string {
  return kFence.exec(head)?.[1] ?? "";
}

function closes(line: string, fence: string): boolean {
  const mark = line.trim();
  return kFence.test(line) && mark.startsWith(fence) && mark === fence[0]!.repeat(mark.length);
}

// The two lines that a table begins with.
function tableAt(text: string, at: number): string | undefined {
  const row = lineAt(text, at);
  const line = lineAt(text, at + row.length + 1);
  const columns = (one: string) => one.replace(/\\./g, "").split("|").length;
  return kTableRow.test(row) && kTableLine.test(line) && columns(row) === columns(line) ? `${row}\n${line}` : undefined;
}

// Behind \[ … \] on lines of its own; -1: no such thing is here.
function afterFormula(text: string, at: number, growing: boolean): number {
  const close = /^ {0,3}\\\[/.test(lineAt(text, at)) ? text.indexOf("\\]", at) : -1;
  if (close < 0 || /\n[ \t]*\n/.test(text.slice(at, close))) return -1;
  const rest = lineAt(text, close + 2);
  const end = close + 2 + rest.length;
  return rest.trim() === "" && !(growing && end === text.length) ? end : -1;
}

function kindAt(text: string, at: number): Kind {
  const line = lineAt(text, at);
  if (kFence.test(line)) return "code";
  if (kHeading.test(line) || kRule.test(line)) return "line";
  if (kListItem.test(line)) return /^\S/.test(line) ? "list" : "other";
  if (tableAt(text, at)) return "table";
  return kUnclear.test(line) || kIndented.test(line) || /^ {0,3}>/.test(line) ? "other" : "paragraph";
}

function beginsBlock(line: string, kind: Kind): boolean {
  if (kBegins.some((one) => one.test(line))) return true;
  // Dashes below a paragraph make it a heading.
  if (kind === "paragraph") return kRule.test(line) && !/^ *-+\s*$/.test(line);
  return kRule.test(line) || kListItem.test(line);
}

function forcedCut(text: string, least: number, most: number): Place {
  const space = text.slice(least, most).search(/\s\p{L}/u);
  if (space >= 0) return { at: least + space + 1, gap: text[least + space], inside: "paragraph", forced: true };
  const half = /[\uDC00-\uDFFF]/.test(text[most]!);
  return { at: most - Number(half), inside: "paragraph", forced: true };
}

// The place after the piece that begins at `from`; null: the text ends with it (so far). While it grows, nothing that follows can
// change what is found.
export function nextPlace(text: string, from: Place, growing: boolean, { long, tooLong }: Limits): Place | null {
  const first = lineAt(text, from.at);
  const formulaEnd = from.inside ? -1 : afterFormula(text, from.at, growing);
  if (formulaEnd >= 0) return blockAt(text, formulaEnd + 1);
  let kind = from.inside ?? kindAt(text, from.at);
  if (kind === "line") return blockAt(text, from.at + first.length + 1);

  const head = from.head ?? (kind === "code" ? first : kind === "table" ? tableAt(text, from.at) : undefined);
  const mark = (line: string) => /^(?:[-*+]|\d+[.)])/.exec(line)?.[0].slice(-1);
  const inline = new InlineReader(text, from.at, from.at + long);
  let fence = from.inside === "code" ? closingFence(head) : ""; // of the code block that is open
  let formula = false;
  let inList = false;
  let blank = false;
  let items = 0;
  let width = 0; // of the last item's mark
  let cut: Place | null = null; // of a list; it counts once another item follows
  for (let at = from.at, before = at, line = first; at < text.length; before = at, at += line.length + 1) {
    line = lineAt(text, at);
    const end = at + line.length;
    if (growing && end === text.length && (line.length < kSure || kUnfinished.some((one) => one.test(line)))) return null;
    const enough = at >= from.at + long;
    if (fence) {
      if (closes(line, fence)) {
        if (kind === "code") return blockAt(text, end + 1);
        fence = "";
      } else if (kind === "code" && enough) return { at, inside: kind, head };
      continue;
    }
    if (formula) {
      formula = !line.trimEnd().endsWith("$$");
      continue;
    }
    if (line.trim() === "") {
      blank = true;
      continue;
    }
    const spaced = blank;
    blank = false;
    const item = kListItem.test(line) && !kRule.test(line);
    if (spaced) {
      // An indented line, or another item, goes on with the list before it.
      const goesOn = inList && (item || /^(?: {2,}|\t)/.test(line));
      if (!goesOn && !kIndented.test(line)) return { at };
      if (kind !== "list") kind = "other";
    }
    if (kind === "list" && (item || spaced)) {
      // After an empty item, or where a line is not indented far enough to belong to the last one, the list may have ended.
      const indent = line.search(/\S/);
      if (/^\S+\s*$/.test(line) || (indent > 0 && indent < width)) kind = "other";
      else if (indent === 0) width = /^\S+ */.exec(line)![0].length;
    }
    if (at > from.at && kind !== "other" && (kind !== "list" || /^\S/.test(line))) {
      const sibling = kind === "list" && item && mark(line) === mark(first);
      if (!sibling && (beginsBlock(line, kind) || afterFormula(text, at, growing) >= 0)) return { at };
      if (sibling) {
        items++;
        if (cut) return cut;
        if (enough && items > 1) cut = { at, inside: kind, gap: spaced ? "\n" : "" };
      } else if (kind === "table") {
        if (!line.startsWith("|")) kind = "other";
        else if (enough && at > from.at + head!.length + 1) return { at, inside: kind, head };
      } else if ((kind === "paragraph" ? kUnclear : kUnclearInList).test(line)) {
        if (before > from.at && tableAt(text, before)) return { at: before };
        kind = "other";
      }
    }
    if (kind === "paragraph") {
      const safe = inline.cut(end);
      if (safe) return { ...safe, inside: kind };
      if (growing && end > from.at + tooLong) return forcedCut(text, from.at + long, from.at + tooLong);
    }
    inList ||= item;
    // Only an opening at the margin: one inside a list stays with the list anyway.
    fence = closingFence(line) || (inList ? (/^\s+(`{3,}|~{3,})/.exec(line)?.[1] ?? "") : "");
    const trimmed = line.trim();
    formula = !fence && trimmed.startsWith("$$") && !(trimmed.length > 3 && trimmed.endsWith("$$"));
  }
  return null;
}
