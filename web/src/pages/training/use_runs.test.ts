import { afterEach, describe, expect, it, vi } from "vitest";
import type { Run } from "@/api/types";
import { fetchMetrics, isLive } from "./use_runs";

afterEach(() => vi.unstubAllGlobals());

function serve(answers: Record<string, unknown>) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return Response.json(answers[url] ?? { lines: [], next: 0 });
  });
  return asked;
}

const kPath = "/app/api/runs/a%2Fb%20%E5%A5%BD/metrics";

describe("fetchMetrics", () => {
  it("asks for all, then for what is new", async () => {
    const asked = serve({
      [kPath]: { lines: [{ step: 1 }], next: 1 },
      [`${kPath}?after=1`]: { lines: [{ step: 2 }], next: 2 },
    });
    const first = await fetchMetrics("a/b 好", undefined);
    const second = await fetchMetrics("a/b 好", first);
    expect(second).toEqual({ lines: [{ step: 1 }, { step: 2 }], next: 2 });
    expect(asked).toEqual([kPath, `${kPath}?after=1`]);
  });

  it("is the same object when nothing is new, so that nothing is drawn again", async () => {
    serve({ [`${kPath}?after=5`]: { lines: [], next: 5 } });
    const before = { lines: [{ step: 1 }], next: 5 };
    expect(await fetchMetrics("a/b 好", before)).toBe(before);
  });

  it("begins again when the file became shorter", async () => {
    const asked = serve({
      [`${kPath}?after=9`]: { lines: [], next: 3 },
      [kPath]: { lines: [{ step: 3 }], next: 3 },
    });
    expect(await fetchMetrics("a/b 好", { lines: [{ step: 9 }], next: 9 })).toEqual({ lines: [{ step: 3 }], next: 3 });
    expect(asked).toHaveLength(2);
  });
});

describe("isLive", () => {
  const run = (fields: Partial<Run>): Run => ({ name: "a", stage: "", started: 0, updated: 1_000_000, steps: 0, last: {}, config: {}, ...fields });
  it("until nothing was written for a while, or all steps are done", () => {
    expect(isLive(run({}), 1_060_000)).toBe(true);
    expect(isLive(run({}), 2_000_000)).toBe(false);
    expect(isLive(run({ last: { step: 5 }, config: { steps: 5 } }), 1_000_000)).toBe(false);
    expect(isLive(run({ last: { step: 4 }, config: { options: { iterations: 5 } } }), 1_000_000)).toBe(true);
    expect(isLive(run({ last: { step: 5 }, config: { options: null } }), 1_000_000)).toBe(true);
  });
});
