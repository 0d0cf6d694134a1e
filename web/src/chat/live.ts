// Answers that are being written, outside React's state: text comes in hundreds of pieces a second, and the page shows what
// there is once a frame.
import { useSyncExternalStore } from "react";
import { follow } from "@/api/stream";
import type { Message } from "@/api/types";

export interface LiveAnswer {
  text: string;
  lost: boolean; // the connection; it is being tried again
}

interface Entry {
  shown: LiveAnswer;
  text: string;
  lost: boolean;
  scheduled: boolean;
  controller: AbortController;
}

const entries = new Map<string, Entry>();
const listeners = new Map<string, Set<() => void>>();

function publish(id: string): void {
  for (const listener of listeners.get(id) ?? []) listener();
}

function schedule(id: string, entry: Entry): void {
  if (entry.scheduled) return;
  entry.scheduled = true;
  const show = () => {
    entry.scheduled = false;
    if (entries.get(id) !== entry) return;
    entry.shown = { text: entry.text, lost: entry.lost };
    publish(id);
  };
  // Frames stand still in a tab that nobody sees.
  if (document.hidden) setTimeout(show, 250);
  else requestAnimationFrame(show);
}

export interface Ends {
  onDone: (message: Message) => void;
  onFailed: (error: unknown) => void;
}

// Follows an answer until it ends; a second call for the same answer changes nothing.
export function followLive(message: Message, ends: Ends): void {
  if (entries.has(message.id)) return;
  const { id } = message;
  const entry: Entry = {
    shown: { text: message.content, lost: false },
    text: message.content,
    lost: false,
    scheduled: false,
    controller: new AbortController(),
  };
  entries.set(id, entry);
  const end = () => {
    if (entries.get(id) === entry) entries.delete(id);
    publish(id);
  };
  void follow(
    id,
    message.content,
    {
      onText: (text) => {
        entry.text = text;
        schedule(id, entry);
      },
      onConnection: (lost) => {
        entry.lost = lost;
        schedule(id, entry);
      },
      // First the message into its conversation, then the live text away: nothing flickers.
      onDone: (finished) => {
        ends.onDone(finished);
        end();
      },
      onFailed: (error) => {
        ends.onFailed(error);
        end();
      },
    },
    entry.controller.signal,
  );
  publish(id);
}

export function unfollowLive(id: string): void {
  const entry = entries.get(id);
  entry?.controller.abort();
  entries.delete(id);
  publish(id);
}

export function liveText(id: string): string | null {
  return entries.get(id)?.text ?? null;
}

// What there is of an answer now; null when it is not being written (or not followed).
export function useLive(id: string): LiveAnswer | null {
  return useSyncExternalStore(
    (listener) => {
      const set = listeners.get(id) ?? new Set();
      set.add(listener);
      listeners.set(id, set);
      return () => {
        set.delete(listener);
        if (set.size === 0) listeners.delete(id);
      };
    },
    () => entries.get(id)?.shown ?? null,
  );
}
