import { FileText, Pencil, RotateCcw } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { useSession } from "@/api/session";
import type { Message } from "@/api/types";
import { isTouch, sends } from "@/chat/keys";
import { useTexts } from "@/i18n";
import { Button, IconButton } from "@/ui";
import { MemoryNotices } from "./memory_notices";
import { BranchSwitcher, CopyButton } from "./message_parts";
import { texts } from "./texts";
import type { Chat } from "./use_chat";

const kLong = 2400; // characters; longer ones are folded

export function UserMessage({ chat, message, last }: { chat: Chat; message: Message; last: boolean }) {
  const t = useTexts(texts);
  const [editing, setEditing] = useState(false);
  const [whole, setWhole] = useState(false);
  const long = message.content.length > kLong || message.content.split("\n").length > 40;
  const busy = chat.streaming || !!chat.pending;
  if (editing)
    return (
      <EditBox
        initial={message.content}
        onCancel={() => setEditing(false)}
        onSend={(content) => {
          setEditing(false);
          void chat.send({ content, documents: message.documents, answers: 1 }, message.parent);
        }}
      />
    );
  return (
    <div className="user-turn">
      {message.documents.length > 0 && (
        <ul className="attachments" aria-label={t("attachments")}>
          {message.documents.map((document) => (
            <li key={document.id} className="ready">
              <FileText size={15} aria-hidden />
              <span className="truncate">{document.name}</span>
            </li>
          ))}
        </ul>
      )}
      {/* What the user wrote is shown as it was written. */}
      <div className={`bubble ${long && !whole ? "folded" : ""}`} data-testid="message-content">
        {message.content}
      </div>
      {long && (
        <Button small kind="ghost" aria-expanded={whole} onClick={() => setWhole(!whole)} data-testid="message-unfold">
          {t(whole ? "less" : "all")}
        </Button>
      )}
      <div className="actions">
        <BranchSwitcher chat={chat} message={message} />
        <CopyButton text={message.content} />
        <IconButton small label={t("edit")} onClick={() => setEditing(true)} disabled={busy} data-testid="edit">
          <Pencil size={15} />
        </IconButton>
      </div>
      <MemoryNotices message={message} />
      {last && !busy && !chat.tree.children.has(message.id) && (
        <Button small onClick={() => chat.again(message)} data-testid="retry">
          <RotateCcw size={14} />
          {t("answerThis")}
        </Button>
      )}
    </div>
  );
}

function EditBox({ initial, onSend, onCancel }: { initial: string; onSend: (text: string) => void; onCancel: () => void }) {
  const t = useTexts(texts);
  const { settings } = useSession();
  const [text, setText] = useState(initial);
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const box = area.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 420)}px`;
  }, [text]);
  return (
    <div className="edit-box">
      <textarea
        ref={area}
        className="ui-input"
        aria-label={t("editLabel")}
        value={text}
        autoFocus
        onFocus={(event) => event.target.setSelectionRange(initial.length, initial.length)}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && !event.nativeEvent.isComposing) onCancel();
          if (!sends(event, settings.send_with_enter, isTouch()) || !text.trim()) return;
          event.preventDefault();
          onSend(text.trim());
        }}
        data-testid="edit-input"
      />
      <div className="row-wrap">
        <span className="muted small grow">{t("editHint")}</span>
        <Button small onClick={onCancel} data-testid="edit-cancel">
          {t("cancel")}
        </Button>
        <Button small kind="primary" disabled={!text.trim()} onClick={() => onSend(text.trim())} data-testid="edit-send">
          {t("sendEdit")}
        </Button>
      </div>
    </div>
  );
}
