import { describe, expect, it } from "vitest";
import { readReport, turned } from "./winrate";

const kReport = {
  run: "ppo/report.json",
  judge: "gold",
  prompts: 200,
  models: [{ name: "ppo", mean_length: 90, mean_win_rate: 0.7 }],
  pairs: [
    {
      a: "ppo",
      b: "sft",
      n: 200,
      wins: 130,
      ties: 20,
      losses: 50,
      win_rate: 0.7,
      win_rate_interval: [0.63, 0.76],
      bootstrap_interval: [0.64, 0.75],
      length_controlled: 0.66,
      length_controlled_interval: [0.6, 0.72],
      length_extrapolated: true,
      sign_p: 1e-9,
    },
  ],
};

describe("readReport", () => {
  it("reads what eval winrate writes", () => {
    const report = readReport(kReport)!;
    expect(report.pairs[0]).toMatchObject({ rate: 0.7, interval: [0.64, 0.75], extrapolated: true });
    expect(report.models[0]).toEqual({ name: "ppo", length: 90, rate: 0.7 });
  });

  it("is nothing for anything else", () => {
    for (const odd of [null, 3, "x", [], {}, { pairs: 4 }, { pairs: [null, { a: 1 }] }]) expect(readReport(odd)).toBeNull();
  });

  it("does without fields", () => {
    expect(readReport({ pairs: [{ a: "x", b: "y", win_rate: 0.5 }] })!.pairs[0]).toMatchObject({
      interval: null,
      controlled: null,
      p: null,
      n: 0,
    });
  });
});

describe("turned", () => {
  it("is the other side", () => {
    const pair = turned(readReport(kReport)!.pairs[0]!);
    expect(pair).toMatchObject({ a: "sft", b: "ppo", wins: 50, losses: 130 });
    expect(pair.rate).toBeCloseTo(0.3);
    expect(pair.interval![0]).toBeCloseTo(0.25);
    expect(turned(pair).interval![0]).toBeCloseTo(0.64);
  });
});
