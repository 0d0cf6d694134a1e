import { AlertCircle, FileText, MoreHorizontal, PenLine, Play, RefreshCw, RotateCcw, ThumbsDown, ThumbsUp, WifiOff } from "lucide-react";
import { useCallback, useState } from "react";
import type { Citation, Message } from "@/api/types";
import { useLive } from "@/chat/live";
import { useConversationActions } from "@/chat/queries";
import { useFormats, useTexts } from "@/i18n";
import { Markdown } from "@/markdown";
import { Button, IconButton, Menu, MenuHeading, MenuItem, MenuSeparator, useErrorText, useToast } from "@/ui";
import { CitationDialog } from "./citation_dialog";
import { CorrectionDialog, RatingPanel } from "./feedback";
import { BranchSwitcher, CopyButton } from "./message_parts";
import { texts } from "./texts";
import { UsedMemories } from "./used_memories";
import type { Chat } from "./use_chat";

// The text of an answer with what belongs to it; also one half of a pair.
export function AnswerBody({ message }: { message: Message }) {
  const t = useTexts(texts);
  const live = useLive(message.id);
  const [citation, setCitation] = useState<Citation | null>(null);
  const open = useCallback((one: Citation) => setCitation(one), []);
  const writing = message.status === "streaming";
  const text = live?.text ?? message.content;
  return (
    <>
      <div className="answer" data-testid="message-content" aria-busy={writing}>
        {text ? (
          <Markdown text={text} live={writing} citations={message.citations} onCitation={open} />
        ) : (
          writing && (
            <div className="waiting">
              <span aria-hidden />
              <span aria-hidden />
              <span aria-hidden />
              <span className="sr-only">{t("waiting")}</span>
            </div>
          )
        )}
      </div>
      {live?.lost && (
        <p className="mark warning" role="status">
          <WifiOff size={14} aria-hidden />
          {t("reconnecting")}
        </p>
      )}
      {!writing && message.citations.length > 0 && (
        <div className="sources">
          <span className="muted">{t("sources")}</span>
          {message.citations.map((one) => (
            <button key={one.number} type="button" onClick={() => open(one)} data-testid="source">
              <b>{one.number}</b>
              <FileText size={13} aria-hidden />
              <span className="truncate">{one.name}</span>
              {one.page > 0 && <span className="muted">{t("page", { n: one.page })}</span>}
            </button>
          ))}
        </div>
      )}
      {citation && <CitationDialog citation={citation} onClose={() => setCitation(null)} />}
    </>
  );
}

export function AssistantMessage({ chat, message, last }: { chat: Chat; message: Message; last: boolean }) {
  const writing = message.status === "streaming";
  return (
    <div className="assistant-turn">
      <AnswerBody message={message} />
      {!writing && <Marks chat={chat} message={message} last={last} />}
      {writing ? <div className="actions placeholder" /> : <Actions chat={chat} message={message} />}
    </div>
  );
}

// How an answer ended, when not as it should, and what can be done about it.
function Marks({ chat, message, last }: { chat: Chat; message: Message; last: boolean }) {
  const t = useTexts(texts);
  const busy = chat.streaming || !!chat.pending;
  const goOn = (
    <Button small onClick={() => chat.goOn(message)} disabled={busy} data-testid="continue">
      <Play size={14} />
      {t("continue")}
    </Button>
  );
  const retry = (
    <Button small onClick={() => chat.again(message)} disabled={busy} data-testid="retry">
      <RotateCcw size={14} />
      {t("retry")}
    </Button>
  );
  if (message.status === "error")
    return (
      <div className="mark-box danger" role="alert" data-testid="message-error">
        <AlertCircle size={16} aria-hidden />
        <span className="grow">
          {t("error")}
          {message.error ? `: ${message.error}` : ""}
        </span>
        {retry}
      </div>
    );
  if (message.status === "interrupted")
    return (
      <div className="mark-box warning" data-testid="message-error">
        <AlertCircle size={16} aria-hidden />
        <span className="grow">{t("interrupted")}</span>
        {message.content && last ? goOn : null}
        {retry}
      </div>
    );
  if (message.status === "stopped")
    return (
      <div className="mark">
        {t("stopped")}
        {last && message.content && goOn}
      </div>
    );
  if (message.content.trim() === "")
    return (
      <div className="mark" data-testid="message-empty">
        {t("emptyAnswer")}
        {retry}
      </div>
    );
  if (message.finish === "length")
    return (
      <div className="mark">
        {t("length")}
        {last && goOn}
      </div>
    );
  return null;
}

