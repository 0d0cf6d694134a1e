import { FileJson, Upload } from "lucide-react";
import { useRef, useState } from "react";
import { api, ApiError } from "@/api/client";
import type { ImportReport } from "@/api/types";
import { useConversationActions } from "@/chat/queries";
import { useTexts } from "@/i18n";
import { Button, Dialog, Notice, useErrorText } from "@/ui";
import { batches, ImportError, readImport, titleOf } from "./import_data";
import { texts } from "./texts";

interface State {
  step: "choose" | "reading" | "sending" | "done";
  done: number;
  total: number;
  report: ImportReport;
  error: string;
}

const kNothing: ImportReport = { imported: 0, skipped: 0, problems: [] };
const kStart: State = { step: "choose", done: 0, total: 0, report: kNothing, error: "" };
const kShownProblems = 20;

export function ImportDialog({ onClose }: { onClose: () => void }) {
  const t = useTexts(texts);
  const say = useErrorText();
  const actions = useConversationActions();
  const input = useRef<HTMLInputElement>(null);
  const stopped = useRef(false);
  const [state, setState] = useState<State>(kStart);
  const [over, setOver] = useState(false);

  const run = async (file: File) => {
    stopped.current = false;
    setState({ ...kStart, step: "reading" });
    let report = kNothing;
    let done = 0;
    try {
      const { items, wrap } = readImport(await file.text());
      for (const batch of batches(items)) {
        if (stopped.current) break;
        setState({ step: "sending", done, total: items.length, report, error: "" });
        try {
          const part = await api.post<ImportReport>("/import", wrap(batch));
          report = {
            imported: report.imported + part.imported,
            skipped: report.skipped + part.skipped,
            problems: [...report.problems, ...part.problems],
          };
        } catch (error) {
          // What the server refuses costs this part, not the rest of the file.
          if (!(error instanceof ApiError) || ![400, 413].includes(error.status)) throw error;
          const problem =
            error.status === 413 && batch[0] ? t("importTooLarge", { title: titleOf(batch[0]) }) : error.message;
          report = { ...report, skipped: report.skipped + batch.length, problems: [...report.problems, problem] };
        }
        done += batch.length;
      }
      setState({ step: "done", done, total: items.length, report, error: "" });
    } catch (error) {
      const kinds = { not_json: t("importNotJson"), unknown: t("importUnknown"), empty: t("importEmpty") };
      const text = error instanceof ImportError ? kinds[error.kind] : t("importStopped", { error: say(error) });
      setState({ step: "done", done, total: 0, report, error: text });
    }
    actions.refreshLists();
  };

  const busy = state.step === "reading" || state.step === "sending";
  const close = () => {
    stopped.current = true;
    onClose();
  };
  return (
    <Dialog
      title={t("importTitle")}
      onClose={close}
      testId="import-dialog"
      footer={
        state.step === "done" ? (
          <>
            <Button onClick={() => setState(kStart)}>{t("importAgain")}</Button>
            <Button kind="primary" onClick={close}>
              {t("close")}
            </Button>
          </>
        ) : (
          busy && <Button onClick={() => (stopped.current = true)}>{t("cancel")}</Button>
        )
      }
    >
      {state.step === "choose" && (
        <div className="stack">
          <p className="muted small">{t("importText")}</p>
          <div
            className={`import-drop ${over ? "over" : ""}`}
            onDragOver={(event) => {
              event.preventDefault();
              setOver(true);
            }}
            onDragLeave={() => setOver(false)}
            onDrop={(event) => {
              event.preventDefault();
              event.stopPropagation();
              setOver(false);
              const file = event.dataTransfer.files[0];
              if (file) void run(file);
            }}
          >
            <FileJson size={30} aria-hidden />
            <Button kind="primary" onClick={() => input.current?.click()} autoFocus>
              <Upload size={16} />
              {t("importChoose")}
            </Button>
            <span className="muted small">{t("importDrop")}</span>
          </div>
          <input
            ref={input}
            type="file"
            accept=".json,application/json"
            hidden
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file) void run(file);
              event.target.value = "";
            }}
            data-testid="import-file"
          />
        </div>
      )}
      {busy && (
        <div className="stack" role="status">
          <p>{state.step === "reading" ? t("importReading") : t("importSending", { done: state.done, n: state.total })}</p>
          <progress className="import-progress" max={state.total || 1} value={state.step === "sending" ? state.done : undefined} />
        </div>
      )}
      {state.step === "done" && (
        <div className="stack" data-testid="import-report">
          {state.error && <Notice tone="danger">{state.error}</Notice>}
          {(state.report.imported > 0 || !state.error) && <Notice tone="success">{t("importDone", { n: state.report.imported })}</Notice>}
          {state.report.problems.length > 0 && (
            <div className="small">
              <p>{t("importSkipped", { n: Math.max(state.report.skipped, state.report.problems.length) })}</p>
              <ul className="import-problems">
                {state.report.problems.slice(0, kShownProblems).map((problem, index) => (
                  <li key={index}>{problem}</li>
                ))}
                {state.report.problems.length > kShownProblems && (
                  <li>{t("importMoreProblems", { n: state.report.problems.length - kShownProblems })}</li>
                )}
              </ul>
            </div>
          )}
        </div>
      )}
    </Dialog>
  );
}
