import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { GitCompareArrows, MessageSquareHeart, PencilLine, ThumbsDown, ThumbsUp, Trash2 } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { FeedbackKind, FeedbackRow } from "@/api/types";
import { useFormats, useTexts } from "@/i18n";
import { Badge, Button, Empty, ErrorBox, IconButton, Loading, Segmented, useConfirm, useErrorText, useToast } from "@/ui";
import { kBadReasons, kGoodReasons } from "../chat/feedback";
import { texts as chatTexts } from "../chat/texts";
import { splitModel } from "./stats";
import { texts } from "./texts";

type Kind = "all" | FeedbackKind;
type Reason = (typeof kGoodReasons)[number] | (typeof kBadReasons)[number];

// Reasons that the chat offers have words in both languages.
const isReason = (text: string): text is Reason => ([...kGoodReasons, ...kBadReasons] as string[]).includes(text);

export function Examples() {
  const t = useTexts(texts);
  const { user, usersEnabled } = useSession();
  const [kind, setKind] = useState<Kind>("all");
  const [whose, setWhose] = useState<"mine" | "everybody">("mine");
  const admin = usersEnabled && user?.role === "admin";
  const query = useInfiniteQuery({
    queryKey: ["feedback", "list", kind, whose],
    queryFn: ({ pageParam }) => {
      const search = new URLSearchParams({ limit: "20" });
      if (kind !== "all") search.set("kind", kind);
      if (whose === "everybody") search.set("all", "1");
      if (pageParam) search.set("before", pageParam);
      return api.get<{ feedback: FeedbackRow[]; next: string | null }>(`/feedback?${search}`);
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
  });
  const rows = query.data?.pages.flatMap((page) => page.feedback) ?? [];
  return (
    <div className="stack feedback-examples">
      <div className="row-wrap">
        <Segmented<Kind>
          label={t("kind")}
          value={kind}
          onChange={setKind}
          options={(["all", "rating", "comparison", "correction"] as const).map((value) => ({ value, label: t(value) }))}
          testId="feedback-kind"
        />
        <span className="grow" />
        {admin && (
          <Segmented
            label={t("whose")}
            value={whose}
            onChange={setWhose}
            options={[
              { value: "mine", label: t("mine") },
              { value: "everybody", label: t("everybody") },
            ]}
            testId="feedback-whose"
          />
        )}
      </div>
      {query.isPending && <Loading />}
      {query.isError && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <Empty icon={<MessageSquareHeart size={24} />} title={kind === "all" ? t("none") : t("noneKind")}>
          {t("noneText")}
        </Empty>
      )}
      {rows.map((row) => (
        <Example key={row.id} row={row} own={row.user === user?.id} />
      ))}
      {query.hasNextPage && (
        <Button
          className="load-more"
          disabled={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
          data-testid="feedback-more"
        >
          {t("loadMore")}
        </Button>
      )}
    </div>
  );
}

function KindBadge({ row }: { row: FeedbackRow }) {
  const t = useTexts(texts);
  if (row.kind === "rating")
    return row.rating > 0 ? (
      <Badge tone="success">
        <ThumbsUp size={13} aria-hidden /> {t("ratingUp")}
      </Badge>
    ) : (
      <Badge tone="danger">
        <ThumbsDown size={13} aria-hidden /> {t("ratingDown")}
      </Badge>
    );
  if (row.kind === "comparison")
    return (
      <Badge tone="accent">
        <GitCompareArrows size={13} aria-hidden /> {row.tie ? t("tied") : t("compared")}
      </Badge>
    );
  return (
    <Badge tone="warning">
      <PencilLine size={13} aria-hidden /> {t("corrected")}
    </Badge>
  );
}

function Example({ row, own }: { row: FeedbackRow; own: boolean }) {
  const t = useTexts(texts);
  const tc = useTexts(chatTexts);
  const formats = useFormats();
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const say = useErrorText();
  const remove = async () => {
    if (!(await confirm({ title: t("deleteTitle"), text: t("deleteText"), action: t("deleteAction"), danger: true }))) return;
    try {
      await api.delete(`/feedback/${row.id}`);
      toast(t("deleted"));
    } catch (error) {
      toast(say(error), { danger: true });
    }
    void client.invalidateQueries({ queryKey: ["feedback"] });
  };
  return (
    <article className="example" data-testid="feedback-example" data-id={row.id} data-kind={row.kind}>
      <div className="row-wrap">
        <KindBadge row={row} />
        {row.reasons.map((reason) => (
          <Badge key={reason}>{isReason(reason) ? tc(reason) : reason}</Badge>
        ))}
        <span className="grow small muted meta">
          {[splitModel(row.model).name, formats.dateTime(row.created)].filter(Boolean).join(" · ")}
        </span>
        {own && (
          <IconButton small label={t("delete")} onClick={() => void remove()} data-testid="feedback-delete">
            <Trash2 size={15} />
          </IconButton>
        )}
      </div>
      {row.prompt && <Passage label={t("prompt")} text={row.prompt} className="question" />}
      {row.kind === "comparison" ? (
        <div className="two">
          <Passage label={row.tie ? t("first") : t("chosen")} text={row.answer} className={row.tie ? "" : "good"} />
          <Passage label={row.tie ? t("second") : t("rejected")} text={row.other} className={row.tie ? "" : "bad"} />
        </div>
      ) : row.kind === "correction" ? (
        <div className="two">
          <Passage label={t("answer")} text={row.answer} className="bad" />
          <Passage label={t("correctedTo")} text={row.text} className="good" />
        </div>
      ) : (
        <Passage label={t("answer")} text={row.answer} className={row.rating > 0 ? "good" : "bad"} />
      )}
      {row.comment && <Passage label={t("comment")} text={row.comment} />}
    </article>
  );
}

const kShown = 420;

function Passage({ label, text, className = "" }: { label: string; text: string; className?: string }) {
  const t = useTexts(texts);
  const [open, setOpen] = useState(false);
  const long = text.length > kShown + 80;
  return (
    <div className={`quote ${className}`}>
      <div className="label">{label}</div>
      <div className="text">{long && !open ? `${text.slice(0, kShown).replace(/[\ud800-\udbff]$/, "")}…` : text}</div>
      {long && (
        <button type="button" className="toggle small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? t("less") : t("more")}
        </button>
      )}
    </div>
  );
}
