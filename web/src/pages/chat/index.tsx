import { RotateCcw } from "lucide-react";
import { useCallback, useEffect, useRef, useState, type DragEvent } from "react";
import { useSearch } from "wouter";
import { ApiError } from "@/api/client";
import type { Preset } from "@/api/types";
import { useTexts } from "@/i18n";
import { plainText } from "@/markdown/blocks";
import { Button, Empty, ErrorBox, Loading, Notice, useErrorText, useToast } from "@/ui";
import { Composer, type ComposerHandle } from "./composer";
import { EmptyState } from "./empty_state";
import { ChatHeader } from "./header";
import { texts } from "./texts";
import { Transcript } from "./transcript";
import { useChat, type Outgoing, type SendProblem } from "./use_chat";
import "./chat.css";
import "./composer.css";

export function ChatPage({ id }: { id: string | null }) {
  const t = useTexts(texts);
  const toast = useToast();
  const chat = useChat(id);
  const composer = useRef<ComposerHandle>(null);
  const [dragging, setDragging] = useState(false);
  const depth = useRef(0);
  const target = new URLSearchParams(useSearch()).get("m");
  const empty = id === null && !chat.pending;

  useEffect(() => {
    document.title = id && chat.conversation?.title ? `${chat.conversation.title} · parley` : "parley";
  }, [id, chat.conversation?.title]);

  const { send, branch, change, clearProblem } = chat;
  const leaf = branch.at(-1)?.id ?? null;
  const onSend = useCallback((outgoing: Outgoing) => send(outgoing, leaf), [send, leaf]);
  const onPreset = useCallback(
    (preset: Preset) => {
      if (preset.system || Object.keys(preset.params).length) change({ system: preset.system, params: preset.params });
      toast(t("presetUsed", { title: preset.title }));
    },
    [change, toast, t],
  );

  const files = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  const drag = {
    onDragEnter: (event: DragEvent) => {
      if (!files(event)) return;
      depth.current++;
      setDragging(true);
    },
    onDragLeave: (event: DragEvent) => {
      if (files(event) && --depth.current <= 0) setDragging(false);
    },
    onDragOver: (event: DragEvent) => files(event) && event.preventDefault(),
    onDrop: (event: DragEvent) => {
      depth.current = 0;
      setDragging(false);
      if (!files(event)) return;
      event.preventDefault();
      composer.current?.addFiles([...event.dataTransfer.files]);
    },
  };

  return (
    <div className="chat" {...drag} data-testid="chat">
      <ChatHeader chat={chat} />
      <div className={`chat-body ${empty ? "is-empty" : ""}`}>
        {empty ? (
          <EmptyState untaught={!chat.models.some((one) => one.chat)} onPick={(text) => composer.current?.fill(text)} />
        ) : chat.missing ? (
          <Empty title={t("notFound")} />
        ) : chat.query.isError && !chat.conversation ? (
          <div className="column">
            <ErrorBox error={chat.query.error} onRetry={() => void chat.query.refetch()} />
          </div>
        ) : id && !chat.conversation ? (
          <Loading />
        ) : (
          <Transcript key={id ?? "new"} chat={chat} target={target} />
        )}
        {!chat.missing && (
          <div className="composer-area">
            {chat.problem && (
              <Problem
                problem={chat.problem}
                onRetry={async () => {
                  if (await onSend(chat.problem!.outgoing)) composer.current?.fill("");
                }}
                onClose={clearProblem}
              />
            )}
            <Composer
              id={id}
              ref={composer}
              busy={chat.streaming}
              sending={!!chat.pending}
              disabled={chat.models.length === 0 || (id !== null && !chat.conversation)}
              onSend={onSend}
              onStop={chat.stop}
              onType={clearProblem}
              onPreset={onPreset}
            />
            <p className="disclaimer">{t("disclaimer")}</p>
          </div>
        )}
      </div>
      {/* Says once what there is to know, not each token. */}
      <div className="sr-only" role="status" aria-live="polite" data-testid="answer-status">
        {plainText(chat.announcement)}
      </div>
      {dragging && (
        <div className="drop-veil" aria-hidden>
          {t("dropHere")}
        </div>
      )}
    </div>
  );
}

function Problem({ problem, onRetry, onClose }: { problem: SendProblem; onRetry: () => void; onClose: () => void }) {
  const t = useTexts(texts);
  const say = useErrorText();
  const { error } = problem;
  const quota = error instanceof ApiError && error.code === "quota";
  const busy = error instanceof ApiError && (error.status === 429 || error.status === 503 || error.status === 0);
  return (
    <Notice
      tone={busy ? "warning" : "danger"}
      className="send-problem"
      data-testid="send-problem"
      actions={
        <>
          {!quota && (
            <Button small onClick={onRetry} data-testid="send-retry">
              <RotateCcw size={14} />
              {t("retry")}
            </Button>
          )}
          <Button small kind="ghost" onClick={onClose}>
            {t("close")}
          </Button>
        </>
      }
    >
      {say(error)}
    </Notice>
  );
}
