import { useMemo, useState } from "react";
import type { Run } from "@/api/types";
import { useTexts } from "@/i18n";
import { Switch } from "@/ui";
import { optionRows } from "./options";
import { texts } from "./texts";

// config.json of the runs side by side.
export function Options({ runs }: { runs: Run[] }) {
  const t = useTexts(texts);
  const [only, setOnly] = useState(false);
  const rows = useMemo(() => optionRows(runs.map((run) => run.config)), [runs]);
  const several = runs.length > 1;
  const shown = several && only ? rows.filter((row) => row.differs) : rows;
  return (
    <div className="stack run-options">
      {several && <Switch label={t("onlyDifferences")} checked={only} onChange={setOnly} data-testid="options-differences" />}
      {shown.length === 0 ? (
        <p className="muted">{several && only ? t("noDifferences") : "–"}</p>
      ) : (
        <div className="ui-table-wrap" tabIndex={0}>
          <table className="ui-table" data-testid="options">
            <thead>
              <tr>
                <th>{t("option")}</th>
                {runs.map((run) => (
                  <th key={run.name}>{run.name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <tr key={row.key} className={several && row.differs ? "differs" : ""}>
                  <th scope="row" className="mono">
                    {row.key}
                    {several && row.differs && <span className="sr-only"> ({t("differs")})</span>}
                  </th>
                  {row.values.map((value, i) => (
                    <td key={i} className="mono">
                      {value ?? "–"}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
