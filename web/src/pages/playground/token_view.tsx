// An answer token by token, coloured by probability. One token takes part in the tab order; arrow keys move among
// them. Hover and focus show the alternatives, a click or Enter keeps them open.
import { memo, useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useTexts } from "@/i18n";
import { texts } from "./texts";
import {
  decode,
  level,
  percent,
  pieces,
  probability,
  readable,
  rest,
  visible,
  type Alternative,
  type Piece,
  type Token,
} from "./tokens";

interface TokenViewProps {
  tokens: Token[];
  running: boolean;
  label: string;
  // Goes on from before a token with another one; absent where that cannot be.
  onBranch?: (before: Token[], instead: Alternative) => void;
}

export function TokenView({ tokens, running, label, onBranch }: TokenViewProps) {
  const t = useTexts(texts);
  const id = useId();
  const shown = useMemo(() => pieces(tokens), [tokens]);
  const [active, setActive] = useState<number | null>(null);
  const [pinned, setPinned] = useState(false);
  const [tab, setTab] = useState(0); // the token that Tab goes to
  const root = useRef<HTMLDivElement>(null);
  const popup = useRef<HTMLDivElement>(null);

  const hide = useCallback(() => {
    setActive(null);
    setPinned(false);
  }, []);
  useEffect(() => {
    if (!pinned) return;
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) hide();
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [pinned, hide]);
  // Another answer: what was open is no more.
  useEffect(() => {
    if (tokens.length === 0) {
      hide();
      setTab(0);
    }
  }, [tokens.length, hide]);

  const indexOf = (target: EventTarget): number | null => {
    const element = (target as HTMLElement).closest<HTMLElement>("[data-piece]");
    return element && root.current?.contains(element) ? Number(element.dataset.piece) : null;
  };
  const elementAt = (index: number) => root.current?.querySelector<HTMLElement>(`[data-piece="${index}"]`);

  const onKeyDown = (event: KeyboardEvent) => {
    const index = indexOf(event.target);
    if (event.key === "Escape" && active !== null) {
      event.stopPropagation();
      const back = active;
      hide();
      elementAt(back)?.focus();
      setActive(null);
      return;
    }
    if (index === null) return;
    let to: number | null = null;
    if (event.key === "ArrowRight") to = index + 1;
    else if (event.key === "ArrowLeft") to = index - 1;
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = shown.length - 1;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") to = vertical(index, event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      setActive(index);
      setPinned(true);
      requestAnimationFrame(() => popup.current?.querySelector<HTMLElement>("button")?.focus());
      return;
    }
    if (to === null) return;
    event.preventDefault();
    setPinned(false);
    elementAt(Math.max(0, Math.min(shown.length - 1, to)))?.focus();
  };

  // The token in the line above or below that is nearest.
  const vertical = (index: number, direction: 1 | -1): number => {
    const from = elementAt(index)?.getBoundingClientRect();
    if (!from) return index;
    let best = index;
    let line: number | null = null;
    let distance = Infinity;
    for (let i = index + direction; i >= 0 && i < shown.length; i += direction) {
      const at = elementAt(i)!.getBoundingClientRect();
      if (Math.abs(at.top - from.top) < 4) continue;
      if (line !== null && Math.abs(at.top - line) >= 4) break;
      line = at.top;
      const away = Math.abs(at.left - from.left);
      if (away < distance) [best, distance] = [i, away];
    }
    return best;
  };

  const open = active !== null ? shown[active] : undefined;
  return (
    <div
      className="tokens"
      ref={root}
      role="group"
      aria-label={label}
      aria-describedby={`${id}-keys`}
      data-testid="tokens"
      onKeyDown={onKeyDown}
      onPointerOver={(event) => {
        if (pinned || event.pointerType === "touch") return;
        const index = indexOf(event.target);
        if (index !== null) setActive(index);
      }}
      onPointerLeave={(event) => {
        if (!pinned && event.pointerType !== "touch") setActive(null);
      }}
      onFocus={(event) => {
        const index = indexOf(event.target);
        if (index === null) return;
        setTab(index);
        if (!pinned) setActive(index);
      }}
      onBlur={(event) => {
        if (!pinned && !root.current?.contains(event.relatedTarget as Node | null)) setActive(null);
      }}
      onClick={(event) => {
        const index = indexOf(event.target);
        if (index === null) return;
        if (pinned && active === index) return hide();
        setActive(index);
        setPinned(true);
      }}
    >
      <span className="sr-only" id={`${id}-keys`}>
        {t("keys")}
      </span>
      <div className="tokens-text" aria-busy={running}>
        {shown.map((piece, i) => (
          <PieceView
            key={i}
            index={i}
            text={piece.text}
            level={level(piece.logprob)}
            label={
              piece.logprob === null
                ? t("tokenOfUnknown", { n: i + 1, all: shown.length, text: visible(piece.text) })
                : t("tokenOf", { n: i + 1, all: shown.length, text: visible(piece.text), percent: percent(piece.logprob) })
            }
            focusable={i === Math.min(tab, shown.length - 1)}
            active={i === active}
            described={i === active ? `${id}-popup` : undefined}
          />
        ))}
        {running && <span className="tokens-caret" aria-hidden />}
      </div>
      {open && active !== null && (
        <Popup
          id={`${id}-popup`}
          ref={popup}
          anchor={() => elementAt(active)}
          piece={open}
          pinned={pinned}
          onBranch={
            onBranch &&
            ((part, instead) => {
              const before = shown.slice(0, active).flatMap((piece) => piece.tokens);
              hide();
              onBranch(before.concat(open.tokens.slice(0, part)), instead);
            })
          }
        />
      )}
    </div>
  );
}

