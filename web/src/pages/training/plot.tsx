// uPlot in a component: a chart is made anew when its curves or the theme change, else only given new numbers.
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { duration, short, type Axis, type Chart } from "./metrics";

interface PlotProps {
  chart: Chart;
  styles: { color: number; dash: number }[]; // of each curve
  axis: Axis;
  log: boolean;
  smoothed: boolean;
  label: string;
  onCursor: (index: number | null) => void;
}

const kHeight = 190;
const kDashes = [[], [6, 4], [2, 3]];
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

// "light" or "dark", whenever it changes.
function useThemeName(): string {
  const [theme, setTheme] = useState(() => document.documentElement.dataset.theme ?? "light");
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(document.documentElement.dataset.theme ?? "light"));
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => observer.disconnect();
  }, []);
  return theme;
}

// For each curve its raw values, faint, when they are smoothed, and the line.
function columns(chart: Chart, smoothed: boolean): uPlot.AlignedData {
  const data: (number | null)[][] = [];
  for (const curve of chart.curves) {
    if (smoothed && !curve.points) data.push(curve.raw);
    data.push(curve.y);
  }
  return [chart.x, ...data] as uPlot.AlignedData;
}

export function Plot({ chart, styles, axis, log, smoothed, label, onCursor }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const cursor = useRef(onCursor);
  cursor.current = onCursor;
  const theme = useThemeName();
  const drawn = useRef(chart);
  drawn.current = chart;
  // What a new chart is needed for.
  const shape = JSON.stringify([theme, axis, log, smoothed, styles.map((one) => [one.color, one.dash]), chart.curves.map((curve) => curve.points)]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const css = getComputedStyle(document.documentElement);
    const color = (name: string) => css.getPropertyValue(name).trim() || "#888";
    const series: uPlot.Series[] = [{}];
    drawn.current.curves.forEach((curve, i) => {
      const stroke = color(`--chart-${((styles[i]?.color ?? 0) % 6) + 1}`);
      const faint = smoothed && !curve.points;
      if (faint) series.push({ stroke, width: 1, alpha: 0.22, spanGaps: true, points: { show: false } });
      series.push({
        stroke,
        width: 1.75,
        spanGaps: true,
        dash: kDashes[Math.min(styles[i]?.dash ?? 0, kDashes.length - 1)],
        points: { show: curve.points, size: 5, fill: stroke },
      });
    });
    const text = color("--text-muted");
    const grid = { stroke: color("--border"), width: 1 };
    const font = `11px ${css.getPropertyValue("--font") || "sans-serif"}`;
    const made = new uPlot(
      {
        width: Math.max(120, element.clientWidth),
        height: kHeight,
        legend: { show: false },
        series,
        scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
        axes: [
          {
            stroke: text,
            grid: { show: false },
            ticks: { ...grid, size: 4 },
            font,
            size: 26,
            gap: 3,
            space: 70,
            values: (_, splits) => splits.map((value) => (axis === "time" ? duration(value) : compact.format(value))),
          },
          {
            stroke: text,
            grid,
            ticks: { show: false },
            font,
            gap: 4,
            size: (_, values) => (values ? Math.max(...values.map((value) => value?.length ?? 0)) * 6.5 + 12 : 40),
            values: (_, splits) => splits.map((value) => (value === null ? "" : short(value))),
          },
        ],
        cursor: {
          sync: { key: "training", scales: ["x", null] },
          drag: { x: true, y: false },
          y: false,
          points: { size: 7 },
        },
        hooks: { setCursor: [(u) => cursor.current(u.cursor.idx ?? null)] },
      },
      columns(drawn.current, smoothed),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height: kHeight });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // `shape` stands for all that is read here.
  }, [shape]);

  useEffect(() => {
    const u = plot.current;
    if (!u) return;
    // Who has zoomed in stays there while new points come.
    const { min, max } = u.scales.x!;
    const old = u.data[0];
    const zoomed = min != null && max != null && old.length > 0 && (min > old[0]! || max < old[old.length - 1]!);
    u.setData(columns(chart, smoothed), !zoomed);
    if (zoomed) u.redraw();
  }, [chart, smoothed, shape]);

  return <div className="plot" ref={box} role="img" aria-label={label} />;
}
