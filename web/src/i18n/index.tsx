// Texts in English and Chinese. Each part of the app has its own dictionary, made with `dictionary`, so that a
// page that is loaded later brings its own texts. TypeScript refuses a Chinese dictionary that lacks a key.
import { createContext, useContext, useMemo, type ReactNode } from "react";
import type { Language } from "@/api/types";

// A text, or one for 1 and one for other numbers of `n`. `{name}` is replaced.
export type Text = string | { one: string; other: string };
export type Values = Record<string, string | number>;

export interface Dictionary<Key extends string> {
  en: Record<Key, Text>;
  zh: Record<Key, Text>;
}

// The form in which all dictionaries are written: src/**/texts.ts exports one made by this.
export function dictionary<Key extends string>(en: Record<Key, Text>, zh: Record<NoInfer<Key>, Text>): Dictionary<Key> {
  return { en, zh };
}

export function format(text: Text, values: Values = {}): string {
  const form = typeof text === "string" ? text : values.n === 1 ? text.one : text.other;
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

// auto: what the browser prefers.
export function resolveLanguage(setting: string | undefined): Language {
  if (setting === "en" || setting === "zh") return setting;
  const preferred = typeof navigator === "undefined" ? [] : navigator.languages ?? [navigator.language];
  for (const tag of preferred) {
    if (/^zh/i.test(tag)) return "zh";
    if (/^en/i.test(tag)) return "en";
  }
  return "en";
}

const LanguageContext = createContext<Language>("en");

export function LanguageProvider({ language, children }: { language: Language; children: ReactNode }) {
  return <LanguageContext.Provider value={language}>{children}</LanguageContext.Provider>;
}

export function useLanguage(): Language {
  return useContext(LanguageContext);
}

export type Translate<Key extends string> = (key: Key, values?: Values) => string;

// const t = useTexts(texts); t("title"), t("count", { n: 3 })
export function useTexts<Key extends string>(texts: Dictionary<Key>): Translate<Key> {
  const language = useLanguage();
  return useMemo(() => (key: Key, values?: Values) => format(texts[language][key], values), [texts, language]);
}

// Numbers and times as the language writes them.
export function useFormats() {
  const language = useLanguage();
  return useMemo(() => {
    const locale = language === "zh" ? "zh-CN" : "en-GB";
    const number = new Intl.NumberFormat(locale);
    const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
    const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
    return {
      number: (value: number) => number.format(value),
      fixed: (value: number, digits: number) =>
        new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value),
      percent: (share: number) => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 }).format(share),
      date: (time: number) => date.format(time),
      dateTime: (time: number) => dateTime.format(time),
      bytes: (bytes: number) =>
        bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / 1048576).toFixed(1)} MB`,
    };
  }, [language]);
}
