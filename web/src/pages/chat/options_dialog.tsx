import { useState } from "react";
import type { Params } from "@/api/types";
import { useTexts } from "@/i18n";
import { Button, Dialog, Field, Input, Slider, TextArea } from "@/ui";
import { texts } from "./texts";

interface Props {
  system: string;
  params: Params;
  standard: Params; // of the settings: what empty fields take
  context: number; // of the model, in tokens
  onSave: (change: { system: string; params: Params }) => void;
  onClose: () => void;
}

const kSliders = [
  ["temperature", 0, 2, 0.05, 1, true],
  ["top_p", 0, 1, 0.01, 1, true],
  ["presence_penalty", -2, 2, 0.1, 0, false],
  ["frequency_penalty", -2, 2, 0.1, 0, false],
] as const;

const kStops = 4; // as many as the API takes

export function OptionsDialog({ system, params, standard, context, onSave, onClose }: Props) {
  const t = useTexts(texts);
  const [text, setText] = useState(system);
  const [values, setValues] = useState<Params>(params);
  const [stops, setStops] = useState((params.stop ?? []).join("\n"));
  const set = (change: Params) => setValues({ ...values, ...change });
  const whole = (value: string, least: number) => (value === "" ? undefined : Math.max(least, Math.floor(Number(value)) || least));
  const save = () => {
    const stop = stops.split("\n").filter(Boolean).slice(0, kStops);
    const all: Params = { ...values, stop: stop.length ? stop : undefined };
    // Without what is empty, so that it goes on following the settings.
    onSave({ system: text.trim(), params: JSON.parse(JSON.stringify(all)) as Params });
    onClose();
  };
  return (
    <Dialog
      title={t("optionsTitle")}
      onClose={onClose}
      testId="options-panel"
      footer={
        <>
          <Button
            kind="ghost"
            onClick={() => {
              setText("");
              setValues({});
              setStops("");
            }}
          >
            {t("reset")}
          </Button>
          <span className="grow" />
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" onClick={save} data-testid="options-save">
            {t("save")}
          </Button>
        </>
      }
    >
      <div className="stack options">
        <Field label={t("system")} hint={t("systemHint")}>
          <TextArea
            rows={4}
            value={text}
            placeholder={t("systemPlaceholder")}
            onChange={(event) => setText(event.target.value)}
            data-testid="system-prompt"
          />
        </Field>
        {kSliders.map(([name, min, max, step, otherwise, hint]) => (
          <Field key={name} label={t(name)} hint={hint ? t(`${name}Hint` as "top_pHint") : undefined}>
            <Slider
              value={values[name]}
              standard={standard[name] ?? otherwise}
              min={min}
              max={max}
              step={step}
              onChange={(value) => set({ [name]: value })}
              testId={`param-${name}`}
            />
          </Field>
        ))}
        <div className="two-columns">
          <Field label={t("max_tokens")} hint={t("max_tokensHint")}>
            <Input
              type="number"
              min={1}
              max={context || undefined}
              value={values.max_tokens ?? ""}
              placeholder={standard.max_tokens ? String(standard.max_tokens) : undefined}
              onChange={(event) => set({ max_tokens: whole(event.target.value, 1) })}
              data-testid="param-max_tokens"
            />
          </Field>
          <Field label={t("seed")} hint={t("seedHint")}>
            <Input
              type="number"
              min={0}
              value={values.seed ?? ""}
              onChange={(event) => set({ seed: whole(event.target.value, 0) })}
              data-testid="param-seed"
            />
          </Field>
        </div>
        <Field label={t("stop")}>
          <TextArea rows={2} value={stops} onChange={(event) => setStops(event.target.value)} data-testid="param-stop" />
        </Field>
        <p className="muted small">{t("standard")}</p>
      </div>
    </Dialog>
  );
}
