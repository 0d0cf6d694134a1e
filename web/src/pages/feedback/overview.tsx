import { GitCompareArrows, MessageSquareHeart, PencilLine, ThumbsDown, ThumbsUp } from "lucide-react";
import { useId, useState, type ReactNode } from "react";
import { useSession } from "@/api/session";
import type { FeedbackStats } from "@/api/types";
import { useFormats, useLanguage, useTexts } from "@/i18n";
import { Card, Empty, ErrorBox, Loading, Segmented } from "@/ui";
import { lastDays, share, splitModel, today, top, totalOf, wilson } from "./stats";
import { texts } from "./texts";
import { useStats } from "./use_stats";

export function Overview() {
  const t = useTexts(texts);
  const { user, usersEnabled } = useSession();
  const query = useStats();
  if (query.isPending) return <Loading />;
  if (query.isError) return <ErrorBox error={query.error} onRetry={() => void query.refetch()} />;
  const stats = query.data;
  const { counts } = stats;
  if (counts.up + counts.down + counts.comparisons + counts.corrections === 0)
    return (
      <Empty icon={<MessageSquareHeart size={24} />} title={t("none")}>
        {t("noneText")}
      </Empty>
    );
  return (
    <div className="stack feedback-overview">
      {usersEnabled && user?.role === "admin" && <p className="small muted">{t("everybodyNumbers")}</p>}
      <div className="tiles" data-testid="feedback-counts">
        <Tile icon={<ThumbsUp size={17} />} label={t("thumbsUp")} value={counts.up} tone="good" />
        <Tile icon={<ThumbsDown size={17} />} label={t("thumbsDown")} value={counts.down} tone="bad" />
        <Tile
          icon={<GitCompareArrows size={17} />}
          label={t("comparisons")}
          value={counts.comparisons}
          note={counts.ties > 0 ? `${t("ties")}: ${counts.ties}` : undefined}
          tone="neutral"
        />
        <Tile icon={<PencilLine size={17} />} label={t("corrections")} value={counts.corrections} tone="other" />
      </div>
      <Days days={stats.by_day} />
      <Models models={stats.by_model} />
      <Agreement agreement={stats.agreement} />
    </div>
  );
}

interface TileProps {
  icon: ReactNode;
  label: string;
  value: number;
  note?: string;
  tone: string;
}

function Tile({ icon, label, value, note, tone }: TileProps) {
  const formats = useFormats();
  return (
    <div className={`tile ${tone}`}>
      <span className="icon" aria-hidden>
        {icon}
      </span>
      <span className="value">{formats.number(value)}</span>
      <span className="small muted">
        {label}
        {note && <> · {note}</>}
      </span>
    </div>
  );
}

const kKinds = ["up", "down", "comparisons"] as const;

