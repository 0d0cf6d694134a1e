// Who is logged in, which models there are, the settings. Everything below <SessionProvider> has a session.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, type ReactNode } from "react";
import { recall } from "@/lib/storage";
import { api, onUnauthorized, setCsrf } from "./client";
import type { ModelInfo, Session, Settings, User } from "./types";

export const kDefaultSettings: Settings = {
  language: "auto",
  theme: "auto",
  model: "",
  instructions: { about: "", style: "", enabled: false },
  memory: true,
  suggest_memories: true,
  params: {},
  send_with_enter: true,
};

interface SessionValue {
  user: User | null; // null: the log-in page is shown
  models: ModelInfo[];
  usersEnabled: boolean;
  setupNeeded: boolean;
  version: string;
  settings: Settings; // complete
  // Shows them at once, and sends them; they go back when the server refuses (the promise fails).
  updateSettings: (change: Partial<Settings>) => Promise<void>;
  // After a log-in, sign-up or log-out: the session that the server answered with, or none to ask for it.
  replace: (session?: Session) => Promise<void>;
  refresh: () => Promise<void>;
}

const SessionContext = createContext<SessionValue | null>(null);

export function useSession(): SessionValue {
  const value = useContext(SessionContext);
  if (!value) throw new Error("useSession outside SessionProvider");
  return value;
}

async function load(): Promise<Session> {
  const session = await api.get<Session>("/session");
  setCsrf(session.csrf);
  return session;
}

// What was chosen on this device, before anybody has logged in.
function localSettings(): Partial<Settings> {
  const theme = recall("theme");
  const language = recall("language");
  return {
    ...(theme === "light" || theme === "dark" ? { theme } : {}),
    ...(language === "en" || language === "zh" ? { language } : {}),
  };
}

interface ProviderProps {
  children: ReactNode;
  waiting: ReactNode;
  failed: (error: unknown, retry: () => void) => ReactNode;
}

export function SessionProvider({ children, waiting, failed }: ProviderProps) {
  const client = useQueryClient();
  const query = useQuery({ queryKey: ["session"], queryFn: load, staleTime: 5 * 60_000, retry: 1 });
  const session = query.data;

  useEffect(() => {
    onUnauthorized(() => void client.invalidateQueries({ queryKey: ["session"] }));
  }, [client]);

  const lastChange = useRef(0);
  const sending = useRef<Promise<unknown>>(Promise.resolve());
  const updateSettings = useCallback(
    async (change: Partial<Settings>) => {
      const before = client.getQueryData<Session>(["session"]);
      const set = (settings: Partial<Settings> | null) =>
        client.setQueryData<Session>(["session"], (now) => now && { ...now, settings });
      set({ ...before?.settings, ...change });
      if (!before?.user) return;
      // One after another: the answer to a change must not undo, for a moment, one that was made after it.
      const mine = ++lastChange.current;
      const sent = sending.current.then(() => api.put<Settings>("/settings", change));
      sending.current = sent.catch(() => {});
      try {
        const saved = await sent;
        if (mine === lastChange.current) set(saved);
      } catch (error) {
        if (mine === lastChange.current) set(before.settings);
        throw error;
      }
    },
    [client],
  );

  const replace = useCallback(
    async (next?: Session) => {
      const now = next ?? (await load());
      setCsrf(now.csrf);
      // What the one before has loaded is not for the next.
      client.removeQueries({ predicate: (other) => other.queryKey[0] !== "session" });
      client.setQueryData(["session"], now);
    },
    [client],
  );

  const value = useMemo<SessionValue | null>(
    () =>
      session
        ? {
            user: session.user,
            models: session.models,
            usersEnabled: session.users_enabled,
            setupNeeded: session.setup_needed,
            version: session.version,
            settings: {
              ...kDefaultSettings,
              ...(session.user ? {} : localSettings()),
              ...session.settings,
              instructions: { ...kDefaultSettings.instructions, ...session.settings?.instructions },
            },
            updateSettings,
            replace,
            refresh: async () => void (await client.invalidateQueries({ queryKey: ["session"] })),
          }
        : null,
    [session, updateSettings, replace, client],
  );

  if (!value) return query.isError ? failed(query.error, () => void query.refetch()) : waiting;
  return <SessionContext.Provider value={value}>{children}</SessionContext.Provider>;
}
