import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useLocation } from "wouter";
import { useTexts } from "@/i18n";
import { recall, remember } from "@/lib/storage";
import { ConnectionBanner } from "./connection";
import { ShellContext } from "./context";
import { ImportDialog } from "./import_dialog";
import { SearchDialog } from "./search_dialog";
import { Sidebar } from "./sidebar";
import { texts } from "./texts";
import "./shell.css";

const kNarrow = "(max-width: 820px)";

// The sidebar with the page beside it; on narrow screens the sidebar is a drawer over the page.
export function ShellLayout({ children }: { children: ReactNode }) {
  const t = useTexts(texts);
  const [path, navigate] = useLocation();
  const [narrow, setNarrow] = useState(() => window.matchMedia(kNarrow).matches);
  const [wanted, setWanted] = useState(() => recall("sidebar") !== "closed");
  const [drawer, setDrawer] = useState(false);
  const [searching, setSearching] = useState(false);
  const [importing, setImporting] = useState(false);
  const main = useRef<HTMLElement>(null);
  const drawerBox = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    const query = window.matchMedia(kNarrow);
    const changed = () => {
      setNarrow(query.matches);
      setDrawer(false);
    };
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);

  const show = useCallback(
    (yes: boolean) => {
      if (narrow) setDrawer(yes);
      else {
        setWanted(yes);
        remember("sidebar", yes ? null : "closed");
      }
    },
    [narrow],
  );

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      if (event.key.toLowerCase() === "k" && !event.shiftKey) {
        event.preventDefault();
        setDrawer(false);
        setSearching(true);
      } else if (event.key.toLowerCase() === "o" && event.shiftKey) {
        event.preventDefault();
        navigate("/");
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate]);

  useEffect(() => {
    const box = drawerBox.current;
    if (!drawer || !box) return;
    if (!box.open) box.showModal();
    const content = main.current;
    return () => content?.focus({ preventScroll: true });
  }, [drawer]);

  useEffect(() => setDrawer(false), [path]);

  const shell = useMemo(
    () => ({
      sidebarHidden: narrow || !wanted,
      openSidebar: () => show(true),
      closeDrawer: () => setDrawer(false),
      openSearch: () => setSearching(true),
    }),
    [narrow, wanted, show],
  );

  const sidebar = (
    <Sidebar
      onClose={() => show(false)}
      onVisit={() => setDrawer(false)}
      onSearch={() => {
        setDrawer(false);
        setSearching(true);
      }}
      onImport={() => {
        setDrawer(false);
        setImporting(true);
      }}
    />
  );

  return (
    <ShellContext.Provider value={shell}>
      <a
        className="skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t("skip")}
      </a>
      <div className="shell">
        {!narrow && wanted && sidebar}
        {narrow && drawer && (
          <dialog
            ref={drawerBox}
            className="drawer"
            aria-label={t("sidebar")}
            onClose={() => setDrawer(false)}
            onClick={(event) => event.target === drawerBox.current && setDrawer(false)}
          >
            {sidebar}
          </dialog>
        )}
        <div className="shell-main">
          <ConnectionBanner />
          <main id="main" ref={main} tabIndex={-1}>
            {children}
          </main>
        </div>
      </div>
      {searching && <SearchDialog onClose={() => setSearching(false)} />}
      {importing && <ImportDialog onClose={() => setImporting(false)} />}
    </ShellContext.Provider>
  );
}
