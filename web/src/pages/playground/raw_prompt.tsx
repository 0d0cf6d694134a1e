// What the model reads, token by token, special tokens marked.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api } from "@/api/client";
import type { Token } from "@/api/types";
import { useFormats, useTexts } from "@/i18n";
import { ErrorBox, Spinner } from "@/ui";
import { sentMessages, type Form } from "./request";
import { texts } from "./texts";
import { bytesOf, readable, visible } from "./tokens";
import { useDelayed } from "./use_delayed";

// More would make the page slow, and nobody reads them.
const kMostShown = 2000;

export function RawPrompt({ form, context }: { form: Form; context: number }) {
  const t = useTexts(texts);
  const formats = useFormats();
  const asked = useMemo(
    () =>
      form.mode === "chat"
        ? { path: "/playground/render", body: { model: form.model, messages: sentMessages(form) } }
        : { path: "/playground/tokenize", body: { model: form.model, text: form.prompt } },
    [form],
  );
  const key = useDelayed(JSON.stringify(asked), 350);
  const delayed = useMemo(() => JSON.parse(key) as typeof asked, [key]);
  const nothing = "text" in delayed.body ? delayed.body.text === "" : delayed.body.messages.length === 0;
  const query = useQuery({
    queryKey: ["playground-tokens", key],
    queryFn: ({ signal }) => api.post<{ tokens: Token[] }>(delayed.path, delayed.body, { signal }),
    enabled: !nothing && delayed.body.model !== "",
    staleTime: Infinity,
    gcTime: 60_000,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const tokens = nothing ? [] : query.data?.tokens ?? [];
  return (
    <div className="raw-prompt" data-testid="raw-prompt">
      <div className="row small muted">
        <span className={context > 0 && tokens.length > context ? "over" : ""} data-testid="raw-count">
          {t("rawCount", { n: formats.number(tokens.length), context: formats.number(context) })}
        </span>
        {query.isFetching && <Spinner />}
      </div>
      {query.isError && !nothing ? (
        <ErrorBox error={query.error} />
      ) : tokens.length === 0 ? (
        <p className="muted small">{t("rawEmpty")}</p>
      ) : (
        <div className="raw-tokens" tabIndex={0} role="region" aria-label={t("raw")}>
          {tokens.slice(0, kMostShown).map((token, i) => (
            <RawToken key={i} token={token} odd={i % 2 === 1} />
          ))}
          {tokens.length > kMostShown && (
            <span className="muted"> {t("rawMore", { n: formats.number(tokens.length - kMostShown) })}</span>
          )}
        </div>
      )}
    </div>
  );
}

function RawToken({ token, odd }: { token: Token; odd: boolean }) {
  const t = useTexts(texts);
  const text = readable(bytesOf(token.text));
  const title = t("tokenId", { text: token.special ? `${token.text}, ${t("special")}` : visible(text), id: token.id });
  if (token.special)
    return (
      <span className="raw-token special" title={title} data-testid="raw-special">
        {token.text}
      </span>
    );
  return (
    <span className={odd ? "raw-token odd" : "raw-token"} title={title}>
      {text.includes("\n")
        ? text.split("\n").map((line, i) => (
            <span key={i}>
              {i > 0 && (
                <>
                  <span className="token-break" aria-hidden>
                    ↵
                  </span>
                  {"\n"}
                </>
              )}
              {line}
            </span>
          ))
        : text}
    </span>
  );
}
