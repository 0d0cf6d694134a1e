import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { CornerDownLeft, MessageSquare, Search, SquarePen } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useLocation } from "wouter";
import { api } from "@/api/client";
import type { SearchHit } from "@/api/types";
import { useConversations } from "@/chat/queries";
import { useFormats, useTexts } from "@/i18n";
import { Dialog, ErrorBox, Spinner } from "@/ui";
import { Snippet } from "./snippet";
import { texts } from "./texts";

interface Row {
  key: string;
  href: string;
  id?: string;
  icon: ReactNode;
  title: ReactNode;
  detail?: ReactNode;
  end?: string;
}

export function SearchDialog({ onClose }: { onClose: () => void }) {
  const t = useTexts(texts);
  const formats = useFormats();
  const [, navigate] = useLocation();
  const [text, setText] = useState("");
  const [q, setQ] = useState("");
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const recent = useConversations(false);

  useEffect(() => {
    const timer = setTimeout(() => setQ(text.trim()), 180);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => setChosen(0), [q]);

  const query = useQuery({
    queryKey: ["search", q],
    queryFn: ({ signal }) => api.get<{ hits: SearchHit[] }>(`/search?q=${encodeURIComponent(q)}&limit=30`, { signal }),
    enabled: q !== "",
    placeholderData: keepPreviousData,
  });
  const hits = q ? (query.data?.hits ?? []) : [];

  const rows: Row[] = q
    ? hits.map((hit) => ({
        key: hit.message ?? `title-${hit.conversation}`,
        id: hit.message ?? hit.conversation,
        href: hit.message ? `/c/${hit.conversation}?m=${hit.message}` : `/c/${hit.conversation}`,
        icon: <MessageSquare size={16} />,
        title: <span className="truncate">{hit.message ? hit.title || t("untitled") : <Snippet text={hit.snippet} />}</span>,
        detail: hit.message && (
          <>
            <b>{hit.role === "user" ? t("you") : t("model")}: </b>
            <Snippet text={hit.snippet} />
          </>
        ),
        end: formats.date(hit.created),
      }))
    : [
        { key: "new", href: "/", icon: <SquarePen size={16} />, title: t("newChat") },
        ...(recent.data?.pages[0]?.conversations.slice(0, 8) ?? []).map((one) => ({
          key: one.id,
          href: `/c/${one.id}`,
          icon: <MessageSquare size={16} />,
          title: <span className="truncate">{one.title || t("untitled")}</span>,
          end: formats.date(one.updated),
        })),
      ];

  const open = (row: Row | undefined) => {
    if (!row) return;
    onClose();
    navigate(row.href);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && rows.length) {
      event.preventDefault();
      const next = (chosen + step + rows.length) % rows.length;
      setChosen(next);
      list.current?.children[next]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(rows[chosen]);
    }
  };

  return (
    <Dialog title={t("searchTitle")} onClose={onClose} wide testId="search-dialog">
      <div className="search">
        <div className="search-field">
          {query.isFetching ? <Spinner /> : <Search size={18} aria-hidden />}
          <input
            autoFocus
            type="text"
            inputMode="search"
            autoComplete="off"
            role="combobox"
            aria-expanded={rows.length > 0}
            aria-controls="search-results"
            aria-activedescendant={rows[chosen] ? `search-row-${chosen}` : undefined}
            aria-label={t("searchTitle")}
            placeholder={t("searchPlaceholder")}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKeyDown}
            data-testid="search-input"
          />
        </div>
        {query.isError && q && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
        <ul ref={list} id="search-results" role="listbox" aria-label={q ? t("results", { n: hits.length }) : t("recent")}>
          {rows.map((row, index) => (
            <li
              key={row.key}
              id={`search-row-${index}`}
              role="option"
              aria-selected={index === chosen}
              onPointerMove={() => setChosen(index)}
              onClick={() => open(row)}
              data-testid={row.id ? "search-hit" : undefined}
              data-id={row.id}
            >
              <span className="icon">{row.icon}</span>
              <span className="words">
                <span className="title">
                  {row.title}
                  {row.end && <span className="end">{row.end}</span>}
                </span>
                {row.detail && <span className="detail">{row.detail}</span>}
              </span>
              {index === chosen && <CornerDownLeft size={14} className="enter" aria-hidden />}
            </li>
          ))}
        </ul>
        <p className="sr-only" role="status">
          {q && !query.isFetching ? t("results", { n: hits.length }) : ""}
        </p>
        {q && !query.isFetching && !query.isError && hits.length === 0 && <p className="muted search-none">{t("searchNone", { q })}</p>}
      </div>
    </Dialog>
  );
}
