import { useState, type FormEvent } from "react";
import { useSession } from "@/api/session";
import { useFormats, useTexts } from "@/i18n";
import { Button, Field, Switch, TextArea, useErrorText, useToast } from "@/ui";
import { checkParams, formOf, paramsOf } from "../params/fields";
import { ParamFields } from "../params/param_fields";
import { texts } from "./texts";

const kMostBytes = 4000; // of each text, the server's limit

const bytesOf = (text: string) => new TextEncoder().encode(text).length;

// Buttons that are there only while something has changed.
function SaveBar({ changed, wrong, onReset, testId }: { changed: boolean; wrong: boolean; onReset: () => void; testId: string }) {
  const t = useTexts(texts);
  if (!changed) return null;
  return (
    <div className="row">
      <Button small kind="primary" type="submit" disabled={wrong} data-testid={`${testId}-save`}>
        {t("save")}
      </Button>
      <Button small kind="ghost" onClick={onReset} data-testid={`${testId}-reset`}>
        {t("reset")}
      </Button>
    </div>
  );
}

export function ParamsForm() {
  const t = useTexts(texts);
  const toast = useToast();
  const say = useErrorText();
  const { settings, updateSettings } = useSession();
  const saved = formOf(settings.params);
  const [edited, setEdited] = useState<typeof saved | null>(null);
  const form = edited ?? saved;
  const problems = checkParams(form);
  const changed = JSON.stringify(form) !== JSON.stringify(saved);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await updateSettings({ params: paramsOf(form) });
      setEdited(null);
      toast(t("saved"));
    } catch (error) {
      toast(say(error), { danger: true });
    }
  };
  return (
    <details className="params-fold">
      <summary data-testid="settings-params">{t("parameters")}</summary>
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <p className="small muted">{t("parametersHint")}</p>
        <div className="param-grid">
          <ParamFields form={form} problems={problems} onChange={(change) => setEdited({ ...form, ...change })} testId="settings" />
        </div>
        <SaveBar
          changed={changed}
          wrong={Object.keys(problems).length > 0}
          onReset={() => setEdited(null)}
          testId="settings-params"
        />
      </form>
    </details>
  );
}

export function InstructionsForm() {
  const t = useTexts(texts);
  const formats = useFormats();
  const toast = useToast();
  const say = useErrorText();
  const { settings, updateSettings } = useSession();
  const saved = settings.instructions;
  const [edited, setEdited] = useState<{ about: string; style: string } | null>(null);
  const form = edited ?? saved;
  const changed = form.about !== saved.about || form.style !== saved.style;
  const long = (text: string) => bytesOf(text) > kMostBytes;

  const save = async (instructions: typeof saved) => {
    try {
      await updateSettings({ instructions });
      return true;
    } catch (error) {
      toast(say(error), { danger: true });
      return false;
    }
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // Who writes the first instructions wants them used.
    const first = saved.about === "" && saved.style === "";
    if (!(await save({ about: form.about.trim(), style: form.style.trim(), enabled: first || saved.enabled }))) return;
    setEdited(null);
    toast(t("saved"));
  };
  const count = (text: string) =>
    bytesOf(text) > kMostBytes / 2 ? t("room", { share: formats.percent(bytesOf(text) / kMostBytes) }) : undefined;
  const area = (key: "about" | "style") => (
    <Field
      label={t(key)}
      hint={count(form[key])}
      error={long(form[key]) ? t("tooLong", { share: formats.percent(bytesOf(form[key]) / kMostBytes) }) : undefined}
    >
      <TextArea
        rows={3}
        value={form[key]}
        placeholder={t(`${key}Placeholder`)}
        onChange={(event) => setEdited({ about: form.about, style: form.style, [key]: event.target.value })}
        data-testid={`settings-${key}`}
      />
    </Field>
  );
  return (
    <form className="stack wide" onSubmit={(event) => void submit(event)}>
      <Switch
        label={t("instructionsOn")}
        hint={t("instructionsHint")}
        checked={saved.enabled}
        onChange={(enabled) => void save({ ...saved, enabled })}
        data-testid="settings-instructions"
      />
      {area("about")}
      {area("style")}
      <SaveBar
        changed={changed}
        wrong={long(form.about) || long(form.style)}
        onReset={() => setEdited(null)}
        testId="settings-instructions"
      />
    </form>
  );
}
