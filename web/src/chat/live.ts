// Answers that are being written, outside React's state: text comes in hundreds of pieces a second, and the page shows what
// there is once a frame, or less often where that is much work.
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
  next: number; // when it may be shown again
  controller: AbortController;
}

const entries = new Map<string, Entry>();
const listeners = new Map<string, Set<() => void>>();

function publish(id: string): void {
  for (const listener of listeners.get(id) ?? []) listener();
}

const kQuick = 12; // ms of work for a frame
const kSlow = 66; // ms between frames that are more work than that: at most 15 a second,
const kShare = 3; // and at most a third of the time,
const kSlowest = 1000; // but not fewer than one a second

function schedule(id: string, entry: Entry): void {
  if (entry.scheduled) return;
  entry.scheduled = true;
  const show = () => {
    if (entries.get(id) !== entry) return;
    const began = performance.now();
    entry.shown = { text: entry.text, lost: entry.lost };
    publish(id);
    // When the page has been rendered, laid out and painted.
    setTimeout(() => {
      const work = performance.now() - began;
      entry.next = work <= kQuick ? 0 : began + Math.min(Math.max(kSlow, kShare * work), kSlowest);
      entry.scheduled = false;
      if (entry.text !== entry.shown.text || entry.lost !== entry.shown.lost) schedule(id, entry);
    });
  };
  const wait = entry.next - performance.now();
  // Frames stand still in a tab that nobody sees.
  if (document.hidden) setTimeout(show, 250);
  else if (wait > 0) setTimeout(() => requestAnimationFrame(show), wait);
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
    next: 0,
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
