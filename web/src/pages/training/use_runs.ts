// Runs and their metrics, kept fresh while the page is seen.
import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { Run } from "@/api/types";
import { append, numberOf, thin, type Line } from "./metrics";

export const kLiveMs = 120_000; // a run that wrote a line within this is running
const kMostLines = 6000; // kept of a run

// How many steps the run was told to make, where its options say.
export function plannedSteps(run: Pick<Run, "config">): number | null {
  const { options } = run.config;
  for (const from of [options, run.config])
    if (typeof from === "object" && from !== null)
      for (const key of ["steps", "iterations"]) {
        const value = numberOf((from as Record<string, unknown>)[key]);
        if (value !== null && value > 0) return value;
      }
  return null;
}

export function isLive(run: Run, now = Date.now()): boolean {
  const planned = plannedSteps(run);
  const step = numberOf(run.last.step);
  if (planned !== null && step !== null && step >= planned) return false;
  return now - run.updated < kLiveMs;
}

export function useRuns() {
  return useQuery({
    queryKey: ["runs"],
    queryFn: () => api.get<{ configured: boolean; runs: Run[] }>("/runs"),
    refetchInterval: 10_000,
  });
}

interface Metrics {
  lines: Line[];
  next: number;
}

const pathOf = (name: string) => `/runs/${encodeURIComponent(name)}`;

// All lines the first time, then only those behind the last one that is known.
export async function fetchMetrics(name: string, before: Metrics | undefined, signal?: AbortSignal): Promise<Metrics> {
  const path = `${pathOf(name)}/metrics`;
  if (!before || before.next === 0) return api.get<Metrics>(path, { signal });
  const fresh = await api.get<Metrics>(`${path}?after=${before.next}`, { signal });
  // The file became shorter: the run was begun anew, or resumed from an earlier step.
  if (fresh.next < before.next) return api.get<Metrics>(path, { signal });
  if (fresh.lines.length === 0 && fresh.next === before.next) return before;
  return { lines: thin(append(before.lines, fresh.lines), kMostLines), next: fresh.next };
}

export function useMetrics(runs: Run[]) {
  const client = useQueryClient();
  return useQueries({
    queries: runs.map((run) => ({
      queryKey: ["run-metrics", run.name],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        fetchMetrics(run.name, client.getQueryData<Metrics>(["run-metrics", run.name]), signal),
      refetchInterval: isLive(run) ? 3_000 : 30_000,
      structuralSharing: false,
      staleTime: 2_000,
    })),
  });
}

export function useSamples(name: string | undefined, live: boolean) {
  return useQuery({
    queryKey: ["run-samples", name],
    queryFn: () => api.get<{ markdown: string }>(`${pathOf(name!)}/samples`).then((answer) => answer.markdown),
    enabled: name !== undefined,
    refetchInterval: live ? 15_000 : false,
  });
}

export function useWinRates() {
  return useQuery({
    queryKey: ["winrates"],
    queryFn: () => api.get<{ tables: unknown[] }>("/winrates").then((answer) => answer.tables),
    refetchInterval: 60_000,
  });
}
