import { useQuery } from "@tanstack/react-query";
import { FileText } from "lucide-react";
import { api, ApiError } from "@/api/client";
import type { Citation, Passage } from "@/api/types";
import { useTexts } from "@/i18n";
import { Dialog, Notice } from "@/ui";
import { texts } from "./texts";

// The passage that an answer refers to.
export function CitationDialog({ citation, onClose }: { citation: Citation; onClose: () => void }) {
  const t = useTexts(texts);
  const query = useQuery({
    queryKey: ["passage", citation.document, citation.passage],
    queryFn: ({ signal }) => api.get<Passage>(`/documents/${citation.document}/passages/${citation.passage}`, { signal }),
    staleTime: Infinity,
  });
  const page = query.data?.page ?? citation.page;
  const line = query.data?.start_line ?? 0;
  return (
    <Dialog title={t("sourceTitle", { n: citation.number })} onClose={onClose} wide testId="citation-dialog">
      <div className="stack">
        <p className="row-wrap small muted">
          <FileText size={15} aria-hidden />
          <b>{citation.name}</b>
          <span>{page > 0 ? t("page", { n: page }) : line > 0 ? t("line", { n: line }) : t("passage", { n: citation.passage + 1 })}</span>
        </p>
        {query.error instanceof ApiError && query.error.status === 404 && <Notice>{t("sourceGone")}</Notice>}
        <blockquote className="passage">{query.data?.text ?? citation.text}</blockquote>
      </div>
    </Dialog>
  );
}
