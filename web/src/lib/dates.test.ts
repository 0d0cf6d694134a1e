import { describe, expect, it } from "vitest";
import { groupByDate, groupKey, groupOf } from "./dates";

const at = (year: number, month: number, day: number, hour = 12, minute = 0) => new Date(year, month - 1, day, hour, minute).getTime();
const now = at(2026, 11, 27, 0, 30); // half past midnight

describe("groupOf", () => {
  it("goes by the calendar, not by hours", () => {
    expect(groupOf(at(2026, 11, 27, 0, 10), now).kind).toBe("today");
    expect(groupOf(at(2026, 11, 26, 23, 50), now).kind).toBe("yesterday");
    expect(groupOf(at(2026, 11, 26, 0, 5), now).kind).toBe("yesterday");
    expect(groupOf(at(2026, 11, 25, 23, 59), now).kind).toBe("week");
    expect(groupOf(at(2026, 11, 20), now).kind).toBe("week");
    expect(groupOf(at(2026, 11, 19), now).kind).toBe("month");
    expect(groupOf(at(2026, 10, 28), now).kind).toBe("month");
    expect(groupOf(at(2026, 10, 27), now)).toEqual({ kind: "of", year: 2026, month: 9 });
  });
  it("puts a clock that is ahead into today", () => {
    expect(groupOf(at(2026, 11, 28), now).kind).toBe("today");
  });
  it("survives clock changes", () => {
    expect(groupOf(at(2026, 3, 28, 23), at(2026, 3, 29, 23)).kind).toBe("yesterday");
    expect(groupOf(at(2026, 10, 24, 1), at(2026, 10, 25, 23)).kind).toBe("yesterday");
  });
});

describe("groupByDate", () => {
  it("keeps order and separates years", () => {
    const times = [at(2026, 11, 27, 0, 1), at(2026, 11, 26), at(2026, 9, 3), at(2026, 9, 1), at(2025, 9, 1)];
    const groups = groupByDate(times, (time) => time, now);
    expect(groups.map((one) => groupKey(one.group))).toEqual(["today", "yesterday", "2026-8", "2025-8"]);
    expect(groups[2]?.items).toHaveLength(2);
    expect(groupByDate([], () => 0, now)).toEqual([]);
  });
});
