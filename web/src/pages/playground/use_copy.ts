import { useCallback, useEffect, useRef, useState } from "react";
import { useTexts } from "@/i18n";
import { copyText } from "@/lib/clipboard";
import { useToast } from "@/ui";
import { texts } from "./texts";

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
