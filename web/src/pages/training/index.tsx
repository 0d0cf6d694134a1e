import { Search } from "lucide-react";
import { lazy, Suspense, useId, useState } from "react";
import type { Run } from "@/api/types";
import { useTexts } from "@/i18n";
import { recall, remember } from "@/lib/storage";
import { Badge, Button, ErrorBox, Input, Loading, Page, TabPanel, Tabs } from "@/ui";
import { How } from "./how";
import { numberOf, short } from "./metrics";
import { Options } from "./options_table";
import { Samples } from "./samples";
import { texts } from "./texts";
import { isLive, useRuns } from "./use_runs";
import { WinRates } from "./win_rates";
import "./training.css";

const Curves = lazy(() => import("./curves"));

type Tab = "curves" | "samples" | "winrates" | "config";

const kKept = "training.runs";

function keptRuns(): string[] {
  try {
    const kept: unknown = JSON.parse(recall(kKept) ?? "[]");
    return Array.isArray(kept) ? kept.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}

export default function TrainingPage() {
  const t = useTexts(texts);
  const query = useRuns();
  return (
    <Page title={t("title")} wide testId="page-training">
      {query.isPending ? (
        <Loading />
      ) : query.isError && !query.data ? (
        <ErrorBox error={query.error} onRetry={() => void query.refetch()} />
      ) : !query.data?.configured ? (
        <How title={t("notConfigured")} text={t("notConfiguredText")} command="parley serve --model MODEL --runs runs" testId="training-not-configured" />
      ) : query.data.runs.length === 0 ? (
        <How
          title={t("noRuns")}
          text={t("noRunsText")}
          command="parley pretrain --preset mini --data FOLDER --out runs/first"
          testId="training-no-runs"
        />
      ) : (
        <Board runs={query.data.runs} />
      )}
    </Page>
  );
}

function Board({ runs }: { runs: Run[] }) {
  const t = useTexts(texts);
  const [tab, setTab] = useState<Tab>("curves");
  const [chosen, setChosen] = useState<string[]>(() => {
    // Runs may go; when none of those that were kept is there, the newest is shown.
    const kept = keptRuns().filter((name) => runs.some((run) => run.name === name));
    return kept.length > 0 ? kept : [runs[0]!.name];
  });
  const shown = chosen.flatMap((name) => runs.find((run) => run.name === name) ?? []);
  const names = shown.map((run) => run.name);
  const choose = (next: string[]) => {
    setChosen(next);
    remember(kKept, JSON.stringify(next));
  };
  const toggle = (name: string) => choose(names.includes(name) ? names.filter((one) => one !== name) : [...names, name]);

  return (
    <div className="training">
      <RunList runs={runs} shown={names} onToggle={toggle} onOnly={(name) => choose([name])} />
      <div className="training-main">
        <Tabs<Tab>
          label={t("title")}
          value={tab}
          onChange={setTab}
          tabs={[
            { value: "curves", label: t("curves") },
            { value: "samples", label: t("samples") },
            { value: "config", label: t("config") },
            { value: "winrates", label: t("winrates") },
          ]}
        />
        <TabPanel value={tab}>
          {tab === "winrates" ? (
            <WinRates />
          ) : shown.length === 0 ? (
            <p className="muted choose">
              <span className="if-wide">{t("chooseRun")}</span>
              <span className="if-narrow">{t("chooseRunNarrow")}</span>
            </p>
          ) : tab === "curves" ? (
            <Suspense fallback={<Loading />}>
              <Curves runs={shown} />
            </Suspense>
          ) : tab === "samples" ? (
            <Samples runs={shown} />
          ) : (
            <Options runs={shown} />
          )}
        </TabPanel>
      </div>
    </div>
  );
}

interface RunListProps {
  runs: Run[];
  shown: string[];
  onToggle: (name: string) => void;
  onOnly: (name: string) => void;
}

function RunList({ runs, shown, onToggle, onOnly }: RunListProps) {
  const t = useTexts(texts);
  const id = useId();
  const [search, setSearch] = useState("");
  const found = runs.filter((run) => `${run.name} ${run.stage}`.toLowerCase().includes(search.trim().toLowerCase()));
  return (
    <section className="run-list" aria-labelledby={id}>
      <h2 id={id}>{t("runs")}</h2>
      {runs.length > 8 && (
        <div className="run-search">
          <Search size={15} aria-hidden />
          <Input
            type="search"
            value={search}
            aria-label={t("searchRuns")}
            placeholder={t("searchRuns")}
            onChange={(event) => setSearch(event.target.value)}
            data-testid="runs-search"
          />
        </div>
      )}
      <ul data-testid="runs">
        {found.map((run) => {
          const place = shown.indexOf(run.name);
          return <RunLine key={run.name} run={run} place={place} onToggle={() => onToggle(run.name)} onOnly={() => onOnly(run.name)} />;
        })}
      </ul>
    </section>
  );
}

// Colours of the curves, in the order in which runs were chosen.
const kColors = 6;

interface RunLineProps {
  run: Run;
  place: number; // among those shown; −1: not shown
  onToggle: () => void;
  onOnly: () => void;
}

function RunLine({ run, place, onToggle, onOnly }: RunLineProps) {
  const t = useTexts(texts);
  const step = numberOf(run.last.step);
  const headline = (["reward", "val_loss", "loss"] as const).find((key) => numberOf(run.last[key]) !== null);
  const done = step !== null && run.steps > step ? (100 * step) / run.steps : null;
  return (
    <li className={place >= 0 ? "run shown" : "run"} data-testid="run" data-name={run.name}>
      <label>
        <input
          type="checkbox"
          checked={place >= 0}
          aria-label={t("compare", { name: run.name })}
          onChange={onToggle}
          data-testid="run-check"
          style={place >= 0 ? { accentColor: `var(--chart-${(place % kColors) + 1})` } : undefined}
        />
        <span className="grow">
          <span className="name">{run.name}</span>
          <span className="facts small muted">
            {run.stage && <Badge>{run.stage}</Badge>}
            {isLive(run) ? <Badge tone="success">● {t("live")}</Badge> : <Ago time={run.updated} />}
          </span>
          <span className="facts small muted">
            {step !== null && (run.steps > step ? t("stepsOf", { n: short(step), all: short(run.steps) }) : t("steps", { n: short(step) }))}
            {headline && (
              <span>
                {headline} {short(numberOf(run.last[headline]))}
              </span>
            )}
          </span>
          {done !== null && isLive(run) && (
            <span className="progress" aria-hidden>
              <span style={{ inlineSize: `${done}%` }} />
            </span>
          )}
        </span>
      </label>
      <Button small kind="ghost" className="only" onClick={onOnly} data-testid="run-only">
        {t("only")}
      </Button>
    </li>
  );
}

function Ago({ time }: { time: number }) {
  const t = useTexts(texts);
  const minutes = Math.max(0, Math.round((Date.now() - time) / 60_000));
  if (minutes < 60) return <span>{t("updated", { ago: t("minutesAgo", { n: minutes }) })}</span>;
  if (minutes < 48 * 60) return <span>{t("updated", { ago: t("hoursAgo", { n: Math.round(minutes / 60) }) })}</span>;
  return <span>{new Date(time).toLocaleDateString()}</span>;
}