function Actions({ chat, message }: { chat: Chat; message: Message }) {
  const t = useTexts(texts);
  const say = useErrorText();
  const toast = useToast();
  const formats = useFormats();
  const actions = useConversationActions();
  const [panel, setPanel] = useState(false);
  const [correcting, setCorrecting] = useState(false);
  const busy = chat.streaming || !!chat.pending;
  const rating = message.feedback.find((one) => one.kind === "rating");
  const correction = message.feedback.find((one) => one.kind === "correction");
  const preferred = message.feedback.some((one) => one.kind === "comparison" && one.message === message.id && !one.tie);

  const rate = async (value: 1 | -1) => {
    try {
      if (rating?.rating === value) {
        setPanel(false);
        await actions.removeFeedback(message, rating);
      } else {
        setPanel(true);
        await actions.addFeedback(message, { kind: "rating", message: message.id, rating: value });
      }
    } catch (error) {
      setPanel(false);
      toast(say(error), { danger: true });
    }
  };
  const seconds = (ms: number) => formats.fixed(ms / 1000, 1);
  const total = message.total_ms ?? 0;
  const first = message.first_token_ms ?? 0;
  const speed = total > first ? message.answer_tokens / ((total - first) / 1000) : 0;

  return (
    <>
      <div className="actions">
        <BranchSwitcher chat={chat} message={message} />
        <CopyButton text={message.content} />
        <IconButton small label={t("good")} aria-pressed={rating?.rating === 1} disabled={!message.content} onClick={() => void rate(1)} data-testid="rate-up">
          <ThumbsUp size={16} />
        </IconButton>
        <IconButton small label={t("bad")} aria-pressed={rating?.rating === -1} disabled={!message.content} onClick={() => void rate(-1)} data-testid="rate-down">
          <ThumbsDown size={16} />
        </IconButton>
        <IconButton small label={t("regenerate")} disabled={busy} onClick={() => chat.again(message)} data-testid="regenerate">
          <RefreshCw size={16} />
        </IconButton>
        <Menu
          trigger={(props) => (
            <IconButton small label={t("more")} {...props} data-testid="message-more">
              <MoreHorizontal size={16} />
            </IconButton>
          )}
        >
          <MenuItem icon={<PenLine size={16} />} onSelect={() => setTimeout(() => setCorrecting(true))} testId="suggest-answer">
            {t("suggest")}
          </MenuItem>
          {chat.models.length > 0 && (
            <>
              <MenuSeparator />
              <MenuHeading>{t("regenerateWith")}</MenuHeading>
              {chat.models.map((model) => (
                <MenuItem
                  key={model.id}
                  icon={<RefreshCw size={15} />}
                  disabled={busy}
                  onSelect={() => chat.again(message, { model: model.id })}
                  testId="regenerate-option"
                >
                  {model.id}
                </MenuItem>
              ))}
            </>
          )}
          <MenuSeparator />
          <div className="message-info" data-testid="message-info">
            <div>{message.model}</div>
            <div>{formats.dateTime(message.created)}</div>
            {message.answer_tokens > 0 && (
              <div>{t("infoTokens", { prompt: formats.number(message.prompt_tokens), answer: formats.number(message.answer_tokens) })}</div>
            )}
            {total > 0 && (
              <div>
                {t("infoTime", { first: seconds(first), all: seconds(total) })}
                {speed > 0 && ` · ${t("infoSpeed", { n: formats.fixed(speed, speed < 10 ? 1 : 0) })}`}
              </div>
            )}
          </div>
        </Menu>
        <UsedMemories message={message} />
        {preferred && <span className="chip-note">{t("preferred")}</span>}
        {correction && <span className="chip-note">{t("suggestOwn")}</span>}
      </div>
      {panel && rating && (
        <RatingPanel
          key={rating.rating}
          rating={rating}
          onClose={() => setPanel(false)}
          onSend={async (reasons, comment) => {
            setPanel(false);
            try {
              await actions.addFeedback(message, { kind: "rating", message: message.id, rating: rating.rating, reasons, comment });
              toast(t("ratingSent"));
            } catch (error) {
              toast(say(error), { danger: true });
            }
          }}
        />
      )}
      {correcting && (
        <CorrectionDialog
          initial={correction?.text || message.content}
          onClose={() => setCorrecting(false)}
          onSend={async (text) => {
            await actions.addFeedback(message, { kind: "correction", message: message.id, text });
            toast(t("suggestSent"));
          }}
        />
      )}
    </>
  );
}
