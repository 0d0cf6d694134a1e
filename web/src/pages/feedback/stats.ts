// The numbers of the feedback page.
import type { FeedbackStats } from "@/api/types";

type Day = FeedbackStats["by_day"][number];

const kDayMs = 86_400_000;

const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);

// The last `count` days up to `today` ("2026-11-27"), with zeros where nothing happened.
export function lastDays(days: Day[], today: string, count: number): Day[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const end = Date.parse(`${today}T00:00:00Z`);
  return Array.from({ length: count }, (_, i) => {
    const day = dayOf(end - (count - 1 - i) * kDayMs);
    return known.get(day) ?? { day, up: 0, down: 0, comparisons: 0 };
  });
}

export function today(now = Date.now()): string {
  return dayOf(now);
}

export const totalOf = (day: Day) => day.up + day.down + day.comparisons;

// "NAME@FINGERPRINT": the fingerprint changes with the weights.
export function splitModel(model: string): { name: string; fingerprint: string } {
  const at = model.lastIndexOf("@");
  return at <= 0 ? { name: model, fingerprint: "" } : { name: model.slice(0, at), fingerprint: model.slice(at + 1) };
}

// A round number at or above the largest day: the top of the axis.
export function top(days: Day[]): number {
  const most = Math.max(1, ...days.map(totalOf));
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  for (const step of [1, 2, 4, 5, 10]) if (step * power >= most) return step * power;
  return 10 * power;
}

// null: nothing to divide.
export function share(part: number, rest: number): number | null {
  return part + rest === 0 ? null : part / (part + rest);
}

// Wilson's 95 % interval of a proportion: few ratings say little, and this shows it.
export function wilson(part: number, all: number): [number, number] | null {
  if (all === 0) return null;
  const z = 1.959964;
  const p = part / all;
  const middle = (p + (z * z) / (2 * all)) / (1 + (z * z) / all);
  const half = (z / (1 + (z * z) / all)) * Math.sqrt((p * (1 - p)) / all + (z * z) / (4 * all * all));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
