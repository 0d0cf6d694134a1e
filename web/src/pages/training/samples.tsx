import { useMemo, useState } from "react";
import type { Run } from "@/api/types";
import { useTexts } from "@/i18n";
import { Markdown } from "@/markdown";
import { Button, ErrorBox, Loading, Segmented } from "@/ui";
import { sampleParts } from "./options";
import { texts } from "./texts";
import { isLive, useSamples } from "./use_runs";

const kFirst = 4;

export function Samples({ runs }: { runs: Run[] }) {
  const t = useTexts(texts);
  const [chosen, setChosen] = useState("");
  const [count, setCount] = useState(kFirst);
  const run = runs.find((one) => one.name === chosen) ?? runs[0];
  const query = useSamples(run?.name, run !== undefined && isLive(run));
  const parts = useMemo(() => sampleParts(query.data ?? ""), [query.data]);
  return (
    <div className="stack samples" data-testid="samples">
      {runs.length > 1 && run && (
        <Segmented
          label={t("samplesOf")}
          value={run.name}
          onChange={(name) => {
            setChosen(name);
            setCount(kFirst);
          }}
          options={runs.map((one) => ({ value: one.name, label: one.name }))}
        />
      )}
      {query.isPending && <Loading />}
      {query.isError && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && parts.length === 0 && <p className="muted">{t("noSamples")}</p>}
      {parts.slice(0, count).map((part, i) => (
        <article key={parts.length - i} className="sample">
          <Markdown text={part} />
        </article>
      ))}
      {parts.length > count && (
        <Button className="load-more" onClick={() => setCount(count + 10)} data-testid="samples-more">
          {t("earlier")}
        </Button>
      )}
    </div>
  );
}
