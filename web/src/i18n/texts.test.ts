import { describe, expect, it } from "vitest";
import { format, resolveLanguage, type Dictionary, type Text } from ".";

const modules = import.meta.glob<Record<string, unknown>>("/src/**/texts.ts", { eager: true });
const dictionaries = Object.entries(modules).flatMap(([file, module]) =>
  Object.entries(module)
    .filter((entry): entry is [string, Dictionary<string>] => typeof entry[1] === "object" && entry[1] !== null && "en" in entry[1])
    .map(([name, value]) => ({ name: `${file} ${name}`, value })),
);
const forms = (text: Text) => (typeof text === "string" ? [text] : [text.one, text.other]);
const holes = (text: Text) => [...new Set(forms(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

describe("texts", () => {
  it("are found", () => expect(dictionaries.length).toBeGreaterThan(2));
  for (const { name, value } of dictionaries) {
    it(`are complete in both languages: ${name}`, () => {
      expect(Object.keys(value.zh).sort()).toEqual(Object.keys(value.en).sort());
      for (const [key, text] of Object.entries(value.en)) {
        const other = value.zh[key]!;
        for (const form of [...forms(text), ...forms(other)]) expect(form.trim(), key).not.toBe("");
        expect(holes(other), key).toEqual(holes(text));
      }
    });
  }
  it("are filled in", () => {
    expect(format("{n} of {all}", { n: 1, all: 3 })).toBe("1 of 3");
    expect(format({ one: "{n} file", other: "{n} files" }, { n: 1 })).toBe("1 file");
    expect(format({ one: "{n} file", other: "{n} files" }, { n: 2 })).toBe("2 files");
    expect(format("{unknown}", {})).toBe("{unknown}");
  });
  it("follow the browser's languages when nothing is set", () => {
    expect(resolveLanguage("zh")).toBe("zh");
    expect(resolveLanguage("en")).toBe("en");
    expect(resolveLanguage("auto")).toBe("en");
  });
});
