import { ArrowUp, BookMarked, Columns2, FileText, Paperclip, Square, Upload, X } from "lucide-react";
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type ClipboardEvent, type Ref } from "react";
import { useSession } from "@/api/session";
import type { Preset } from "@/api/types";
import { useDraft } from "@/chat/draft";
import { isTouch, sends } from "@/chat/keys";
import { useDocuments, usePresets } from "@/chat/queries";
import { useAttachments } from "@/chat/uploads";
import { useLanguage, useTexts } from "@/i18n";
import { IconButton, Menu, MenuHeading, MenuItem, MenuLink, MenuSeparator, Spinner, useToast } from "@/ui";
import { texts } from "./texts";
import type { Outgoing } from "./use_chat";

export interface ComposerHandle {
  fill: (text: string) => void;
  addFiles: (files: Iterable<File>) => void;
  focus: () => void;
}

interface Props {
  id: string | null; // of the conversation
  ref?: Ref<ComposerHandle>;
  busy: boolean; // an answer is being written
  sending: boolean;
  disabled: boolean;
  onSend: (outgoing: Outgoing) => Promise<boolean>;
  onStop: () => void;
  onType: () => void;
  onPreset: (preset: Preset) => void;
}

const kHole = "{{text}}";

// The text of a preset with what was typed in it; and where the cursor goes.
export function fillTemplate(template: string, typed: string): { text: string; cursor: number } {
  const at = template.indexOf(kHole);
  if (at < 0) return { text: template + (typed && template ? "\n\n" : "") + typed, cursor: -1 };
  return { text: template.replaceAll(kHole, () => typed), cursor: at + typed.length };
}

