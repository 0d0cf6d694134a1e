import { Check, Copy } from "lucide-react";
import { memo, useState } from "react";
import { useTexts } from "@/i18n";
import { copyText } from "@/lib/clipboard";
import { useHighlight } from "./highlight";
import { texts } from "./texts";

interface Props {
  code: string;
  language: string;
  live: boolean; // it still grows
}

export const CodeBlock = memo(function CodeBlock({ code, language, live }: Props) {
  const t = useTexts(texts);
  const [copied, setCopied] = useState(false);
  // A long block that grows every frame is coloured when it is complete.
  const colours = useHighlight(code, language.toLowerCase(), live && code.length > 2500);
  const copy = async () => {
    if (!(await copyText(code))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), 1600);
  };
  return (
    <div className="md-code">
      <div className="md-code-head">
        <span>{language || t("code")}</span>
        <button type="button" onClick={copy} aria-label={t("copyCode")} data-testid="copy-code">
          {copied ? <Check size={14} /> : <Copy size={14} />}
          {copied ? t("copied") : t("copy")}
        </button>
      </div>
      {/* Scrolls sideways, so the keyboard has to reach it. */}
      <pre tabIndex={0}>
        <code>{colours}</code>
      </pre>
    </div>
  );
});
