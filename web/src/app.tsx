import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { SessionProvider, useSession } from "./api/session";
import { ApiError } from "./api/client";
import { LanguageProvider, resolveLanguage } from "./i18n";
import { recall, remember } from "./lib/storage";
import { useTheme } from "./lib/theme";
import { Routes } from "./routes";
import { ErrorBoundary } from "./shell/error_boundary";
import { ConfirmProvider, ErrorBox, Loading, ToastProvider } from "./ui";

function makeClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // What the server refuses it refuses again; only silence is worth asking twice.
        retry: (count, error) => count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 502),
        retryDelay: (attempt) => Math.min(1000 * 2 ** attempt, 8000),
      },
    },
  });
}

export function App() {
  const [client] = useState(makeClient);
  return (
    <QueryClientProvider client={client}>
      <LanguageProvider language={resolveLanguage(recall("language") ?? undefined)}>
        <SessionProvider
          waiting={<Loading />}
          failed={(error, retry) => (
            <div style={{ maxWidth: 560, margin: "20vh auto", padding: 16 }}>
              <ErrorBox error={error} onRetry={retry} />
            </div>
          )}
        >
          <Preferences>
            <ErrorBoundary>
              <Routes />
            </ErrorBoundary>
          </Preferences>
        </SessionProvider>
      </LanguageProvider>
    </QueryClientProvider>
  );
}

// Language and theme of the user, and what needs them.
function Preferences({ children }: { children: ReactNode }) {
  const { settings } = useSession();
  const language = resolveLanguage(settings.language);
  useTheme(settings.theme);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    remember("language", settings.language === "auto" ? null : settings.language);
  }, [language, settings.language]);
  return (
    <LanguageProvider language={language}>
      <ToastProvider>
        <ConfirmProvider>{children}</ConfirmProvider>
      </ToastProvider>
    </LanguageProvider>
  );
}
