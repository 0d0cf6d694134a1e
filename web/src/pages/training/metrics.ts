// The numbers of runs' metrics.jsonl as charts: which belong together, smoothed, thinned, on a common axis.

export type Line = Record<string, unknown>;

export interface RunLines {
  name: string;
  lines: Line[];
}

export type Axis = "step" | "tokens" | "time";

export type Section = "learning" | "drift" | "health" | "speed" | "other";

// What is drawn in one picture: numbers of the same unit. `id` names its title in texts.ts; panels of keys that
// nobody foresaw have the key as their title.
export interface Panel {
  id: string;
  section: Section;
  known: boolean;
  keys: string[];
}

// In the order people look: is it learning, is it still itself, is it healthy, is it fast. "reward_*": all other
// keys that begin so.
const kPanels: [string, Section, string[]][] = [
  ["reward", "learning", ["reward", "gold", "optimality", "reward_*"]],
  ["loss", "learning", ["loss", "val_loss"]],
  ["accuracy", "learning", ["train_accuracy", "accuracy", "val_accuracy", "val_length_accuracy"]],
  ["bits", "learning", ["val_bpb", "bpb"]],
  ["pair_rewards", "learning", ["chosen_reward", "rejected_reward", "margin"]],
  ["pair_logprobs", "learning", ["chosen_logprob", "rejected_logprob"]],
  ["kl", "drift", ["kl"]],
  ["entropy", "drift", ["entropy"]],
  ["answer_tokens", "drift", ["answer_tokens"]],
  ["finished", "drift", ["finished"]],
  ["approx_kl", "drift", ["approx_kl"]],
  ["beta", "drift", ["beta"]],
  ["lm_loss", "drift", ["ptx_loss", "lm_loss"]],
  ["lr", "health", ["lr"]],
  ["grad_norm", "health", ["grad_norm", "value_grad_norm"]],
  ["policy_loss", "health", ["policy_loss"]],
  ["value_loss", "health", ["value_loss"]],
  ["explained_variance", "health", ["explained_variance"]],
  ["clip", "health", ["clip_fraction", "value_clip_fraction"]],
  ["ratio", "health", ["ratio_mean", "ratio_max"]],
  ["drift", "health", ["sampling_drift", "first_ratio_error"]],
  ["padding", "health", ["padding"]],
  ["speed", "speed", ["tokens_per_s", "rollout_tokens_per_s"]],
  ["peak", "speed", ["share", "update_of_peak"]],
  ["time_shares", "speed", ["rollout_share", "scoring_share", "update_share"]],
];

// Counters; they may be the horizontal axis.
const kCounters = new Set(["step", "tokens", "time", "epoch", "pairs", "flops", "trained_tokens"]);

export function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

// The keys that hold numbers, in the order of their first appearance.
export function keysOf(runs: RunLines[]): string[] {
  const keys = new Set<string>();
  for (const run of runs)
    for (const line of run.lines)
      for (const key in line) if (!keys.has(key) && numberOf(line[key]) !== null) keys.add(key);
  return [...keys].filter((key) => !kCounters.has(key));
}

export function panelsOf(runs: RunLines[]): Panel[] {
  const keys = keysOf(runs);
  const named = new Set(kPanels.flatMap(([, , names]) => names.filter((name) => !name.endsWith("*"))));
  const taken = new Set<string>();
  const panels: Panel[] = [];
  for (const [id, section, names] of kPanels) {
    const found = names.flatMap((name) => {
      if (!name.endsWith("*")) return keys.includes(name) ? [name] : [];
      return keys.filter((key) => !named.has(key) && key.startsWith(name.slice(0, -1)));
    });
    if (found.length === 0) continue;
    for (const key of found) taken.add(key);
    panels.push({ id, section, known: true, keys: found });
  }
  for (const key of keys) {
    if (taken.has(key)) continue;
    const section = sectionByName(key);
    panels.push({ id: key, section, known: false, keys: [key] });
  }
  const order: Section[] = ["learning", "drift", "health", "speed", "other"];
  return panels.sort((a, b) => order.indexOf(a.section) - order.indexOf(b.section));
}

// A guess from the words of a key.
function sectionByName(key: string): Section {
  if (/per_s(ec|econd)?$|(^|_)(seconds|ms|speed|memory|bytes)($|_)/.test(key)) return "speed";
  if (/kl($|_)|entropy/.test(key)) return "drift";
  if (/loss|reward|accuracy|score|win|bpb|perplexity/.test(key)) return "learning";
  if (/norm|lr|clip|ratio|variance/.test(key)) return "health";
  return "other";
}

// ---- lines as they arrive ----

export function stepOf(line: Line): number | null {
  return numberOf(line.step);
}

// Appends lines that came later. A resumed run repeats steps: what came last counts, and what it undid goes.
export function append(old: Line[], fresh: Line[]): Line[] {
  if (fresh.length === 0) return old;
  const result = old.slice();
  for (const line of fresh) {
    const step = stepOf(line);
    if (step !== null)
      while (result.length > 0 && (stepOf(result[result.length - 1]!) ?? -Infinity) >= step) result.pop();
    result.push(line);
  }
  return result;
}

