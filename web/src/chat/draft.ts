// What is typed but not sent: with the server a moment later, so that another device or tab finds it.
import { useCallback, useEffect, useRef } from "react";
import { api } from "@/api/client";

const kDelay = 700; // ms

export class Draft {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waiting: string | null = null;

  constructor(private id: string) {}

  set(text: string): void {
    this.waiting = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), kDelay);
  }

  // Sends what is waiting now; the request outlives the page.
  flush(): void {
    clearTimeout(this.timer);
    if (this.waiting === null) return;
    const text = this.waiting;
    this.waiting = null;
    // Browsers refuse keep-alive bodies of more than 64 kB.
    api.put(`/conversations/${this.id}/draft`, { text }, { keepalive: text.length < 15_000 }).catch(() => {
      // A draft is a convenience; the next key press tries again.
    });
  }

  // The text was sent as a message.
  clear(): void {
    this.waiting = "";
    this.flush();
  }
}

export function useDraft(id: string): { save: (text: string) => void; clear: () => void } {
  const draft = useRef<Draft | null>(null);
  useEffect(() => {
    const now = new Draft(id);
    draft.current = now;
    const flush = () => now.flush();
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, [id]);
  return {
    save: useCallback((text: string) => draft.current?.set(text), []),
    clear: useCallback(() => draft.current?.clear(), []),
  };
}
