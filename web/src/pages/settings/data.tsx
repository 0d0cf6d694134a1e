import { useQueryClient } from "@tanstack/react-query";
import { Download, Trash2, Upload } from "lucide-react";
import { useRef, useState } from "react";
import { api, href } from "@/api/client";
import type { ImportReport } from "@/api/types";
import { useTexts } from "@/i18n";
import { Button, Card, Notice, Spinner, useConfirm, useErrorText, useToast } from "@/ui";
import { texts } from "./texts";

type Outcome = { report: ImportReport } | { problem: string };

export function DataSection() {
  const t = useTexts(texts);
  const say = useErrorText();
  const toast = useToast();
  const confirm = useConfirm();
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);

  const importFile = async (file: File) => {
    setBusy(true);
    setOutcome(null);
    try {
      let json: unknown;
      try {
        json = JSON.parse(await file.text());
      } catch {
        return setOutcome({ problem: t("notJson", { name: file.name }) });
      }
      const report = await api.post<ImportReport>("/import", json);
      setOutcome({ report });
      void client.invalidateQueries({ queryKey: ["conversations"] });
    } catch (error) {
      setOutcome({ problem: say(error) });
    } finally {
      setBusy(false);
    }
  };
  const deleteAll = async () => {
    const yes = await confirm({ title: t("deleteAllTitle"), text: t("deleteAllText"), action: t("deleteAllAction"), danger: true });
    if (!yes) return;
    try {
      await api.delete("/conversations");
      client.removeQueries({ queryKey: ["conversation"] });
      void client.invalidateQueries({ queryKey: ["conversations"] });
      toast(t("allDeleted"));
    } catch (error) {
      toast(say(error), { danger: true });
    }
  };

  return (
    <Card title={t("data")}>
      <div className="setting">
        <span>
          {t("exportAll")}
          <span className="small muted">{t("exportHint")}</span>
        </span>
        <a className="ui-button small" href={href("/export")} download="parley-chats.json" data-testid="settings-export">
          <Download size={15} /> {t("export")}
        </a>
      </div>
      <div className="setting">
        <span>
          {t("import")}
          <span className="small muted">{t("importHint")}</span>
        </span>
        <input
          ref={input}
          type="file"
          accept=".json,application/json"
          hidden
          data-testid="settings-import-file"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = "";
            if (file) void importFile(file);
          }}
        />
        <Button small disabled={busy} onClick={() => input.current?.click()} data-testid="settings-import">
          {busy ? <Spinner /> : <Upload size={15} />} {busy ? t("importing") : t("chooseFile")}
        </Button>
      </div>
      <div aria-live="polite">
        {outcome && "problem" in outcome && (
          <Notice tone="danger" data-testid="settings-import-problem">
            {outcome.problem}
          </Notice>
        )}
        {outcome && "report" in outcome && <Report report={outcome.report} />}
      </div>
      <div className="setting">
        <span>
          {t("deleteAll")}
          <span className="small muted">{t("deleteAllHint")}</span>
        </span>
        <Button small kind="danger" onClick={() => void deleteAll()} data-testid="settings-delete-all">
          <Trash2 size={15} /> {t("deleteAllButton")}
        </Button>
      </div>
    </Card>
  );
}

function Report({ report }: { report: ImportReport }) {
  const t = useTexts(texts);
  const left = report.skipped > 0 || report.problems.length > 0;
  return (
    <Notice tone={report.imported === 0 ? "warning" : "success"} data-testid="settings-import-report">
      {t("imported", { n: report.imported })}
      {left && ` · ${t("skipped", { n: report.skipped })}`}
      {report.problems.length > 0 && (
        <ul className="problems">
          {report.problems.slice(0, 20).map((problem, i) => (
            <li key={i}>{problem}</li>
          ))}
          {report.problems.length > 20 && <li>…</li>}
        </ul>
      )}
    </Notice>
  );
}
