import { X } from "lucide-react";
import { createContext, useCallback, useContext, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { useTexts } from "@/i18n";
import { texts } from "./texts";

interface ToastOptions {
  danger?: boolean;
  action?: { label: string; run: () => void }; // "Undo" and the like
  seconds?: number;
  onGone?: () => void; // it went without its action
}

interface Item extends ToastOptions {
  id: number;
  text: string;
}

const ToastContext = createContext<(text: string, options?: ToastOptions) => void>(() => {});

// const toast = useToast(); toast("Saved"); toast(errorText(error), { danger: true })
export function useToast() {
  return useContext(ToastContext);
}

// What is outside an open modal dialog can be neither seen well nor pressed: toasts go where the user is.
function useHost(needed: boolean): Element {
  const [host, setHost] = useState<Element>(document.body);
  useLayoutEffect(() => {
    if (!needed) return;
    const look = () => setHost([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body);
    look();
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["open"] });
    return () => observer.disconnect();
  }, [needed]);
  return host;
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const t = useTexts(texts);
  const [items, setItems] = useState<Item[]>([]);
  const next = useRef(0);
  const host = useHost(items.length > 0);
  const gone = useCallback((item: Item, acted: boolean) => {
    setItems((before) => {
      if (before.some((other) => other.id === item.id) && !acted) queueMicrotask(() => item.onGone?.());
      return before.filter((other) => other.id !== item.id);
    });
  }, []);
  const toast = useCallback(
    (text: string, options: ToastOptions = {}) => {
      const item: Item = { ...options, id: next.current++, text };
      setItems((before) => [...before.slice(-3), item]);
      setTimeout(() => gone(item, false), (options.seconds ?? (options.danger ? 8 : 5)) * 1000);
    },
    [gone],
  );
  return (
    <ToastContext.Provider value={toast}>
      {children}
      {createPortal(
        <div className="ui-toasts" role="status" aria-live="polite" data-testid="toasts">
          {items.map((item) => (
            <div key={item.id} className={`ui-toast ${item.danger ? "danger" : ""}`} data-testid="toast">
              <span className="text">{item.text}</span>
              {item.action && (
                <button
                  type="button"
                  data-testid="toast-action"
                  onClick={() => {
                    gone(item, true);
                    item.action?.run();
                  }}
                >
                  {item.action.label}
                </button>
              )}
              <button type="button" aria-label={t("dismiss")} onClick={() => gone(item, false)}>
                <X size={14} />
              </button>
            </div>
          ))}
        </div>,
        host,
      )}
    </ToastContext.Provider>
  );
}
