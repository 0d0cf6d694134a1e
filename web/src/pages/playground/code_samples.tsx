import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { useTexts } from "@/i18n";
import { Button, TabPanel, Tabs } from "@/ui";
import { requestBody, type Form } from "./request";
import { sample, type Language } from "./samples";
import { texts } from "./texts";
import { useCopy } from "./use_copy";

export function CodeSamples({ form }: { form: Form }) {
  const t = useTexts(texts);
  const [language, setLanguage] = useState<Language>("curl");
  const { copied, copy } = useCopy();
  const code = sample(language, { origin: location.origin, mode: form.mode, body: requestBody(form) });
  return (
    <div className="code-samples" data-testid="code-samples">
      <div className="row code-head">
        <div className="grow">
          <Tabs
            label={t("code")}
            value={language}
            onChange={setLanguage}
            tabs={[
              { value: "curl", label: "curl" },
              { value: "python", label: "Python" },
              { value: "javascript", label: "JavaScript" },
            ]}
          />
        </div>
        <Button small kind="ghost" onClick={() => void copy(code)} aria-label={t("copyCode")} data-testid="code-copy">
          {copied ? <Check size={15} /> : <Copy size={15} />}
          {copied ? t("copied") : t("copyCode")}
        </Button>
      </div>
      <TabPanel value={language}>
        <pre className="code" tabIndex={0} data-testid="code-text">
          <code>{code}</code>
        </pre>
      </TabPanel>
      <p className="small muted">{t("codeHint")}</p>
    </div>
  );
}
