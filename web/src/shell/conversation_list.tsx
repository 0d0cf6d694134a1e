import { useEffect, useMemo, useRef, useState } from "react";
import type { Summary } from "@/api/types";
import { useConversations } from "@/chat/queries";
import { useLanguage, useTexts } from "@/i18n";
import { groupByDate, groupKey, type Group } from "@/lib/dates";
import { ErrorBox, Spinner } from "@/ui";
import { ConversationRow } from "./conversation_row";
import { texts } from "./texts";

interface Props {
  archived: boolean;
  current: string | null;
  onOpen: () => void;
}

// Conversations under their dates; more come as the end of the list is scrolled into view.
export function ConversationList({ archived, current, onOpen }: Props) {
  const t = useTexts(texts);
  const language = useLanguage();
  const query = useConversations(archived);
  const end = useRef<HTMLDivElement>(null);
  const [now, setNow] = useState(Date.now);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5 * 60_000);
    return () => clearInterval(timer);
  }, []);

  useEffect(() => {
    if (!end.current || !hasNextPage || isFetchingNextPage || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && void fetchNextPage(), {
      rootMargin: "300px",
    });
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);

  const groups = useMemo(() => {
    // A conversation that moved up between two pages would be there twice.
    const all = new Map<string, Summary>();
    for (const page of query.data?.pages ?? []) for (const one of page.conversations) if (!all.has(one.id)) all.set(one.id, one);
    return groupByDate([...all.values()], (one) => one.updated, Math.max(now, Date.now()));
  }, [query.data, now]);

  const name = (group: Group) =>
    group.kind === "of"
      ? new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { month: "long", year: "numeric" }).format(
          new Date(group.year, group.month, 1),
        )
      : t(group.kind);

  return (
    <nav className="conversations" aria-label={t(archived ? "archived" : "conversations")} data-testid="conversation-list">
      {query.isError && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && groups.length === 0 && <p className="none">{t(archived ? "noArchived" : "noConversations")}</p>}
      {groups.map(({ group, items }) => (
        <section key={groupKey(group)} aria-label={name(group)}>
          <h2>{name(group)}</h2>
          <ul>
            {items.map((one) => (
              <ConversationRow key={one.id} conversation={one} open={one.id === current} onOpen={onOpen} />
            ))}
          </ul>
        </section>
      ))}
      <div ref={end} className="end">
        {(isFetchingNextPage || query.isPending) && (
          <>
            <Spinner />
            <span className="sr-only">{t("loadMore")}</span>
          </>
        )}
      </div>
    </nav>
  );
}
