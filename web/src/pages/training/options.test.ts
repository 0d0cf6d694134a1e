import { describe, expect, it } from "vitest";
import { optionRows, sampleParts } from "./options";

describe("optionRows", () => {
  it("puts options side by side and marks differences", () => {
    const rows = optionRows([{ options: { lr: 0.1, steps: 5 }, list: [1, 2] }, { options: { lr: 0.2, steps: 5 }, note: "x" }]);
    expect(rows).toEqual([
      { key: "options.lr", values: ["0.1", "0.2"], differs: true },
      { key: "options.steps", values: ["5", "5"], differs: false },
      { key: "list", values: ["[1,2]", null], differs: true },
      { key: "note", values: [null, "x"], differs: true },
    ]);
  });
  it("survives anything", () => expect(optionRows([null, 3, "x", {}, { a: {} }])).toMatchObject([{ key: "a" }]));
});

describe("sampleParts", () => {
  it("are the newest first", () => {
    expect(sampleParts("# run\n\n## Step 1\n\na\n\n## Step 2\n\nb\n")).toEqual(["## Step 2\n\nb\n", "## Step 1\n\na\n\n"]);
  });
  it("do without headings", () => {
    expect(sampleParts("only text")).toEqual(["only text"]);
    expect(sampleParts(" \n")).toEqual([]);
  });
  it("do not split at deeper headings", () => expect(sampleParts("## A\n### B\n")).toHaveLength(1));
});
