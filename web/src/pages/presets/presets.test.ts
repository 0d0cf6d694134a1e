import { describe, expect, it } from "vitest";
import type { Preset } from "@/api/types";
import { checkPreset, fill, findPresets, needsText, presetBody, presetForm } from "./presets";

const preset = (fields: Partial<Preset>): Preset => ({
  id: "1",
  title: "Translate",
  system: "",
  template: "Translate:\n\n{{text}}",
  params: { temperature: 0.3 },
  language: "en",
  builtin: false,
  ...fields,
});

describe("preset forms", () => {
  it("come back as they went in", () => {
    const { id: _id, builtin: _builtin, ...body } = preset({});
    expect(presetBody(presetForm(preset({})))).toEqual(body);
  });

  it("have nothing wrong with a good one", () => expect(checkPreset(presetForm(preset({})))).toEqual({}));

  it("name each problem", () => {
    expect(checkPreset(presetForm())).toEqual({ title: "missing", whole: "empty" });
    expect(checkPreset(presetForm(preset({ title: "名".repeat(67), template: "no place" })))).toEqual({
      title: "long",
      template: "noText",
    });
    const form = presetForm(preset({}));
    form.params.top_p = "7";
    expect(checkPreset(form)).toEqual({ params: { top_p: "range" } });
  });
});

describe("fill", () => {
  it("puts the text in every place, literally", () => {
    expect(fill("{{text}} and {{text}}", "$& {{text}}")).toBe("$& {{text}} and $& {{text}}");
    expect(fill("", "as it is")).toBe("as it is");
    expect(needsText({ template: "x" })).toBe(false);
  });
});

describe("findPresets", () => {
  const all = [preset({ title: "Translate" }), preset({ title: "翻译", language: "zh" }), preset({ title: "Mine", language: "" })];
  it("by language; those of no language are in all", () => {
    expect(findPresets(all, "", "zh").map((one) => one.title)).toEqual(["翻译", "Mine"]);
    expect(findPresets(all, "", "")).toHaveLength(3);
  });
  it("by words in any of the texts", () => {
    expect(findPresets(all, "MINE text", "").map((one) => one.title)).toEqual(["Mine"]);
  });
});
