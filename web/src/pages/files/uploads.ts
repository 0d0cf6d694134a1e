// Files on their way to the server, one after another, each with its own error.
import { ApiError, isAbort, request } from "@/api/client";
import type { Document } from "@/api/types";
import { useCallback, useEffect, useReducer, useRef } from "react";

export type Problem = "notText" | "noText" | "tooLarge" | "empty" | "many";

export interface Upload {
  id: number;
  file: File;
  state: "waiting" | "sending" | "failed";
  problem: Problem | null; // what has words in both languages
  error: unknown; // anything else
}

export type Action =
  | { type: "add"; uploads: Upload[] }
  | { type: "sending"; id: number }
  | { type: "failed"; id: number; problem: Problem | null; error: unknown }
  | { type: "again"; id: number }
  | { type: "gone"; id: number };

export function reduce(uploads: Upload[], action: Action): Upload[] {
  const change = (id: number, fields: Partial<Upload>) =>
    uploads.map((one) => (one.id === id ? { ...one, ...fields } : one));
  switch (action.type) {
    case "add":
      return [...uploads, ...action.uploads];
    case "sending":
      return change(action.id, { state: "sending" });
    case "failed":
      return change(action.id, { state: "failed", problem: action.problem, error: action.error });
    case "again":
      return change(action.id, { state: "waiting", problem: null, error: null });
    case "gone":
      return uploads.filter((one) => one.id !== action.id);
  }
}

export function problemOf(error: unknown): Problem | null {
  if (!(error instanceof ApiError)) return null;
  if (error.status === 415) return "notText";
  if (error.status === 422) return "noText";
  if (error.status === 413) return "tooLarge";
  if (error.status === 409) return "many";
  return null;
}

export function useUploads(onDone: (document: Document) => void) {
  const [uploads, dispatch] = useReducer(reduce, []);
  const next = useRef(0);
  const sending = useRef<{ id: number; control: AbortController } | null>(null);
  const done = useRef(onDone);
  done.current = onDone;

  useEffect(() => {
    if (sending.current) return;
    const upload = uploads.find((one) => one.state === "waiting");
    if (!upload) return;
    const control = new AbortController();
    sending.current = { id: upload.id, control };
    dispatch({ type: "sending", id: upload.id });
    const send = async () => {
      try {
        const path = `/documents?name=${encodeURIComponent(upload.file.name)}`;
        const response = await request("POST", path, undefined, { raw: upload.file, signal: control.signal });
        done.current((await response.json()) as Document);
        sending.current = null;
        dispatch({ type: "gone", id: upload.id });
      } catch (error) {
        sending.current = null;
        if (isAbort(error)) dispatch({ type: "gone", id: upload.id });
        else dispatch({ type: "failed", id: upload.id, problem: problemOf(error), error });
      }
    };
    void send();
  }, [uploads]);

  const add = useCallback((files: Iterable<File>) => {
    const fresh = [...files].map((file): Upload => {
      const empty = file.size === 0;
      return { id: next.current++, file, state: empty ? "failed" : "waiting", problem: empty ? "empty" : null, error: null };
    });
    if (fresh.length > 0) dispatch({ type: "add", uploads: fresh });
  }, []);
  const remove = useCallback((id: number) => {
    if (sending.current?.id === id) sending.current.control.abort();
    else dispatch({ type: "gone", id });
  }, []);
  const again = useCallback((id: number) => dispatch({ type: "again", id }), []);
  return { uploads, add, remove, again };
}
