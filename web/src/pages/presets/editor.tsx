import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api } from "@/api/client";
import type { Preset } from "@/api/types";
import { useTexts } from "@/i18n";
import { Button, Dialog, Field, Input, Notice, Select, TextArea, useErrorText, useToast } from "@/ui";
import { ParamFields } from "../params/param_fields";
import { checkPreset, kPlace, presetBody, presetForm } from "./presets";
import { texts } from "./texts";

interface EditorProps {
  preset?: Preset; // that is changed; a new one without
  start: Partial<Preset>;
  onClose: () => void;
}

export function PresetEditor({ preset, start, onClose }: EditorProps) {
  const t = useTexts(texts);
  const client = useQueryClient();
  const toast = useToast();
  const say = useErrorText();
  const [form, setForm] = useState(() => presetForm(start));
  const [tried, setTried] = useState(false);
  const [saving, setSaving] = useState(false);
  const problems = checkPreset(form);
  const shown = tried ? problems : { params: problems.params };
  const set = (fields: Partial<typeof form>) => setForm((before) => ({ ...before, ...fields }));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(problems).length > 0 || saving) return;
    setSaving(true);
    try {
      if (preset) await api.patch(`/presets/${preset.id}`, presetBody(form));
      else await api.post("/presets", presetBody(form));
      void client.invalidateQueries({ queryKey: ["presets"] });
      toast(t("saved"));
      onClose();
    } catch (error) {
      toast(say(error), { danger: true });
      setSaving(false);
    }
  };
  return (
    <Dialog
      title={preset ? t("editTitle") : t("createTitle")}
      wide
      onClose={onClose}
      testId="preset-editor"
      footer={
        <>
          <Button onClick={onClose} data-testid="preset-cancel">
            {t("cancel")}
          </Button>
          <Button kind="primary" type="submit" form="preset-form" disabled={saving} data-testid="preset-save">
            {t("save")}
          </Button>
        </>
      }
    >
      <form id="preset-form" className="stack preset-form" onSubmit={(event) => void submit(event)} noValidate>
        <div className="preset-top">
          <Field
            label={t("name")}
            error={shown.title === "missing" ? t("nameMissing") : shown.title && t("nameLong")}
          >
            <Input value={form.title} autoFocus onChange={(event) => set({ title: event.target.value })} data-testid="preset-title" />
          </Field>
          <Field label={t("language")}>
            <Select value={form.language} onChange={(event) => set({ language: event.target.value })} data-testid="preset-form-language">
              <option value="">{t("any")}</option>
              <option value="en">{t("en")}</option>
              <option value="zh">{t("zh")}</option>
            </Select>
          </Field>
        </div>
        <Field label={t("system")} hint={t("systemHint")}>
          <TextArea rows={4} value={form.system} onChange={(event) => set({ system: event.target.value })} data-testid="preset-system" />
        </Field>
        <Field label={t("template")} hint={t("templateHint", { place: kPlace })} error={shown.template && t("templateNoText", { place: kPlace })}>
          <TextArea
            rows={3}
            value={form.template}
            placeholder={kPlace}
            onChange={(event) => set({ template: event.target.value })}
            data-testid="preset-template"
          />
        </Field>
        {shown.whole && (
          <Notice tone="danger" data-testid="preset-empty">
            {t("emptyPreset")}
          </Notice>
        )}
        <details open={Object.keys(start.params ?? {}).length > 0 || undefined}>
          <summary data-testid="preset-params">{t("parameters")}</summary>
          <p className="small muted">{t("parametersHint")}</p>
          <div className="param-grid">
            <ParamFields
              form={form.params}
              problems={shown.params ?? {}}
              onChange={(change) => set({ params: { ...form.params, ...change } })}
              testId="preset"
            />
          </div>
        </details>
      </form>
    </Dialog>
  );
}
