// The charts of one run or several.
import { useDeferredValue, useMemo, useRef, useState } from "react";
import type { Run } from "@/api/types";
import { useTexts } from "@/i18n";
import { recall, remember } from "@/lib/storage";
import { ErrorBox, Loading, Segmented, Slider, Switch } from "@/ui";
import { ChartCard } from "./chart_card";
import { axesOf, panelsOf, type Axis, type Line, type Section } from "./metrics";
import { texts } from "./texts";
import { useMetrics } from "./use_runs";

const kSections: Section[] = ["learning", "drift", "health", "speed", "other"];

const kNoLines: Line[] = [];

// The array of the last time while its elements are the same: run objects are new every few seconds.
function useSame<T>(next: T[], equal: (a: T, b: T) => boolean): T[] {
  const last = useRef(next);
  if (next.length !== last.current.length || next.some((one, i) => !equal(one, last.current[i]!))) last.current = next;
  return last.current;
}

export default function Curves({ runs }: { runs: Run[] }) {
  const t = useTexts(texts);
  const queries = useMetrics(runs);
  const [axis, setAxis] = useState<Axis>("step");
  const [smoothing, setSmoothing] = useState(() => Number(recall("training.smoothing") ?? 0.6) || 0);
  const [log, setLog] = useState(false);
  const smooth = useDeferredValue(smoothing);

  const lines = useSame(
    runs.map((run, i) => ({ name: run.name, lines: queries[i]?.data?.lines ?? kNoLines })),
    (a, b) => a.name === b.name && a.lines === b.lines,
  );
  const panels = useMemo(() => panelsOf(lines), [lines]);
  const axes = useMemo(() => axesOf(lines), [lines]);
  const shownAxis = axes.includes(axis) ? axis : axes[0] ?? "step";
  const failed = queries.find((query) => query.isError && !query.data);

  if (failed) return <ErrorBox error={failed.error} onRetry={() => queries.forEach((query) => void query.refetch())} />;
  if (queries.every((query) => query.isPending)) return <Loading />;
  return (
    <div className="curves">
      <div className="curve-controls">
        {axes.length > 1 && (
          <Segmented<Axis>
            label={t("axis")}
            value={shownAxis}
            onChange={setAxis}
            options={axes.map((value) => ({ value, label: t(value) }))}
            testId="training-axis"
          />
        )}
        <div className="smoothing">
          <span className="small muted" aria-hidden>
            {t("smoothing")}
          </span>
          <Slider
            label={t("smoothing")}
            value={smoothing}
            standard={0}
            min={0}
            max={0.99}
            step={0.01}
            onChange={(value) => {
              setSmoothing(value ?? 0);
              remember("training.smoothing", String(value ?? 0));
            }}
            testId="training-smoothing"
          />
        </div>
        <Switch label={t("log")} checked={log} onChange={setLog} data-testid="training-log" />
      </div>
      {panels.length === 0 && <p className="muted">{t("noLines")}</p>}
      {kSections.map((section) => {
        const inside = panels.filter((panel) => panel.section === section);
        if (inside.length === 0) return null;
        return (
          <section key={section} aria-labelledby={`section-${section}`}>
            <h2 className="section" id={`section-${section}`}>
              {t(section)}
            </h2>
            <div className="charts">
              {inside.map((panel) => (
                <ChartCard key={panel.id} panel={panel} runs={lines} axis={shownAxis} smoothing={Math.min(0.99, Math.max(0, smooth))} log={log} />
              ))}
            </div>
          </section>
        );
      })}
      {panels.length > 0 && <p className="small muted if-wide">{t("zoomHint")}</p>}
    </div>
  );
}
