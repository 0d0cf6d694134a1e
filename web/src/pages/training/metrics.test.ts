import { describe, expect, it } from "vitest";
import {
  append,
  axesOf,
  chartOf,
  duration,
  keysOf,
  lastValue,
  panelsOf,
  short,
  shortNames,
  smooth,
  tableOf,
  thin,
  type Line,
} from "./metrics";

const run = (name: string, lines: Line[]) => ({ name, lines });
const kPpo = { step: 1, reward: 0.1, gold: 0.2, reward_length: 3, reward_model: 4, kl: 1, lr: 1e-4, time: 2, tokens: 5 };

describe("panels", () => {
  it("put together what belongs together, in order", () => {
    const panels = panelsOf([run("a", [{ ...kPpo, loss: 1 }, { step: 2, val_loss: 2, tokens_per_s: 9 }])]);
    expect(panels.map((panel) => [panel.id, panel.keys])).toEqual([
      ["reward", ["reward", "gold", "reward_length", "reward_model"]],
      ["loss", ["loss", "val_loss"]],
      ["kl", ["kl"]],
      ["lr", ["lr"]],
      ["speed", ["tokens_per_s"]],
    ]);
  });

  it("give unknown numbers a panel of their own, in a likely section", () => {
    const panels = panelsOf([run("a", [{ step: 1, teacher_loss: 1, wobble: 2, io_seconds: 3, name: "x", ok: true, nan: null }])]);
    expect(panels.map((panel) => [panel.id, panel.section, panel.known])).toEqual([
      ["teacher_loss", "learning", false],
      ["io_seconds", "speed", false],
      ["wobble", "other", false],
    ]);
  });

  it("have no counters", () => expect(keysOf([run("a", [{ step: 1, tokens: 2, epoch: 0.5, time: 3 }])])).toEqual([]));
  it("are none without lines", () => expect(panelsOf([run("a", [])])).toEqual([]));
});

describe("append", () => {
  it("adds later lines", () => expect(append([{ step: 1 }], [{ step: 2 }, { step: 3 }])).toHaveLength(3));
  it("forgets what a resumed run repeats", () => {
    expect(append([{ step: 1 }, { step: 2 }, { step: 3 }], [{ step: 2, loss: 9 }])).toEqual([{ step: 1 }, { step: 2, loss: 9 }]);
  });
  it("keeps lines without a step", () => expect(append([{ a: 1 }], [{ b: 2 }])).toHaveLength(2));
  it("is the same array when nothing came", () => {
    const lines = [{ step: 1 }];
    expect(append(lines, [])).toBe(lines);
  });
});

describe("thin", () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => (i % 1000 === 500 ? { step: i, loss: 1, val_loss: 2 } : { step: i, loss: 1 }));

  it("keeps the ends and everything rare", () => {
    const thinned = thin(lines, 1000);
    expect(thinned.length).toBeLessThan(1100);
    expect(thinned[0]).toBe(lines[0]);
    expect(thinned.at(-1)).toBe(lines.at(-1));
    expect(thinned.filter((line) => "val_loss" in line)).toHaveLength(10);
  });

  it("changes nothing when there is little", () => expect(thin(lines, 10_000)).toBe(lines));
});

describe("smooth", () => {
  it("does not change a constant, whatever the weight", () => {
    for (const value of smooth([3, 3, null, 3], 0.95)) expect(value === null || Math.abs(value - 3) < 1e-12).toBe(true);
  });
  it("keeps gaps", () => expect(smooth([1, null, 2], 0.5)[1]).toBeNull());
  it("lies between the values", () => {
    const [, second] = smooth([0, 1], 0.5);
    expect(second).toBeCloseTo(2 / 3);
  });
  it("is off at 0", () => expect(smooth([1, 5], 0)).toEqual([1, 5]));
});

