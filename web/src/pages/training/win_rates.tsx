import { useMemo } from "react";
import { useFormats, useTexts } from "@/i18n";
import { Badge, Card, ErrorBox, Loading } from "@/ui";
import { How } from "./how";
import { texts } from "./texts";
import { useWinRates } from "./use_runs";
import { readReport, type Pair, type Report } from "./winrate";

export function WinRates() {
  const t = useTexts(texts);
  const query = useWinRates();
  const reports = useMemo(() => (query.data ?? []).flatMap((table) => readReport(table) ?? []), [query.data]);
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorBox error={query.error} onRetry={() => void query.refetch()} />;
  if (reports.length === 0)
    return (
      <How
        title={t("noWinrates")}
        text={t("noWinratesText")}
        command="parley eval winrate --a runs/ppo/model --b runs/sft/model --prompts held_out.jsonl --judge runs/judge/model --out runs/winrate.json"
        testId="training-no-winrates"
      />
    );
  return (
    <div className="stack win-rates">
      {reports.map((report) => (
        <ReportCard key={report.run} report={report} />
      ))}
    </div>
  );
}

function ReportCard({ report }: { report: Report }) {
  const t = useTexts(texts);
  const formats = useFormats();
  return (
    <Card title={report.run} data-testid="winrate-report">
      <p className="small muted">
        {t("judgedBy", { n: report.prompts === null ? "?" : formats.number(report.prompts), judge: report.judge || "?" })}
        {report.remarks && ` · ${report.remarks}`}
      </p>
      <div className="ui-table-wrap" tabIndex={0}>
        <table className="ui-table">
          <thead>
            <tr>
              <th>{t("pair")}</th>
              <th>{t("rate")}</th>
              <th>{t("controlled")}</th>
              <th className="number">{t("wins")}</th>
              <th className="number">{t("tiesColumn")}</th>
              <th className="number">{t("losses")}</th>
              <th className="number">{t("signTest")}</th>
            </tr>
          </thead>
          <tbody>
            {report.pairs.map((pair) => (
              <PairRow key={`${pair.a} ${pair.b}`} pair={pair} />
            ))}
          </tbody>
        </table>
      </div>
      {report.models.length > 0 && (
        <div className="ui-table-wrap models" tabIndex={0}>
          <table className="ui-table">
            <thead>
              <tr>
                <th>{t("model")}</th>
                <th className="number">{t("meanLength")}</th>
                {report.models.length > 2 && <th className="number">{t("meanRate")}</th>}
              </tr>
            </thead>
            <tbody>
              {report.models.map((model) => (
                <tr key={model.name}>
                  <td>{model.name}</td>
                  <td className="number">{model.length === null ? "–" : formats.number(Math.round(model.length))}</td>
                  {report.models.length > 2 && <td className="number">{model.rate === null ? "–" : percent(model.rate)}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function PairRow({ pair }: { pair: Pair }) {
  const t = useTexts(texts);
  const verdict =
    pair.interval && pair.interval[0] > 0.5
      ? ({ text: "better", tone: "success" } as const)
      : pair.interval && pair.interval[1] < 0.5
        ? ({ text: "worse", tone: "danger" } as const)
        : ({ text: "unclear", tone: "default" } as const);
  return (
    <tr>
      <td className="match">
        <span>
          <strong>{pair.a}</strong> / {pair.b}
        </span>
        <Badge tone={verdict.tone}>{t(verdict.text)}</Badge>
      </td>
      <td>
        <Rate value={pair.rate} interval={pair.interval} />
      </td>
      <td>
        {pair.controlled === null ? (
          "–"
        ) : (
          <>
            <Rate value={pair.controlled} interval={pair.controlledInterval} />
            {pair.extrapolated && (
              <span className="small warning" title={t("extrapolated")}>
                (!) <span className="sr-only">{t("extrapolated")}</span>
              </span>
            )}
          </>
        )}
      </td>
      <td className="number">{pair.wins}</td>
      <td className="number">{pair.ties}</td>
      <td className="number">{pair.losses}</td>
      <td className="number">{pair.p === null ? "–" : pair.p < 0.001 ? pair.p.toExponential(0) : pair.p.toFixed(3)}</td>
    </tr>
  );
}

// A rate with its interval on a scale from 0 to 1, half marked.
function Rate({ value, interval }: { value: number; interval: [number, number] | null }) {
  const t = useTexts(texts);
  return (
    <span className="rate">
      <span className="track" aria-hidden>
        {interval && <span className="range" style={{ left: `${100 * Math.max(0, interval[0])}%`, right: `${100 - 100 * Math.min(1, interval[1])}%` }} />}
        <span className="dot" style={{ left: `${100 * value}%` }} />
      </span>
      <span className="text">
        {percent(value)}
        {interval && <span className="small muted">{t("interval", { low: percent(interval[0]), high: percent(interval[1]) })}</span>}
      </span>
    </span>
  );
}