function Days({ days }: { days: FeedbackStats["by_day"] }) {
  const t = useTexts(texts);
  const language = useLanguage();
  const [count, setCount] = useState<"14" | "30" | "90">("30");
  const id = useId();
  const shown = lastDays(days, today(), Number(count));
  const most = top(shown);
  const short = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const name = (day: string) => short.format(Date.parse(`${day}T00:00:00Z`));
  const line = (day: FeedbackStats["by_day"][number]) =>
    totalOf(day) === 0 ? t("dayNothing", { day: name(day.day) }) : t("dayLine", { ...day, day: name(day.day) });
  return (
    <Card>
      <div className="row-wrap card-head">
        <h2 className="grow" id={id}>
          {t("byDay")}
        </h2>
        <Segmented
          label={t("byDay")}
          value={count}
          onChange={setCount}
          options={(["14", "30", "90"] as const).map((value) => ({ value, label: value }))}
          testId="feedback-days"
        />
      </div>
      <div className="legend small">
        {kKinds.map((kind) => (
          <span key={kind} className={`key ${kind}`}>
            {t(kind)}
          </span>
        ))}
      </div>
      <div className="days" role="img" aria-label={`${t("byDay")}, ${t("lastDays", { n: count })}`} data-testid="feedback-chart">
        <span className="axis top">{most}</span>
        <span className="axis middle">{most / 2}</span>
        <div className="bars">
          {shown.map((day) => (
            <div key={day.day} className="bar" title={line(day)}>
              {kKinds.map((kind) => day[kind] > 0 && <span key={kind} className={kind} style={{ height: `${(100 * day[kind]) / most}%` }} />)}
            </div>
          ))}
        </div>
      </div>
      <div className="ends small muted" aria-hidden>
        <span>{name(shown[0]!.day)}</span>
        <span>{name(shown.at(-1)!.day)}</span>
      </div>
      <details>
        <summary className="small">{t("asTable")}</summary>
        <div className="ui-table-wrap" tabIndex={0}>
          <table className="ui-table" aria-labelledby={id}>
            <thead>
              <tr>
                <th>{t("day")}</th>
                {kKinds.map((kind) => (
                  <th key={kind} className="number">
                    {t(kind)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown
                .filter((day) => totalOf(day) > 0)
                .reverse()
                .map((day) => (
                  <tr key={day.day}>
                    <td>{day.day}</td>
                    {kKinds.map((kind) => (
                      <td key={kind} className="number">
                        {day[kind]}
                      </td>
                    ))}
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      </details>
    </Card>
  );
}

function Models({ models }: { models: FeedbackStats["by_model"] }) {
  const t = useTexts(texts);
  if (models.length === 0) return null;
  return (
    <Card title={t("byModel")}>
      <div className="ui-table-wrap" tabIndex={0}>
        <table className="ui-table" aria-label={t("byModel")} data-testid="feedback-models">
          <thead>
            <tr>
              <th>{t("model")}</th>
              <th className="number">{t("up")}</th>
              <th className="number">{t("down")}</th>
              <th>{t("goodShare")}</th>
              <th className="number">{t("wins")}</th>
              <th className="number">{t("losses")}</th>
              <th>{t("winShare")}</th>
            </tr>
          </thead>
          <tbody>
            {models.map((model) => (
              <tr key={model.model}>
                <td className="model">
                  <ModelName model={model.model} />
                </td>
                <td className="number">{model.up}</td>
                <td className="number">{model.down}</td>
                <td>
                  <Share part={model.up} rest={model.down} />
                </td>
                <td className="number">{model.wins}</td>
                <td className="number">{model.losses}</td>
                <td>
                  <Share part={model.wins} rest={model.losses} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function ModelName({ model }: { model: string }) {
  const t = useTexts(texts);
  const { name, fingerprint } = splitModel(model);
  return (
    <>
      {name || t("unknownModel")}
      {fingerprint && <span className="fingerprint">{fingerprint.slice(0, 10)}</span>}
    </>
  );
}

// A share as a bar with its 95 % interval, so that 2 of 2 does not look better than 95 of 100.
function Share({ part, rest }: { part: number; rest: number }) {
  const t = useTexts(texts);
  const formats = useFormats();
  const value = share(part, rest);
  const interval = wilson(part, part + rest);
  if (value === null || !interval) return <span className="muted">–</span>;
  return (
    <span className="share" title={t("interval", { low: formats.percent(interval[0]), high: formats.percent(interval[1]) })}>
      <span className="track" aria-hidden>
        <span className="range" style={{ left: `${100 * interval[0]}%`, right: `${100 - 100 * interval[1]}%` }} />
        <span className="dot" style={{ left: `${100 * value}%` }} />
      </span>
      <span className="number">{formats.percent(value)}</span>
    </span>
  );
}

function Agreement({ agreement }: { agreement: FeedbackStats["agreement"] }) {
  const t = useTexts(texts);
  const formats = useFormats();
  return (
    <Card title={t("agreement")} data-testid="feedback-agreement">
      {agreement.share === null ? (
        <p className="small muted">{t("agreementNone")}</p>
      ) : (
        <div className="row agreement">
          <span className="value">{formats.percent(agreement.share)}</span>
          <span className="small muted">
            {t("agreementText", { n: agreement.pairs, agree: agreement.agree, share: formats.percent(agreement.share) })}
          </span>
        </div>
      )}
    </Card>
  );
}
