// Renders a page as the app does, on the mock server.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import { SessionProvider, useSession } from "@/api/session";
import { LanguageProvider, resolveLanguage } from "@/i18n";
import { ConfirmProvider, ToastProvider } from "@/ui";
import { createApi } from "../../mock/api";

// jsdom lacks it.
Blob.prototype.text ??= function text(this: Blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error("not read"));
    reader.readAsText(this);
  });
};

function InLanguage({ children }: { children: ReactNode }) {
  const { settings } = useSession();
  return (
    <LanguageProvider language={resolveLanguage(settings.language)}>
      <ToastProvider>
        <ConfirmProvider>{children}</ConfirmProvider>
      </ToastProvider>
    </LanguageProvider>
  );
}

interface Options {
  path?: string;
  // Answers instead of the mock's: "GET /runs" → JSON, or a Response.
  answers?: Record<string, unknown>;
}

export function renderPage(page: ReactNode, { path = "/", answers = {} }: Options = {}) {
  const api = createApi();
  const asked: { method: string; path: string; body: unknown }[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    const method = init.method ?? "GET";
    const short = url.replace("/app/api", "");
    asked.push({ method, path: short, body: typeof init.body === "string" ? JSON.parse(init.body) : init.body });
    const given = answers[`${method} ${short}`];
    if (given instanceof Response) return given.clone();
    if (given !== undefined) return Response.json(given);
    const headers = init.headers as Record<string, string> | undefined;
    return api.handle(new Request(`http://localhost${url}`, { method, headers, body: init.body as string | undefined }));
  });
  const location = memoryLocation({ path, record: true });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <SessionProvider waiting={null} failed={(error) => <p>{String(error)}</p>}>
        <InLanguage>
          <Router hook={location.hook} searchHook={location.searchHook}>
            {page}
          </Router>
        </InLanguage>
      </SessionProvider>
    </QueryClientProvider>,
  );
  return { state: api.state, asked, history: location.history };
}

export function refusal(status: number, code: string, message = "no"): Response {
  return Response.json({ error: { message, type: "invalid_request_error", param: null, code } }, { status });
}
