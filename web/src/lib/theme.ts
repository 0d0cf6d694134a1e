import { useEffect, useState } from "react";
import type { Settings } from "@/api/types";
import { remember } from "./storage";

const kDark = "(prefers-color-scheme: dark)";

// Puts the theme on the document, follows the system when it is "auto", and remembers it for boot.js.
export function useTheme(theme: Settings["theme"]): "light" | "dark" {
  const [systemDark, setSystemDark] = useState(() => window.matchMedia(kDark).matches);
  useEffect(() => {
    const query = window.matchMedia(kDark);
    const changed = () => setSystemDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  const shown = theme === "auto" ? (systemDark ? "dark" : "light") : theme;
  useEffect(() => {
    document.documentElement.dataset.theme = shown;
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", shown === "dark" ? "#1c1c1e" : "#ffffff");
    remember("theme", theme);
  }, [shown, theme]);
  return shown;
}
