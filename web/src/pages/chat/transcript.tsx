// The branch that is shown, as a virtual list: only what is near the window is in the document, so that a thousand turns
// scroll like ten.
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, Scissors } from "lucide-react";
import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Message, TurnSummary } from "@/api/types";
import { useFormats, useTexts } from "@/i18n";
import { AssistantMessage } from "./assistant_message";
import { Pair } from "./pair";
import { texts } from "./texts";
import type { Chat } from "./use_chat";
import { UserMessage } from "./user_message";

type Row =
  | { kind: "message"; key: string; message: Message }
  | { kind: "pair"; key: string; pair: [Message, Message] }
  | { kind: "pending"; key: string; content: string };

const kWhole = 40; // rows; shorter conversations are in the document as a whole, so that the browser's search finds all
const kNear = 60; // px from the end that count as the end

interface Props {
  chat: Chat;
  target: string | null; // a message to show
}

export function Transcript({ chat, target }: Props) {
  const t = useTexts(texts);
  const box = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const pinned = useRef(true); // follows the end
  const lastTop = useRef(0);
  const [away, setAway] = useState(false);
  const [marked, setMarked] = useState<string | null>(null);
  const { branch, pair, pending } = chat;

  const rows = useMemo<Row[]>(() => {
    let shown = branch;
    // An edited message takes the place of what it branches off from.
    if (pending) {
      const at = pending.parent === null ? 0 : branch.findIndex((one) => one.id === pending.parent) + 1;
      shown = branch.slice(0, at);
    } else if (pair) shown = branch.slice(0, -1);
    return [
      ...shown.map((message): Row => ({ kind: "message", key: message.id, message })),
      ...(pair && !pending ? [{ kind: "pair", key: `pair-${pair[0].id}`, pair } as Row] : []),
      ...(pending ? [{ kind: "pending", key: "pending", content: pending.content } as Row] : []),
    ];
  }, [branch, pair, pending]);

  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => {
      const row = rows[index];
      if (row?.kind !== "message") return 200;
      const { content, role } = row.message;
      return 70 + Math.ceil(content.length / (role === "user" ? 50 : 70)) * 25;
    },
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: rows.length <= kWhole ? rows.length : 5,
  });
  const items = virtualizer.getVirtualItems();
  const total = virtualizer.getTotalSize();

  const toEnd = useCallback(() => {
    const element = box.current;
    if (!element) return;
    element.scrollTop = element.scrollHeight;
    lastTop.current = element.scrollTop;
  }, []);

  // Whatever makes the list longer, the end stays in view while it is followed.
  useLayoutEffect(() => {
    if (pinned.current && !target) toEnd();
  }, [total, rows.length, toEnd, target]);
  useEffect(() => {
    if (!inner.current || !box.current) return;
    const observer = new ResizeObserver(() => pinned.current && toEnd());
    observer.observe(inner.current);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [toEnd]);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (rest < kNear) pinned.current = true;
    else if (element.scrollTop < lastTop.current - 2) pinned.current = false;
    lastTop.current = element.scrollTop;
    setAway(!pinned.current && rest > 240);
  };

  // One's own message is always looked at.
  const own = rows.length > 0 && rows.at(-1)?.kind === "pending";
  useEffect(() => {
    if (!own) return;
    pinned.current = true;
    setAway(false);
    toEnd();
  }, [own, toEnd]);

  // A search result: its branch, its place, and a moment's colour.
  const { showMessage } = chat;
  const index = target ? rows.findIndex((row) => row.kind === "message" && row.message.id === target) : -1;
  const shownTarget = useRef<string | null>(null);
  useEffect(() => {
    if (!target || shownTarget.current === target) return;
    if (index < 0) return void showMessage(target);
    shownTarget.current = target;
    pinned.current = false;
    setMarked(target);
    virtualizer.scrollToIndex(index, { align: "center" });
    const again = setTimeout(() => virtualizer.scrollToIndex(index, { align: "center" }), 120);
    const fade = setTimeout(() => setMarked(null), 2600);
    return () => {
      clearTimeout(again);
      clearTimeout(fade);
    };
  }, [target, index, showMessage, virtualizer]);

  // The latest summary of this branch stands for all before it; without one, the last answer says what was left out.
  const { summary, dropped } = useMemo(() => {
    const all = new Map((chat.conversation?.summaries ?? []).map((one) => [one.before, one]));
    const summarised = [...branch].reverse().find((message) => all.has(message.id));
    const left = summarised ? undefined : [...branch].reverse().find((message) => message.dropped > 0);
    return { summary: summarised && all.get(summarised.id), dropped: left?.id };
  }, [chat.conversation?.summaries, branch]);

  return (
    <div className="transcript-wrap">
      <div ref={box} className="transcript" onScroll={onScroll} tabIndex={0} role="region" aria-label={t("transcript")} data-testid="transcript">
        <div ref={inner} className="transcript-inner" style={{ height: total }}>
          <div className="transcript-rows" style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
            {items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              return (
                <div key={item.key} ref={virtualizer.measureElement} data-index={item.index} className="transcript-row">
                  <RowView
                    chat={chat}
                    row={row}
                    summary={row.key === summary?.before ? summary : undefined}
                    dropped={row.key === dropped}
                    last={item.index === rows.length - 1}
                    marked={row.key === marked}
                  />
                </div>
              );
            })}
          </div>
        </div>
      </div>
      {away && (
        <button
          type="button"
          className="jump"
          aria-label={t("jump")}
          title={t("jump")}
          onClick={() => {
            pinned.current = true;
            setAway(false);
            virtualizer.scrollToIndex(rows.length - 1, { align: "end" });
            requestAnimationFrame(toEnd);
          }}
          data-testid="jump-to-latest"
        >
          <ArrowDown size={18} />
        </button>
      )}
    </div>
  );
}

