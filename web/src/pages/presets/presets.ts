// Presets as forms, and what is wrong with them.
import type { Preset } from "@/api/types";
import { checkParams, formOf, paramsOf, type ParamForm, type ParamProblems } from "../params/fields";

export const kPlace = "{{text}}";
const kLongestName = 200; // bytes, the server's limit

export interface PresetForm {
  title: string;
  system: string;
  template: string;
  language: string;
  params: ParamForm;
}

export function presetForm(preset?: Partial<Preset>): PresetForm {
  return {
    title: preset?.title ?? "",
    system: preset?.system ?? "",
    template: preset?.template ?? "",
    language: preset?.language ?? "",
    params: formOf(preset?.params),
  };
}

export interface PresetProblems {
  title?: "missing" | "long";
  template?: "noText";
  whole?: "empty";
  params?: ParamProblems;
}

export function checkPreset(form: PresetForm): PresetProblems {
  const problems: PresetProblems = {};
  const title = form.title.trim();
  if (title === "") problems.title = "missing";
  else if (new TextEncoder().encode(title).length > kLongestName) problems.title = "long";
  if (form.template.trim() !== "" && !form.template.includes(kPlace)) problems.template = "noText";
  const params = checkParams(form.params);
  if (Object.keys(params).length > 0) problems.params = params;
  if (form.system.trim() === "" && form.template.trim() === "" && Object.keys(paramsOf(form.params)).length === 0)
    problems.whole = "empty";
  return problems;
}

export function presetBody(form: PresetForm): Omit<Preset, "id" | "builtin"> {
  return {
    title: form.title.trim(),
    system: form.system.trim(),
    template: form.template.trim() === "" ? "" : form.template,
    language: form.language,
    params: paramsOf(form.params),
  };
}

export const needsText = (preset: Pick<Preset, "template">) => preset.template.includes(kPlace);

// Every place at once, and the text literally: "$&" in it means nothing.
export function fill(template: string, text: string): string {
  return template === "" ? text : template.split(kPlace).join(text);
}

export function findPresets(presets: Preset[], search: string, language: string): Preset[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return presets.filter((preset) => {
    if (language !== "" && preset.language !== "" && preset.language !== language) return false;
    const inside = `${preset.title}\n${preset.system}\n${preset.template}`.toLowerCase();
    return words.every((word) => inside.includes(word));
  });
}
