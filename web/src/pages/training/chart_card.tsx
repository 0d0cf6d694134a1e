import { memo, useMemo, useState } from "react";
import { useTexts } from "@/i18n";
import { Plot } from "./plot";
import { chartOf, duration, lastValue, short, shortNames, tableOf, type Axis, type Curve, type Panel, type RunLines } from "./metrics";
import { known, texts } from "./texts";

interface ChartCardProps {
  panel: Panel;
  runs: RunLines[];
  axis: Axis;
  smoothing: number;
  log: boolean;
}

// One run: a colour for each curve. Several: a colour for each run, further keys dashed.
function styleOf(curve: Curve, keys: string[], runs: number): { color: number; dash: number } {
  const key = keys.indexOf(curve.key);
  return runs > 1 ? { color: curve.run, dash: key } : { color: key, dash: 0 };
}

const atAxis = (axis: Axis, value: number) => (axis === "time" ? duration(value) : short(value));

export const ChartCard = memo(function ChartCard({ panel, runs, axis, smoothing, log }: ChartCardProps) {
  const t = useTexts(texts);
  const [at, setAt] = useState<number | null>(null); // where the pointer is
  const chart = useMemo(() => chartOf(panel, runs, { axis, smoothing, log }), [panel, runs, axis, smoothing, log]);
  const titleKey = known(`p_${panel.id}`);
  const title = panel.known && titleKey ? t(titleKey) : panel.id;
  const keys = panel.keys.filter((key) => chart.curves.some((curve) => curve.key === key));
  const several = runs.length > 1;
  const runNames = useMemo(() => shortNames(runs.map((run) => run.name)), [runs]);
  const nameOf = (curve: Curve) => {
    const word = known(`k_${curve.key}`);
    const key = keys.length > 1 ? (word ? t(word) : curve.key) : "";
    return [several ? runNames[curve.run]! : "", key].filter(Boolean).join(" · ");
  };
  if (chart.curves.length === 0) return null;
  const valueOf = (curve: Curve) => {
    if (at === null) return lastValue(curve);
    // The nearest one at or before the pointer: curves have values at different places.
    for (let i = Math.min(at, chart.x.length - 1); i >= 0; --i) if (curve.raw[i] != null) return curve.raw[i]!;
    return null;
  };
  const legend = chart.curves.map((curve) => ({ curve, name: nameOf(curve), value: short(valueOf(curve)), ...styleOf(curve, keys, runs.length) }));
  const label = t("chartLabel", { title, values: legend.map((one) => `${one.name} ${one.value}`.trim()).join(", ") });
  return (
    <figure className="chart" data-testid="chart" data-panel={panel.id}>
      <figcaption>
        <span className="title">{title}</span>
        <span className="legend small">
          {legend.map((one) => (
            <span key={`${one.curve.run} ${one.curve.key}`} className="key">
              <span className={one.dash > 0 ? "swatch dashed" : "swatch"} style={{ color: `var(--chart-${(one.color % 6) + 1})` }} aria-hidden />
              {one.name && <span className="name">{one.name}</span>}
              <span className="value">{one.value}</span>
            </span>
          ))}
        </span>
        <span className="at small muted" aria-hidden>
          {at !== null && chart.x[at] !== undefined ? atAxis(axis, chart.x[at]) : ""}
        </span>
      </figcaption>
      <Plot chart={chart} styles={legend} axis={axis} log={log} smoothed={smoothing > 0} label={label} onCursor={setAt} />
      <details>
        <summary className="small muted">{t("asTable")}</summary>
        <ChartTable chart={chart} axis={axis} names={legend.map((one) => one.name || title)} caption={title} />
      </details>
    </figure>
  );
});

function ChartTable({ chart, axis, names, caption }: { chart: ReturnType<typeof chartOf>; axis: Axis; names: string[]; caption: string }) {
  const t = useTexts(texts);
  const rows = useMemo(() => tableOf(chart, 20), [chart]);
  return (
    <div className="ui-table-wrap" tabIndex={0}>
      <table className="ui-table" data-testid="chart-table">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            <th className="number">{t(axis)}</th>
            {names.map((name, i) => (
              <th key={i} className="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.x}>
              <td className="number">{atAxis(axis, row.x)}</td>
              {row.values.map((value, i) => (
                <td key={i} className="number">
                  {short(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
