// Finds where a long paragraph may be cut so that its parts, each read by itself, mean what they mean together: where no emphasis,
// link, code, formula or tag is open, or could still turn out to be. What this reading is not sure of, it does not read past.

// A formula between single dollars; "costs $5 to $10" has none. Longer ones are no formulas, so that a dollar is soon decided.
const kLongestFormula = 600;
export const kFormula = new RegExp(`\\$(?![\\s$])(?:[^$\\n\\\\]|\\\\.){0,${kLongestFormula}}?(?<!\\s)\\$(?!\\d)`, "y");
const kLongestHead = 300; // of a table
const kLongestAddress = 2000;
const kTag = /<(?:\/[a-z][a-z\d-]*\s*|[a-z][a-z\d-]*(?:\s+[a-z_:][\w.:-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*\s*\/?)/iy;
const kAddress = /<(?:[a-z][a-z\d+.-]{1,31}:[^\s<>]*|[\w.+-]+@[\w.-]+)>/iy;
const kDestination = /\((?:[^\s()<>\\`$]|\([^\s()<>\\`$]*\))*(?:\s+"[^"\\`$]*")?\)/y;
const kBareAddress = /:\/\/|www\.|@/i;
const kLetter = /^\p{L}/u;
const kSentenceEnd = /[。！？；，、：…]/;

// What a sticky pattern matches from here.
export function match(pattern: RegExp, text: string, index: number): string | null {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? null;
}

// How often the character here is repeated.
export function runAt(text: string, index: number): number {
  let end = index + 1;
  while (text[end] === text[index]) end++;
  return end - index;
}

// Behind the code span that begins here; -1: none does.
export function afterCode(text: string, index: number): number {
  const ticks = runAt(text, index);
  for (let close = text.indexOf("`", index + ticks); close >= 0; ) {
    const length = runAt(text, close);
    if (length === ticks) return close + length;
    close = text.indexOf("`", close + length);
  }
  return -1;
}

export interface Cut {
  at: number;
  gap: string; // the white space before it
}

export class InlineReader {
  private readonly open: string[] = []; // runs of * _ ~, and [
  private word: number; // where it begins

  constructor(
    private readonly text: string,
    private index: number,
    private readonly least: number,
  ) {
    this.word = index;
  }

  // The first place at or after `least`, in what is before `end`; null: none yet.
  cut(end: number): Cut | null {
    const text = this.text.slice(0, end);
    while (this.index < end) {
      const cut = this.index >= this.least && this.open.length === 0 ? this.here(text) : null;
      if (cut) return cut;
      const read = this.step(text);
      if (read === 0) return null;
      this.index += read;
    }
    return null;
  }

  // The part behind a cut begins with a letter, hence with no list, heading or the like, and is not in a table's head. (A space
  // after <br> is none.)
  private here(text: string): Cut | null {
    const char = text[this.index]!;
    const before = text[this.index - 1]!;
    const space = char === " " || char === "\n";
    const at = this.index + Number(space);
    if (space ? /[\s>]/.test(before) : char < "\x80" || !kSentenceEnd.test(before)) return null;
    if (!kLetter.test(text.slice(at, at + 2)) || (!space && this.inAddress(text))) return null;
    const line = text.lastIndexOf("\n", at - 1) + 1;
    if (at - line < kLongestHead && text.slice(line, at).includes("|")) return null;
    return { at, gap: space ? char : "" };
  }

  private inAddress(text: string): boolean {
    return kBareAddress.test(text.slice(Math.max(this.word, this.index - kLongestAddress), this.index));
  }

  // How many characters mean something together; 0: not sure (yet).
  private step(text: string): number {
    const from = this.index;
    const char = text[from]!;
    if (/\s/.test(char)) {
      this.word = from + 1;
      return 1;
    }
    if (!/[\\`$<[\]*_~]/.test(char)) return 1;
    const next = text[from + 1];
    if (next === undefined || (char !== "<" && char !== "]" && this.inAddress(text))) return 0;
    if (char === "\\") {
      if (next !== "(" && next !== "[") return 2;
      const close = text.indexOf(next === "(" ? "\\)" : "\\]", from + 2);
      return close < 0 ? 0 : this.formula(text, text.slice(from + 2, close).trim(), close + 2);
    }
    if (char === "`") {
      const end = afterCode(text, from);
      return end < 0 || end === text.length ? 0 : end - from;
    }
    if (char === "$") return this.dollar(text);
    if (char === "<") return this.tag(text);
    if (char === "[") this.open.push(char);
    else if (char === "]") return this.bracket(text);
    else return this.emphasis(text);
    return 1;
  }

  private formula(text: string, inside: string, end: number): number {
    const sure = inside !== "" && !inside.includes("$") && end < text.length && !/^(?:\$|\\[([])/.test(text.slice(end, end + 2));
    return sure && !(text[end] === "\\" && end + 1 === text.length) ? end - this.index : 0;
  }

  private dollar(text: string): number {
    const from = this.index;
    if (text[from + 1] === "$") {
      const close = text.indexOf("$$", from + 2);
      return close < 0 ? 0 : this.formula(text, text.slice(from + 2, close), close + 2);
    }
    const formula = match(kFormula, text, from);
    if (formula) return this.formula(text, formula.slice(1, -1), from + formula.length);
    // Text, once what follows can no longer make it a formula.
    const rest = text.slice(from + 1, from + 2 + 2 * kLongestFormula);
    const end = rest.search(/(?<!\\)\$|\n|^\s/);
    return end >= 0 ? Number(from + end + 2 < text.length) : Number(rest.length > 2 * kLongestFormula);
  }

  private tag(text: string): number {
    const from = this.index;
    if (!/[a-z/!?]/i.test(text[from + 1]!)) return 1;
    const address = match(kAddress, text, from);
    const begun = match(kTag, text, from);
    const whole = address ?? (begun && text[from + begun.length] === ">" ? `${begun}>` : null);
    if (whole) {
      if (/[\\`$]/.test(whole)) return 0;
      this.word = from + whole.length;
      return whole.length;
    }
    if (!begun) return Number(text[from + 1] === "/" && from + 2 < text.length);
    const rest = text.slice(from + begun.length);
    return /^(?:\s*=\s*(?:"[^"]*|'[^']*)?)?$/.test(rest) || /[\\`$]/.test(begun) ? 0 : 1;
  }

  private bracket(text: string): number {
    const from = this.index;
    const opening = this.open.lastIndexOf("[");
    if (opening < 0) return 1;
    if (text[from + 1] !== "(") {
      this.open.splice(opening, 1);
      return 1;
    }
    const destination = match(kDestination, text, from + 1);
    // Links do not stand in links.
    if (!destination || this.open.indexOf("[") < opening) return 0;
    this.open.length = opening;
    this.word = from + 1 + destination.length;
    return 1 + destination.length;
  }

  private emphasis(text: string): number {
    const from = this.index;
    const char = text[from]!;
    const length = runAt(text, from);
    const next = text[from + length];
    if (next === undefined || (char === "_" && /^[\w.+-]*(?:@|$)/.test(text.slice(from)))) return 0;
    if (char === "~" && length > 2) return length;
    const before = kind(text[from - 1]);
    const after = kind(next);
    const opens = after === "space" ? false : after === "letter" || before !== "letter" || (char !== "~" && next === "~");
    const closes = before === "space" ? false : before === "letter" || after !== "letter" || (char !== "~" && text[from - 1] === "~");
    const mayOpen = char === "_" ? opens && (before !== "letter" || !closes) : opens;
    const mayClose = char === "_" ? closes && (after !== "letter" || !opens) : closes;
    if (mayClose) {
      const opening = this.open.map((one) => one[0]).lastIndexOf(char);
      if (opening >= 0) {
        // Only what nests as it should.
        if (opening < this.open.length - 1 || this.open[opening]!.length !== length) return 0;
        this.open.pop();
        return length;
      }
    }
    if (mayOpen) this.open.push(char.repeat(length));
    return length;
  }
}

function kind(char: string | undefined): "space" | "mark" | "letter" {
  if (char === undefined || /\s/.test(char)) return "space";
  return /[\p{P}\p{S}]/u.test(char) ? "mark" : "letter";
}
