// One request at a time, streamed; the output grows at most once a frame of the screen.
import { useCallback, useEffect, useRef, useState } from "react";
import { isAbort, request } from "@/api/client";
import { streamedBody, type Form } from "./request";
import { addFrame, kNoOutput, readFrames, type Output } from "./stream";

export interface Run {
  output: Output;
  running: boolean;
  stopped: boolean;
  failure: unknown;
  firstTokenMs: number | null;
  tokensPerSecond: number | null;
  // What was asked, for "continue".
  form: Form | null;
}

const kIdle: Run = {
  output: kNoOutput,
  running: false,
  stopped: false,
  failure: null,
  firstTokenMs: null,
  tokensPerSecond: null,
  form: null,
};

const countTokens = (output: Output) => output.choices.reduce((sum, choice) => sum + choice.tokens.length, 0);

export function useRun() {
  const [run, setRun] = useState<Run>(kIdle);
  const control = useRef<AbortController | null>(null);

  const start = useCallback(async (form: Form) => {
    control.current?.abort();
    const mine = new AbortController();
    control.current = mine;
    const began = performance.now();
    let first: number | null = null;
    let output = kNoOutput;
    let frame = 0;
    const isCurrent = () => control.current === mine;
    const show = (change: Partial<Run>) => {
      if (!isCurrent()) return;
      const n = countTokens(output);
      const seconds = first === null ? 0 : (performance.now() - first) / 1000;
      setRun((before) => ({
        ...before,
        output,
        firstTokenMs: first === null ? null : Math.round(first - began),
        tokensPerSecond: n > 1 && seconds > 0.05 ? (n - 1) / seconds : before.tokensPerSecond,
        ...change,
      }));
    };
    setRun({ ...kIdle, running: true, form });
    try {
      const path = form.mode === "chat" ? "/playground/chat" : "/playground/completions";
      const response = await request("POST", path, streamedBody(form), { signal: mine.signal });
      await readFrames(response.body!, (json) => {
        output = addFrame(output, json);
        if (first === null && countTokens(output) > 0) first = performance.now();
        if (!frame)
          frame = requestAnimationFrame(() => {
            frame = 0;
            show({});
          });
      });
      cancelAnimationFrame(frame);
      show({ running: false, failure: output.error ? new Error(output.error) : null });
    } catch (error) {
      cancelAnimationFrame(frame);
      if (isAbort(error)) show({ running: false, stopped: true });
      else show({ running: false, failure: error });
    }
  }, []);

  const stop = useCallback(() => control.current?.abort(), []);
  const clear = useCallback(() => {
    control.current?.abort();
    control.current = null;
    setRun(kIdle);
  }, []);
  // Leaving the page ends the request; the server notices.
  useEffect(() => () => control.current?.abort(), []);
  return { run, start, stop, clear };
}
