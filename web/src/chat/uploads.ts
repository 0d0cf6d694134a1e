import { useCallback, useRef, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { Document } from "@/api/types";
import { useErrorText } from "@/ui";

export interface Attachment {
  key: number;
  name: string;
  state: "uploading" | "ready" | "error";
  document?: Document;
  error?: string;
}

// Files that go along with the next message: sent to the server as soon as they are chosen.
export function useAttachments() {
  const [list, setList] = useState<Attachment[]>([]);
  const controllers = useRef(new Map<number, AbortController>());
  const next = useRef(0);
  const say = useErrorText();
  const client = useQueryClient();

  const set = useCallback((key: number, change: Partial<Attachment>) => {
    setList((before) => before.map((one) => (one.key === key ? { ...one, ...change } : one)));
  }, []);

  const add = useCallback(
    (files: Iterable<File>) => {
      for (const file of files) {
        const key = next.current++;
        const controller = new AbortController();
        controllers.current.set(key, controller);
        setList((before) => [...before, { key, name: file.name, state: "uploading" }]);
        request("POST", `/documents?name=${encodeURIComponent(file.name)}`, undefined, { raw: file, signal: controller.signal })
          .then(async (response) => {
            set(key, { state: "ready", document: (await response.json()) as Document });
            void client.invalidateQueries({ queryKey: ["documents"] });
          })
          .catch((error: unknown) => {
            if (!controller.signal.aborted) set(key, { state: "error", error: say(error) });
          });
      }
    },
    [client, say, set],
  );

  const addDocument = useCallback((document: Document) => {
    setList((before) =>
      before.some((one) => one.document?.id === document.id)
        ? before
        : [...before, { key: next.current++, name: document.name, state: "ready", document }],
    );
  }, []);

  const remove = useCallback((key: number) => {
    controllers.current.get(key)?.abort();
    controllers.current.delete(key);
    setList((before) => before.filter((one) => one.key !== key));
  }, []);

  const clear = useCallback(() => {
    for (const controller of controllers.current.values()) controller.abort();
    controllers.current.clear();
    setList([]);
  }, []);

  return { list, add, addDocument, remove, clear };
}
