import { useQueryClient } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { useEffect, useState } from "react";
import { api, onReachable } from "@/api/client";
import { useTexts } from "@/i18n";
import { texts } from "./texts";

// Says when there is no network or no server, and looks until there is one again.
export function ConnectionBanner() {
  const t = useTexts(texts);
  const client = useQueryClient();
  const [online, setOnline] = useState(navigator.onLine);
  const [reachable, setReachable] = useState(true);

  useEffect(() => {
    onReachable(setReachable);
    const changed = () => setOnline(navigator.onLine);
    window.addEventListener("online", changed);
    window.addEventListener("offline", changed);
    return () => {
      onReachable(() => {});
      window.removeEventListener("online", changed);
      window.removeEventListener("offline", changed);
    };
  }, []);

  useEffect(() => {
    if (reachable && online) return;
    let attempt = 0;
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      api.get("/session").then(
        () => void client.invalidateQueries(),
        () => {
          timer = setTimeout(look, Math.min(1000 * 1.6 ** attempt++, 15_000));
        },
      );
    };
    timer = setTimeout(look, 1000);
    return () => clearTimeout(timer);
  }, [reachable, online, client]);

  if (online && reachable) return null;
  return (
    <div className="connection" role="status" data-testid="offline-banner">
      <WifiOff size={16} aria-hidden />
      {t(online ? "serverGone" : "offline")}
    </div>
  );
}
