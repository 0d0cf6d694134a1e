import { useCallback, useEffect, useRef, useState } from "react";
import { useTexts } from "@/i18n";
import { useToast } from "@/ui";
import { texts } from "./texts";

// navigator.clipboard is there only on https and loopback addresses; the old way works everywhere else.
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    } finally {
      area.remove();
    }
  }
}

export function useCopy() {
  const t = useTexts(texts);
  const toast = useToast();
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = useCallback(
    async (text: string) => {
      if (!(await copyText(text))) return toast(t("copyFailed"), { danger: true });
      setCopied(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setCopied(false), 1600);
    },
    [t, toast],
  );
  return { copied, copy };
}
