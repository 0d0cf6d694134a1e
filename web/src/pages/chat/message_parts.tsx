// Parts that messages of both kinds have.
import { Check, ChevronLeft, ChevronRight, Copy } from "lucide-react";
import { useState } from "react";
import type { Message } from "@/api/types";
import { siblings } from "@/chat/tree";
import { useTexts } from "@/i18n";
import { copyText } from "@/lib/clipboard";
import { IconButton } from "@/ui";
import { texts } from "./texts";
import type { Chat } from "./use_chat";

export function CopyButton({ text }: { text: string }) {
  const t = useTexts(texts);
  const [copied, setCopied] = useState(false);
  return (
    <IconButton
      small
      label={t(copied ? "copied" : "copy")}
      onClick={async () => {
        if (!(await copyText(text))) return;
        setCopied(true);
        setTimeout(() => setCopied(false), 1600);
      }}
      data-testid="copy"
    >
      {copied ? <Check size={16} /> : <Copy size={16} />}
    </IconButton>
  );
}

// "2 / 3", where a message has other versions.
export function BranchSwitcher({ chat, message }: { chat: Chat; message: Message }) {
  const t = useTexts(texts);
  const all = siblings(chat.tree, message);
  if (all.length < 2) return null;
  const index = all.findIndex((one) => one.id === message.id);
  return (
    <span className="branches">
      <IconButton small label={t("previous")} disabled={index <= 0} onClick={() => chat.showVersion(message, -1)} data-testid="branch-previous">
        <ChevronLeft size={16} />
      </IconButton>
      <span data-testid="branch-count" aria-label={t("version", { n: index + 1, all: all.length })}>
        {index + 1} / {all.length}
      </span>
      <IconButton
        small
        label={t("next")}
        disabled={index >= all.length - 1}
        onClick={() => chat.showVersion(message, 1)}
        data-testid="branch-next"
      >
        <ChevronRight size={16} />
      </IconButton>
    </span>
  );
}