// At most about `most` lines: the first, the last, all that hold a number few lines have (a validation loss is
// there every hundredth step), and of the others every so many.
export function thin(lines: Line[], most: number): Line[] {
  if (lines.length <= most) return lines;
  const counts = new Map<string, number>();
  for (const line of lines)
    for (const key in line) if (numberOf(line[key]) !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  const rare = new Set([...counts].filter(([, count]) => count <= most / 8).map(([key]) => key));
  const stride = Math.ceil(lines.length / most);
  return lines.filter(
    (line, i) =>
      i === 0 ||
      i === lines.length - 1 ||
      i % stride === 0 ||
      [...rare].some((key) => numberOf(line[key]) !== null),
  );
}

// ---- curves ----

// Exponential moving average without the pull of its start (as Adam corrects its moments): weight 0 changes
// nothing. Gaps stay gaps and do not count.
export function smooth(values: (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return values;
  let sum = 0;
  let norm = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    norm = weight * norm + (1 - weight);
    return sum / norm;
  });
}

export interface Curve {
  run: number; // index into the runs
  key: string;
  raw: (number | null)[];
  y: (number | null)[]; // smoothed
  points: boolean; // few values: measurements now and then, drawn as points
}

export interface Chart {
  x: number[];
  curves: Curve[];
}

export interface ChartOptions {
  axis: Axis;
  smoothing: number;
  log: boolean;
}

const kFew = 40;

// A curve for every run that has a key, on the union of their horizontal values.
export function chartOf(panel: Panel, runs: RunLines[], options: ChartOptions): Chart {
  const found: { run: number; key: string; x: number[]; y: number[] }[] = [];
  runs.forEach((run, index) => {
    for (const key of panel.keys) {
      const x: number[] = [];
      const y: number[] = [];
      for (const line of run.lines) {
        const at = numberOf(line[options.axis]);
        const value = numberOf(line[key]);
        // The axis grows; of equal places the last counts (uPlot wants them in order).
        if (at === null || value === null || (x.length > 0 && at < x[x.length - 1]!)) continue;
        if (options.log && value <= 0) continue;
        if (x.length > 0 && at === x[x.length - 1]) {
          y[y.length - 1] = value;
        } else {
          x.push(at);
          y.push(value);
        }
      }
      if (x.length > 0) found.push({ run: index, key, x, y });
    }
  });
  const x = [...new Set(found.flatMap((one) => one.x))].sort((a, b) => a - b);
  const place = new Map(x.map((value, i) => [value, i]));
  const curves = found.map((one) => {
    const points = one.x.length <= kFew;
    const smoothed = points ? one.y : smooth(one.y, options.smoothing);
    const raw: (number | null)[] = new Array(x.length).fill(null);
    const y: (number | null)[] = new Array(x.length).fill(null);
    one.x.forEach((at, i) => {
      const p = place.get(at)!;
      raw[p] = one.y[i]!;
      y[p] = smoothed[i]!;
    });
    return { run: one.run, key: one.key, raw, y, points };
  });
  return { x, curves };
}

export interface Row {
  x: number;
  values: (number | null)[];
}

// The same as a table of about `rows` rows: for screen readers, and to copy.
export function tableOf(chart: Chart, rows: number): Row[] {
  const n = chart.x.length;
  const chosen = new Set<number>();
  const count = Math.min(rows, n);
  for (let i = 0; i < count; ++i) chosen.add(count === 1 ? n - 1 : Math.round((i * (n - 1)) / (count - 1)));
  // A curve with few values would be empty rows: its last value is always there.
  for (const curve of chart.curves) {
    const last = lastPlace(curve.raw);
    if (last >= 0) chosen.add(last);
  }
  return [...chosen]
    .sort((a, b) => a - b)
    .map((i) => ({ x: chart.x[i]!, values: chart.curves.map((curve) => curve.raw[i] ?? null) }));
}

function lastPlace(values: (number | null)[]): number {
  for (let i = values.length - 1; i >= 0; --i) if (values[i] !== null) return i;
  return -1;
}

export function lastValue(curve: Curve): number | null {
  const place = lastPlace(curve.raw);
  return place < 0 ? null : curve.raw[place]!;
}

// Four digits that matter: 0.0003, 2.347, 4,450, 1.2e+9.
export function short(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e7 || size < 1e-4) return value.toExponential(2);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(4)));
}

// The axes that the runs have.
export function axesOf(runs: RunLines[]): Axis[] {
  const all: Axis[] = ["step", "tokens", "time"];
  return all.filter((axis) => runs.some((run) => run.lines.some((line) => numberOf(line[axis]) !== null)));
}

export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}

// Names of runs without the folders they have in common.
export function shortNames(names: string[]): string[] {
  if (names.length < 2) return names;
  const parts = names.map((name) => name.split("/"));
  let same = 0;
  while (parts.every((part) => part.length > same + 1 && part[same] === parts[0]![same])) ++same;
  return parts.map((part) => part.slice(same).join("/"));
}