export function Composer({ id, ref, busy, sending, disabled, onSend, onStop, onType, onPreset }: Props) {
  const t = useTexts(texts);
  const toast = useToast();
  const { settings, user } = useSession();
  const [text, setText] = useState("");
  const [two, setTwo] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const attachments = useAttachments();
  const place = id ?? "new";
  const draft = useDraft(place, user?.id ?? "");
  const { load } = draft;
  const touched = useRef(false);
  const { clear: clearAttachments } = attachments;

  // What was typed here before, unless somebody is already typing.
  useEffect(() => {
    let here = true;
    touched.current = false;
    setText("");
    clearAttachments();
    load().then(
      (saved) => here && !touched.current && setText(saved),
      () => {},
    );
    if (!isTouch()) area.current?.focus();
    return () => {
      here = false;
    };
  }, [place, load, clearAttachments]);

  useLayoutEffect(() => {
    const box = area.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }, [text]);

  const change = (next: string) => {
    touched.current = true;
    setText(next);
    draft.save(next);
    onType();
  };

  const put = (next: string, cursor = -1) => {
    change(next);
    requestAnimationFrame(() => {
      const box = area.current;
      if (!box) return;
      box.focus();
      const at = cursor < 0 ? next.length : cursor;
      box.setSelectionRange(at, at);
    });
  };

  useImperativeHandle(ref, () => ({ fill: put, addFiles: attachments.add, focus: () => area.current?.focus() }));

  const uploading = attachments.list.some((one) => one.state === "uploading");
  const ready = attachments.list.flatMap((one) => (one.document ? [one.document] : []));
  const canSend = text.trim() !== "" && !sending && !busy && !disabled;

  const send = async () => {
    if (!canSend) return;
    if (uploading) return toast(t("waitUploads"));
    const outgoing: Outgoing = {
      content: text.trim(),
      documents: ready.map(({ id: document, name }) => ({ id: document, name })),
      answers: two ? 2 : 1,
    };
    const before = text;
    touched.current = true;
    setText("");
    // Before the page moves on to the conversation that the message begins.
    draft.clear();
    if (await onSend(outgoing)) attachments.clear();
    else if (!area.current || area.current.value === "") {
      setText(before);
      draft.save(before);
    }
  };

  const paste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    // Office programs put a picture beside the text; the text is meant.
    if (!files.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    attachments.add(files);
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      data-testid="composer"
    >
      {attachments.list.length > 0 && (
        <ul className="attachments" aria-label={t("attachments")}>
          {attachments.list.map((one) => (
            <li key={one.key} className={one.state} data-testid="attachment" data-state={one.state} title={one.error ?? one.name}>
              {one.state === "uploading" ? <Spinner /> : <FileText size={15} aria-hidden />}
              <span className="truncate">{one.error ? `${one.name}: ${one.error}` : one.name}</span>
              {one.state === "uploading" && <span className="sr-only">{t("uploading", { name: one.name })}</span>}
              <button
                type="button"
                aria-label={t("removeFile", { name: one.name })}
                onClick={() => attachments.remove(one.key)}
                data-testid="attachment-remove"
              >
                <X size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <textarea
        ref={area}
        rows={1}
        value={text}
        aria-label={t("message")}
        placeholder={t("placeholder")}
        enterKeyHint={settings.send_with_enter && !isTouch() ? "send" : "enter"}
        maxLength={400_000}
        onChange={(event) => change(event.target.value)}
        onKeyDown={(event) => {
          if (!sends(event, settings.send_with_enter, isTouch())) return;
          event.preventDefault();
          void send();
        }}
        onPaste={paste}
        data-testid="composer-input"
      />
      <div className="composer-row">
        <input
          ref={input}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            attachments.add(event.target.files ?? []);
            event.target.value = "";
          }}
          data-testid="attach-input"
        />
        <AttachMenu onUpload={() => input.current?.click()} onPick={attachments.addDocument} />
        <PresetMenu
          onPick={(preset) => {
            onPreset(preset);
            if (preset.template) {
              const filled = fillTemplate(preset.template, text);
              put(filled.text, filled.cursor);
            } else area.current?.focus();
          }}
        />
        <IconButton label={t("twoAnswers")} aria-pressed={two} onClick={() => setTwo(!two)} data-testid="two-answers">
          <Columns2 size={18} />
        </IconButton>
        <span className="grow" />
        {busy ? (
          <button type="button" className="composer-send stop" aria-label={t("stopAnswer")} title={t("stopAnswer")} onClick={onStop} data-testid="stop">
            <Square size={13} fill="currentColor" />
          </button>
        ) : (
          <button type="submit" className="composer-send" aria-label={t("send")} title={t("send")} disabled={!canSend} data-testid="send">
            {sending ? <Spinner /> : <ArrowUp size={19} strokeWidth={2.4} />}
          </button>
        )}
      </div>
    </form>
  );
}

function AttachMenu({ onUpload, onPick }: { onUpload: () => void; onPick: ReturnType<typeof useAttachments>["addDocument"] }) {
  const t = useTexts(texts);
  const [asked, setAsked] = useState(false);
  const documents = useDocuments(asked);
  const recent = [...(documents.data ?? [])].sort((a, b) => b.created - a.created).slice(0, 12);
  return (
    <Menu
      trigger={({ onClick, ...props }) => (
        <IconButton
          label={t("attach")}
          {...props}
          onClick={(event) => {
            setAsked(true);
            onClick(event);
          }}
          data-testid="attach"
        >
          <Paperclip size={18} />
        </IconButton>
      )}
    >
      <MenuItem icon={<Upload size={16} />} onSelect={onUpload} testId="attach-upload">
        {t("upload")}
      </MenuItem>
      {recent.length > 0 && (
        <>
          <MenuSeparator />
          <MenuHeading>{t("myFiles")}</MenuHeading>
          {recent.map((document) => (
            <MenuItem key={document.id} icon={<FileText size={16} />} onSelect={() => onPick(document)} testId="attach-document">
              {document.name}
            </MenuItem>
          ))}
        </>
      )}
    </Menu>
  );
}

function PresetMenu({ onPick }: { onPick: (preset: Preset) => void }) {
  const t = useTexts(texts);
  const language = useLanguage();
  const [asked, setAsked] = useState(false);
  const presets = usePresets(asked);
  // One's own, then the built-in ones in the language of the page.
  const shown = (presets.data ?? [])
    .filter((one) => !one.builtin || !one.language || one.language === language)
    .sort((a, b) => Number(a.builtin) - Number(b.builtin));
  return (
    <Menu
      trigger={({ onClick, ...props }) => (
        <IconButton
          label={t("presets")}
          {...props}
          onClick={(event) => {
            setAsked(true);
            onClick(event);
          }}
          data-testid="preset-picker"
        >
          <BookMarked size={18} />
        </IconButton>
      )}
    >
      {shown.map((preset) => (
        <MenuItem key={preset.id} onSelect={() => onPick(preset)} testId="preset-option">
          {preset.title}
        </MenuItem>
      ))}
      {presets.data && shown.length === 0 && <MenuHeading>{t("noPresets")}</MenuHeading>}
      <MenuSeparator />
      <MenuLink href="/presets">{t("managePresets")}</MenuLink>
    </Menu>
  );
}
