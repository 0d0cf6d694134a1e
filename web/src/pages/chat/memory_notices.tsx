import { useQueryClient } from "@tanstack/react-query";
import { Brain } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { api, ApiError } from "@/api/client";
import { useSession } from "@/api/session";
import type { Memory, Message } from "@/api/types";
import { useTexts } from "@/i18n";
import { recall, remember } from "@/lib/storage";
import { Button, useErrorText, useToast } from "@/ui";
import { texts } from "./texts";

const kAnswered = "memories.answered";

function answered(): string[] {
  return (recall(kAnswered) ?? "").split(" ").filter(Boolean);
}

// What a message made the server remember, and what it could remember.
export function MemoryNotices({ message }: { message: Message }) {
  const t = useTexts(texts);
  const toast = useToast();
  const say = useErrorText();
  const client = useQueryClient();
  const { settings } = useSession();
  const [closed, setClosed] = useState(() => answered().includes(message.id));

  const close = () => {
    setClosed(true);
    remember(kAnswered, [...answered().slice(-200), message.id].join(" "));
  };
  const accept = async () => {
    try {
      await api.post<Memory>("/memories", { text: message.suggested_memory });
      toast(t("memoryAccepted"));
    } catch (error) {
      // It is there already.
      if (!(error instanceof ApiError && error.status === 409)) return toast(say(error), { danger: true });
    }
    close();
    void client.invalidateQueries({ queryKey: ["memories"] });
  };

  return (
    <>
      {message.saved_memory && (
        <div className="memory-notice" role="note" data-testid="saved-memory">
          <Brain size={15} aria-hidden />
          <span>{t("memorySaved", { text: message.saved_memory.text })}</span>
          <Link href="/memory">{t("manageMemory")}</Link>
        </div>
      )}
      {message.suggested_memory && settings.memory && settings.suggest_memories && !closed && (
        <div className="memory-notice" role="note" data-testid="suggested-memory">
          <Brain size={15} aria-hidden />
          <span>{t("memorySuggest", { text: message.suggested_memory })}</span>
          <Button small kind="primary" onClick={() => void accept()} data-testid="suggested-memory-accept">
            {t("memoryAccept")}
          </Button>
          <Button small kind="ghost" onClick={close} data-testid="suggested-memory-dismiss">
            {t("memoryDismiss")}
          </Button>
        </div>
      )}
    </>
  );
}
