// What is typed but not sent: with the server a moment later, so that another device or tab finds it.
import { useCallback, useEffect, useRef } from "react";
import { api } from "@/api/client";
import { recall, remember } from "@/lib/storage";

const kDelay = 700; // ms

export class Draft {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waiting: string | null = null;

  // `user`: whose it is, where it has to stay in this browser.
  constructor(
    private id: string,
    private user: string,
  ) {}

  private get key(): string {
    return `draft.${this.user}.${this.id}`;
  }

  // What the server did not get, if anything; else what it has.
  async load(): Promise<string> {
    const kept = recall(this.key);
    if (kept) {
      this.set(kept);
      return kept;
    }
    return (await api.get<{ text: string }>(`/conversations/${this.id}/draft`)).text;
  }

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
    api.put(`/conversations/${this.id}/draft`, { text }, { keepalive: text.length < 15_000 }).then(
      () => remember(this.key, null),
      // No server, or no session any more: it waits here.
      () => remember(this.key, text || null),
    );
  }

  // The text was sent as a message.
  clear(): void {
    this.waiting = "";
    this.flush();
  }
}

export function useDraft(id: string, user: string) {
  const draft = useRef<Draft | null>(null);
  useEffect(() => {
    const now = new Draft(id, user);
    draft.current = now;
    const flush = () => now.flush();
    window.addEventListener("pagehide", flush);
    return () => {
      window.removeEventListener("pagehide", flush);
      flush();
    };
  }, [id, user]);
  return {
    load: useCallback(() => draft.current?.load() ?? Promise.resolve(""), []),
    save: useCallback((text: string) => draft.current?.set(text), []),
    clear: useCallback(() => draft.current?.clear(), []),
  };
}
