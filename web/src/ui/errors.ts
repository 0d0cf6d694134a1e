import { useCallback } from "react";
import { ApiError } from "@/api/client";
import type { Language } from "@/api/types";
import { format, useLanguage } from "@/i18n";
import { texts } from "./texts";

// What to tell the user about an error. The server's own message says most, in English; what happens often has words in
// both languages.
export function errorText(error: unknown, language: Language): string {
  const say = (key: keyof typeof texts.en) => format(texts[language][key]);
  if (error instanceof ApiError) {
    if (error.status === 0 || error.status === 502 || error.status === 504) return say("unreachable");
    if (error.status === 429 && error.code === "quota") return say("quota");
    if (error.status === 503 || (error.status === 429 && error.code === "busy")) return say("busy");
    if (error.status === 413) return `${say("tooLarge")} ${error.message}`;
    if (error.status >= 500) return `${say("serverError")} ${error.message}`;
    return error.message;
  }
  return error instanceof Error ? error.message : String(error);
}

export function useErrorText(): (error: unknown) => string {
  const language = useLanguage();
  return useCallback((error: unknown) => errorText(error, language), [language]);
}
