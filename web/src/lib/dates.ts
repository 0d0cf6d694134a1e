// Conversations under "Today", "Yesterday", … as the sidebar shows them.

export type Group =
  | { kind: "today" | "yesterday" | "week" | "month" }
  | { kind: "of"; year: number; month: number }; // a month before that; month from 0

function startOfDay(time: number): Date {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

// By the calendar of the user's time zone, not by hours passed.
export function groupOf(time: number, now: number): Group {
  // Rounded: days with a clock change have 23 or 25 hours.
  const days = Math.round((startOfDay(now).getTime() - startOfDay(time).getTime()) / 86_400_000);
  if (days <= 0) return { kind: "today" };
  if (days === 1) return { kind: "yesterday" };
  if (days <= 7) return { kind: "week" };
  if (days <= 30) return { kind: "month" };
  const date = new Date(time);
  return { kind: "of", year: date.getFullYear(), month: date.getMonth() };
}

export function groupKey(group: Group): string {
  return group.kind === "of" ? `${group.year}-${group.month}` : group.kind;
}

export interface Grouped<T> {
  group: Group;
  items: T[];
}

// Of a list that is sorted, newest first.
export function groupByDate<T>(items: readonly T[], timeOf: (item: T) => number, now: number): Grouped<T>[] {
  const groups: Grouped<T>[] = [];
  for (const item of items) {
    const group = groupOf(timeOf(item), now);
    const last = groups.at(-1);
    if (last && groupKey(last.group) === groupKey(group)) last.items.push(item);
    else groups.push({ group, items: [item] });
  }
  return groups;
}
