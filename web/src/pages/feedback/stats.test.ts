import { describe, expect, it } from "vitest";
import { lastDays, share, splitModel, today, top, wilson } from "./stats";

describe("days", () => {
  it("are all there, across the ends of months and years", () => {
    const days = lastDays([{ day: "2026-12-31", up: 2, down: 1, comparisons: 0 }], "2027-01-02", 4);
    expect(days.map((one) => one.day)).toEqual(["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"]);
    expect(days[1]!.up).toBe(2);
    expect(days[0]!.up).toBe(0);
  });

  it("know today, in UTC as the server counts", () => expect(today(0)).toBe("1970-01-01"));

  it("have a round top", () => {
    const day = (up: number) => [{ day: "", up, down: 0, comparisons: 0 }];
    expect([0, 3, 5, 11, 21, 99, 101].map((n) => top(day(n)))).toEqual([4, 4, 5, 20, 40, 100, 200]);
    expect(top([])).toBe(4);
  });
});

describe("models", () => {
  it("are names with fingerprints", () => {
    expect(splitModel("a@b@f00")).toEqual({ name: "a@b", fingerprint: "f00" });
    expect(splitModel("plain")).toEqual({ name: "plain", fingerprint: "" });
    expect(splitModel("")).toEqual({ name: "", fingerprint: "" });
  });
});

describe("shares", () => {
  it("of nothing are unknown", () => {
    expect(share(0, 0)).toBeNull();
    expect(wilson(0, 0)).toBeNull();
  });
  it("have Wilson's interval", () => {
    const [low, high] = wilson(8, 10)!;
    expect(low).toBeCloseTo(0.49, 2);
    expect(high).toBeCloseTo(0.943, 2);
    expect(share(8, 2)).toBe(0.8);
  });
});
