import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useState, type KeyboardEvent } from "react";
import { api } from "@/api/client";
import type { Document, Passage } from "@/api/types";
import { useTexts } from "@/i18n";
import { Dialog, ErrorBox, IconButton, Input, Loading } from "@/ui";
import { texts } from "./texts";

interface PassagesDialogProps {
  document: Pick<Document, "id" | "name" | "passages">;
  start?: number; // from 0
  onClose: () => void;
}

// The passages of a file, one at a time: what the model may be given of it.
export function PassagesDialog({ document, start = 0, onClose }: PassagesDialogProps) {
  const t = useTexts(texts);
  const [number, setNumber] = useState(start);
  const [typed, setTyped] = useState<string | null>(null);
  const all = Math.max(1, document.passages);
  const go = (to: number) => {
    setTyped(null);
    setNumber(Math.max(0, Math.min(all - 1, to)));
  };
  const query = useQuery({
    queryKey: ["passage", document.id, number],
    queryFn: () => api.get<Passage>(`/documents/${document.id}/passages/${number}`),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
  const passage = query.data;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLInputElement) return;
    if (event.key === "ArrowRight") go(number + 1);
    if (event.key === "ArrowLeft") go(number - 1);
  };
  return (
    <Dialog
      title={document.name}
      wide
      onClose={onClose}
      testId="passages-dialog"
      footer={
        <div className="passage-foot" onKeyDown={onKeyDown}>
          <IconButton label={t("previous")} disabled={number === 0} onClick={() => go(number - 1)} data-testid="passage-previous">
            <ChevronLeft size={18} />
          </IconButton>
          <Input
            inputMode="numeric"
            aria-label={t("goTo")}
            value={typed ?? String(number + 1)}
            onChange={(event) => setTyped(event.target.value)}
            onBlur={() => typed !== null && (/^\d+$/.test(typed.trim()) ? go(Number(typed) - 1) : setTyped(null))}
            onKeyDown={(event) => {
              if (event.key === "Enter") event.currentTarget.blur();
            }}
            data-testid="passage-number"
          />
          <span className="small muted grow" aria-live="polite">
            {t("passage", { n: number + 1, all })}
            {passage && passage.page > 0 && ` · ${t("page", { n: passage.page })}`}
            {passage && passage.page === 0 && passage.start_line > 0 && ` · ${t("line", { n: passage.start_line })}`}
          </span>
          <IconButton label={t("next")} disabled={number >= all - 1} onClick={() => go(number + 1)} data-testid="passage-next">
            <ChevronRight size={18} />
          </IconButton>
        </div>
      }
    >
      <div onKeyDown={onKeyDown}>
        {query.isPending && <Loading />}
        {query.isError && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
        {passage && (
          <div className={query.isPlaceholderData ? "passage-text old" : "passage-text"} tabIndex={0} data-testid="passage-text">
            {passage.text}
          </div>
        )}
      </div>
    </Dialog>
  );
}