interface RowProps {
  chat: Chat;
  row: Row;
  summary: TurnSummary | undefined;
  dropped: boolean;
  last: boolean;
  marked: boolean;
}

const RowView = memo(
  function RowView({ chat, row, summary, dropped, last, marked }: RowProps) {
    const t = useTexts(texts);
    if (row.kind === "pair") return <Pair chat={chat} pair={row.pair} />;
    if (row.kind === "pending")
      return (
        <article className="message user pending" data-testid="message" data-role="user" data-status="pending" aria-label={t("pending")}>
          <div className="user-turn">
            <div className="bubble">{row.content}</div>
          </div>
          <div className="assistant-turn">
            <div className="waiting">
              <span aria-hidden />
              <span aria-hidden />
              <span aria-hidden />
            </div>
          </div>
        </article>
      );
    const { message } = row;
    const user = message.role === "user";
    return (
      <>
        {summary && <SummaryNotice summary={summary} />}
        {dropped && (
          <p className="turn-notice" data-testid="dropped-notice">
            <Scissors size={14} aria-hidden />
            {t("dropped", { n: message.dropped })}
          </p>
        )}
        <article
          className={`message ${message.role} ${marked ? "marked" : ""}`}
          aria-label={t(user ? "you" : "assistant")}
          data-testid="message"
          data-id={message.id}
          data-role={message.role}
          data-status={message.status}
        >
          {user ? <UserMessage chat={chat} message={message} last={last} /> : <AssistantMessage chat={chat} message={message} last={last} />}
        </article>
      </>
    );
  },
  // Of the chat, a row shows what changes with these.
  (a, b) =>
    a.row.key === b.row.key &&
    (a.row.kind === "message" && b.row.kind === "message"
      ? a.row.message === b.row.message
      : a.row.kind === "pair" && b.row.kind === "pair"
        ? a.row.pair[0] === b.row.pair[0] && a.row.pair[1] === b.row.pair[1]
        : a.row.kind === "pending" && b.row.kind === "pending" && a.row.content === b.row.content) &&
    a.summary === b.summary &&
    a.dropped === b.dropped &&
    a.last === b.last &&
    a.marked === b.marked &&
    a.chat.tree === b.chat.tree &&
    a.chat.streaming === b.chat.streaming &&
    a.chat.pending === b.chat.pending &&
    a.chat.models === b.chat.models &&
    a.chat.send === b.chat.send,
);

function SummaryNotice({ summary }: { summary: TurnSummary }) {
  const t = useTexts(texts);
  const formats = useFormats();
  return (
    <details className="summary-notice" data-testid="summary-notice">
      <summary>
        <Scissors size={14} aria-hidden />
        {t("summarised")}
        <span className="muted">{t("summaryTokens", { n: formats.number(summary.tokens) })}</span>
      </summary>
      <p>{summary.text}</p>
    </details>
  );
}
