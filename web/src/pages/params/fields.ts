// Sampling parameters as the texts of a form: read, checked, written. Empty: the server's default.
import type { Params } from "@/api/types";

export interface Bounds {
  min: number;
  max: number;
  step: number;
  integer?: boolean;
  // What the API does without the field, when that is one number.
  otherwise?: number;
}

export const kBounds = {
  temperature: { min: 0, max: 2, step: 0.05, otherwise: 1 },
  top_p: { min: 0, max: 1, step: 0.01, otherwise: 1 },
  max_tokens: { min: 1, max: 1_000_000, step: 1, integer: true },
  presence_penalty: { min: -2, max: 2, step: 0.1, otherwise: 0 },
  frequency_penalty: { min: -2, max: 2, step: 0.1, otherwise: 0 },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, integer: true },
  n: { min: 1, max: 8, step: 1, integer: true, otherwise: 1 },
} satisfies Record<string, Bounds>;

export type NumberField = keyof typeof kBounds;
export type ParamField = Exclude<NumberField, "n"> | "stop";

// Those of a conversation (`n` is the playground's alone).
export const kParamNumbers: Exclude<NumberField, "n">[] = [
  "temperature",
  "top_p",
  "max_tokens",
  "presence_penalty",
  "frequency_penalty",
  "seed",
];

// `stop`: one text a line.
export type ParamForm = Record<ParamField, string>;

export const kEmptyParams: ParamForm = {
  temperature: "",
  top_p: "",
  max_tokens: "",
  presence_penalty: "",
  frequency_penalty: "",
  stop: "",
  seed: "",
};

export type Problem = "number" | "integer" | "range" | "stops" | "empty";

export function boundsOf(field: NumberField): Bounds {
  return kBounds[field];
}

export function checkNumber(field: NumberField, text: string): Problem | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const value = Number(trimmed);
  if (!Number.isFinite(value)) return "number";
  const { min, max, integer } = boundsOf(field);
  if (integer && !Number.isInteger(value)) return "integer";
  return value < min || value > max ? "range" : null;
}

// The number in a field; undefined where there is none, or a wrong one.
export function numberIn(field: NumberField, text: string): number | undefined {
  return text.trim() === "" || checkNumber(field, text) ? undefined : Number(text.trim());
}

const kEscapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };

// A stop text is one line of the field; "\n" in it means a line break.
export function stopsOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/\\([nrt\\])/g, (_, c: string) => kEscapes[c]!))
    .filter((line) => line !== "");
}

export function stopText(stops: string[]): string {
  const escape = (stop: string) =>
    stop.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t");
  return stops.map(escape).join("\n");
}

export const kMostStops = 4;

export type ParamProblems = Partial<Record<ParamField, Problem>>;

export function checkParams(form: ParamForm): ParamProblems {
  const problems: ParamProblems = {};
  for (const field of kParamNumbers) {
    const problem = checkNumber(field, form[field]);
    if (problem) problems[field] = problem;
  }
  if (stopsOf(form.stop).length > kMostStops) problems.stop = "stops";
  return problems;
}

export function formOf(params: Params | null | undefined): ParamForm {
  const form = { ...kEmptyParams };
  for (const field of kParamNumbers) {
    const value = params?.[field];
    if (typeof value === "number") form[field] = String(value);
  }
  if (Array.isArray(params?.stop)) form.stop = stopText(params.stop);
  return form;
}

// Fields that are empty or wrong are left out.
export function paramsOf(form: ParamForm): Params {
  const params: Params = {};
  for (const field of kParamNumbers) {
    const value = numberIn(field, form[field]);
    if (value !== undefined) params[field] = value;
  }
  const stop = stopsOf(form.stop).slice(0, kMostStops);
  if (stop.length > 0) params.stop = stop;
  return params;
}
