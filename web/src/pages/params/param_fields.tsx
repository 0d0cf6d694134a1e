import { useTexts } from "@/i18n";
import { Field, Input, Slider, TextArea } from "@/ui";
import { boundsOf, type NumberField, type ParamForm, type Problem } from "./fields";
import { texts } from "./texts";

const kSliders = ["temperature", "top_p", "presence_penalty", "frequency_penalty"] as const;

interface ParamFieldsProps {
  form: ParamForm & { n?: string };
  problems: Partial<Record<string, Problem>>;
  onChange: (change: Partial<ParamForm & { n: string }>) => void;
  // Data-testid of each field: prefix-temperature, …
  testId: string;
}

// All sampling parameters with their help; `n` only when the form has it.
export function ParamFields({ form, problems, onChange, testId }: ParamFieldsProps) {
  const t = useTexts(texts);
  const error = (field: NumberField | "stop") => {
    const problem = problems[field];
    if (!problem || problem === "empty") return undefined;
    if (problem === "range" && field !== "stop") {
      const { min, max } = boundsOf(field);
      return t("range", { min, max });
    }
    return t(problem);
  };
  const slider = (field: (typeof kSliders)[number]) => {
    const { min, max, step, otherwise } = boundsOf(field);
    return (
      <Field key={field} label={t(field)} hint={t(`${field}Hint`)} error={error(field)}>
        <Slider
          value={form[field] === "" ? undefined : Number(form[field])}
          standard={otherwise ?? 0}
          min={min}
          max={max}
          step={step}
          onChange={(value) => onChange({ [field]: value === undefined ? "" : String(value) })}
          testId={`${testId}-${field}`}
        />
      </Field>
    );
  };
  const number = (field: "max_tokens" | "seed" | "n") => (
    <Field key={field} label={t(field)} hint={t(`${field}Hint`)} error={error(field)}>
      <Input
        inputMode="numeric"
        value={form[field] ?? ""}
        placeholder={t("standard")}
        onChange={(event) => onChange({ [field]: event.target.value })}
        data-testid={`${testId}-${field}`}
        autoComplete="off"
      />
    </Field>
  );
  return (
    <>
      {slider("temperature")}
      {slider("top_p")}
      {number("max_tokens")}
      {form.n !== undefined && number("n")}
      {slider("presence_penalty")}
      {slider("frequency_penalty")}
      <Field label={t("stop")} hint={t("stopHint")} error={error("stop")}>
        <TextArea
          rows={2}
          className="mono"
          value={form.stop}
          onChange={(event) => onChange({ stop: event.target.value })}
          data-testid={`${testId}-stop`}
          spellCheck={false}
        />
      </Field>
      {number("seed")}
    </>
  );
}