describe("charts", () => {
  const runs = [
    run("a", [
      { step: 1, loss: 4, time: 10 },
      { step: 3, loss: 2, val_loss: 2.5, time: 30 },
    ]),
    run("b", [
      { step: 2, loss: 3 },
      { step: 3, loss: -1 },
    ]),
  ];
  const [panel] = panelsOf(runs);

  it("put runs on one axis", () => {
    const chart = chartOf(panel!, runs, { axis: "step", smoothing: 0, log: false });
    expect(chart.x).toEqual([1, 2, 3]);
    expect(chart.curves.map((curve) => [curve.run, curve.key, curve.raw])).toEqual([
      [0, "loss", [4, null, 2]],
      [0, "val_loss", [null, null, 2.5]],
      [1, "loss", [null, 3, -1]],
    ]);
    expect(lastValue(chart.curves[2]!)).toBe(-1);
  });

  it("leave out what has no logarithm, and runs without the axis", () => {
    const log = chartOf(panel!, runs, { axis: "step", smoothing: 0, log: true });
    expect(log.curves[2]!.raw).toEqual([null, 3, null]);
    expect(chartOf(panel!, runs, { axis: "time", smoothing: 0, log: false }).curves.map((curve) => curve.run)).toEqual([0, 0]);
  });

  it("need a growing axis: steps that go back are left out, the last of equal ones counts", () => {
    const odd = [run("a", [{ step: 5, loss: 1 }, { step: 4, loss: 2 }, { step: 5, loss: 3 }])];
    expect(chartOf(panelsOf(odd)[0]!, odd, { axis: "step", smoothing: 0, log: false })).toMatchObject({
      x: [5],
      curves: [{ raw: [3] }],
    });
  });

  it("smooth only curves with many values", () => {
    const lines = Array.from({ length: 100 }, (_, i) => ({ step: i, loss: i % 2, ...(i % 10 ? {} : { val_loss: i }) }));
    const many = [run("a", lines)];
    const chart = chartOf(panelsOf(many)[0]!, many, { axis: "step", smoothing: 0.9, log: false });
    expect(chart.curves[0]!.points).toBe(false);
    expect(chart.curves[0]!.y[99]).not.toBe(1);
    expect(chart.curves[1]!.points).toBe(true);
    expect(chart.curves[1]!.y).toEqual(chart.curves[1]!.raw);
  });

  it("become tables with the first, the last and each curve's last value", () => {
    const lines = Array.from({ length: 1000 }, (_, i) => ({ step: i, loss: i, ...(i === 333 ? { val_loss: 1 } : {}) }));
    const many = [run("a", lines)];
    const rows = tableOf(chartOf(panelsOf(many)[0]!, many, { axis: "step", smoothing: 0, log: false }), 10);
    expect(rows[0]!.x).toBe(0);
    expect(rows.at(-1)!.x).toBe(999);
    expect(rows.find((row) => row.x === 333)!.values).toEqual([333, 1]);
    expect(tableOf({ x: [], curves: [] }, 10)).toEqual([]);
  });

  it("know the axes of the runs", () => expect(axesOf(runs)).toEqual(["step", "time"]));
});

describe("names", () => {
  it("lose the folders they share, never all", () => {
    expect(shortNames(["a/b/x", "a/b/y"])).toEqual(["x", "y"]);
    expect(shortNames(["a/b", "a"])).toEqual(["a/b", "a"]);
    expect(shortNames(["a/x", "a/x"])).toEqual(["x", "x"]);
    expect(shortNames(["a/b"])).toEqual(["a/b"]);
  });
});

describe("numbers", () => {
  it.each([
    [null, "–"],
    [0, "0"],
    [0.000012345, "1.23e-5"],
    [0.0003, "0.0003"],
    [2.34567, "2.346"],
    [4450.4, "4,450"],
    [123456789, "1.23e+8"],
    [-5.5, "-5.5"],
  ])("%s", (value, text) => expect(short(value)).toBe(text));

  it("durations", () => expect([5, 65, 3700].map(duration)).toEqual(["5 s", "1 min 5 s", "1 h 2 min"]));
});
