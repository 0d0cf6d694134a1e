import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useTexts } from "@/i18n";
import { copyText } from "@/lib/clipboard";
import { useHighlight } from "./highlight";
import { texts } from "./texts";

interface Props {
  parts: string[]; // whole lines each
  language: string;
  live: boolean; // it still grows
}

export function CodeBlock({ parts, language, live }: Props) {
  const t = useTexts(texts);
  const code = parts.join("").replace(/\n$/, "");
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
        <code>
          {colours ??
            parts.map((part, index) => <span key={index}>{index < parts.length - 1 ? part : part.replace(/\n$/, "")}</span>)}
        </code>
      </pre>
    </div>
  );
}