interface PieceViewProps {
  index: number;
  text: string;
  level: number;
  label: string;
  focusable: boolean;
  active: boolean;
  described?: string;
}

const PieceView = memo(function PieceView({ index, text, level, label, focusable, active, described }: PieceViewProps) {
  return (
    <span
      role="button"
      data-piece={index}
      data-level={level}
      data-testid="token"
      className={active ? "token active" : "token"}
      tabIndex={focusable ? 0 : -1}
      aria-label={label}
      aria-describedby={described}
    >
      {withMarks(text)}
    </span>
  );
});

// Line breaks take no room: a mark makes them something to point at.
function withMarks(text: string) {
  if (!text.includes("\n")) return text;
  return text.split("\n").map((line, i) => (
    <span key={i}>
      {i > 0 && (
        <>
          <span className="token-break" aria-hidden>
            ↵
          </span>
          {"\n"}
        </>
      )}
      {line}
    </span>
  ));
}

interface PopupProps {
  id: string;
  ref: React.Ref<HTMLDivElement>;
  anchor: () => HTMLElement | null | undefined;
  piece: Piece;
  pinned: boolean;
  onBranch?: (part: number, instead: Alternative) => void;
}

function Popup({ id, ref, anchor, piece, pinned, onBranch }: PopupProps) {
  const t = useTexts(texts);
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  useLayoutEffect(() => {
    const at = anchor();
    const element = box.current;
    const parent = element?.offsetParent;
    if (!at || !element || !parent) return;
    // The last of its lines, when it is on two.
    const rects = at.getClientRects();
    const from = rects[rects.length - 1] ?? at.getBoundingClientRect();
    const inside = parent.getBoundingClientRect();
    const left = Math.max(0, Math.min(from.left - inside.left - 8, inside.width - element.offsetWidth));
    let top = from.bottom - inside.top + 6;
    if (from.bottom + element.offsetHeight + 12 > window.innerHeight && from.top > element.offsetHeight + 60)
      top = from.top - inside.top - element.offsetHeight - 6;
    setPlace({ left, top });
  }, [piece, pinned, anchor]);
  const known = piece.tokens.some((token) => token.top.length > 0);
  return (
    <div
      className="token-popup"
      id={id}
      ref={(element) => {
        box.current = element;
        if (typeof ref === "function") ref(element);
        else if (ref) ref.current = element;
      }}
      role={pinned ? "dialog" : "tooltip"}
      aria-label={t("alternatives")}
      style={place}
      data-testid="token-popup"
    >
      <div className="head">
        <code>{visible(piece.text)}</code>
        {piece.logprob !== null && <strong>{percent(piece.logprob)}</strong>}
      </div>
      {piece.tokens.length > 1 && <p className="muted">{t("parts", { n: piece.tokens.length })}</p>}
      {piece.tokens.map((token, part) => (
        <ul key={part} aria-label={t("alternatives")}>
          {token.top.map((one) => (
            <AlternativeView
              key={one.text}
              one={one}
              onBranch={
                // Half a character cannot be part of a prompt.
                pinned && onBranch && !one.chosen && part === 0 && decode(one.bytes) !== undefined
                  ? () => onBranch(part, one)
                  : undefined
              }
            />
          ))}
          {token.top.length > 0 && rest(token.top) >= 0.0005 && (
            <li className="muted">
              <span className="bar" style={{ inlineSize: `${100 * rest(token.top)}%` }} />
              <span className="text">{t("others")}</span>
              <span className="percent">{percent(Math.log(rest(token.top)))}</span>
            </li>
          )}
        </ul>
      ))}
      {known && !pinned && <p className="muted">{t("pinHint")}</p>}
      {known && pinned && onBranch && <p className="muted">{t("branchHint")}</p>}
    </div>
  );
}

function AlternativeView({ one, onBranch }: { one: Alternative; onBranch?: () => void }) {
  const t = useTexts(texts);
  const inside = (
    <>
      <span className="bar" style={{ inlineSize: `${100 * probability(one.logprob)}%` }} />
      <code className="text">{visible(readable(one.bytes))}</code>
      {one.chosen && <span className="chosen">{t("chosen")}</span>}
      <span className="percent">{percent(one.logprob)}</span>
    </>
  );
  if (!onBranch) return <li className={one.chosen ? "is-chosen" : ""}>{inside}</li>;
  return (
    <li>
      <button
        type="button"
        onClick={(event) => {
          event.stopPropagation();
          onBranch();
        }}
        title={t("branch", { text: visible(readable(one.bytes)) })}
        data-testid="token-branch"
      >
        {inside}
      </button>
    </li>
  );
}
