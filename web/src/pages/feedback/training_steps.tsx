import { Check, Copy } from "lucide-react";
import { useTexts } from "@/i18n";
import { IconButton, Notice } from "@/ui";
import { useCopy } from "../playground/use_copy";
import { kSteps } from "./steps";
import { texts } from "./texts";
import { useStats } from "./use_stats";

export function TrainingSteps() {
  const t = useTexts(texts);
  const counts = useStats().data?.counts;
  const pairs = counts ? counts.comparisons - counts.ties + counts.corrections : 0;
  const examples = counts ? counts.up + counts.corrections : 0;
  return (
    <div className="stack training-steps" data-testid="feedback-train">
      <p className="muted">{t("trainLead")}</p>
      {counts && (
        <Notice tone={pairs + examples < 200 ? "warning" : "default"}>
          {t("enough", { pairs, examples })} {pairs + examples < 200 && t("few")}
        </Notice>
      )}
      <ol>
        {kSteps.map((step) => (
          <li key={step.title}>
            <h2>{t(step.title)}</h2>
            <p className="small muted">{t(step.text)}</p>
            <Command text={step.command} />
          </li>
        ))}
      </ol>
      <p className="small muted">{t("modelHint")}</p>
    </div>
  );
}

function Command({ text }: { text: string }) {
  const t = useTexts(texts);
  const { copied, copy } = useCopy();
  return (
    <div className="command">
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <IconButton small label={copied ? t("copied") : t("copy")} onClick={() => void copy(text)} data-testid="command-copy">
        {copied ? <Check size={15} /> : <Copy size={15} />}
      </IconButton>
    </div>
  );
}
