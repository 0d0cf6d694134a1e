import { X } from "lucide-react";
import { createContext, useCallback, useContext, useId, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { useTexts } from "@/i18n";
import { Button, IconButton } from "./button";
import { texts } from "./texts";

interface DialogProps {
  title: string;
  onClose: () => void;
  children?: ReactNode;
  footer?: ReactNode;
  wide?: boolean;
  testId?: string;
}

// A modal dialog; render it only while it is open. Escape and a click beside it close it; the browser keeps the
// focus inside and gives it back.
export function Dialog({ title, onClose, children, footer, wide, testId }: DialogProps) {
  const t = useTexts(texts);
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const pressedOutside = useRef(false);
  const [shown, setShown] = useState(false);
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    if (dialog && !dialog.open) dialog.showModal();
    // What is in it comes afterwards: nothing in a closed dialog takes the focus that `autoFocus` gives it.
    setShown(true);
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      className={`ui-dialog ${wide ? "wide" : ""}`}
      aria-labelledby={id}
      data-testid={testId}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => (pressedOutside.current = event.target === ref.current)}
      onClick={(event) => {
        if (event.target === ref.current && pressedOutside.current) onClose();
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <IconButton label={t("close")} small onClick={onClose} data-testid="dialog-close">
          <X size={18} />
        </IconButton>
      </header>
      <div className="body">{shown && children}</div>
      {shown && footer && <footer>{footer}</footer>}
    </dialog>
  );
}

export interface ConfirmOptions {
  title: string;
  text?: ReactNode;
  action?: string; // of the button; "Confirm" without
  danger?: boolean;
}

const ConfirmContext = createContext<(options: ConfirmOptions) => Promise<boolean>>(() => Promise.resolve(false));

// const confirm = useConfirm(); if (await confirm({ title: … })) …
export function useConfirm() {
  return useContext(ConfirmContext);
}

export function ConfirmProvider({ children }: { children: ReactNode }) {
  const t = useTexts(texts);
  const [open, setOpen] = useState<(ConfirmOptions & { resolve: (yes: boolean) => void }) | null>(null);
  const confirm = useCallback(
    (options: ConfirmOptions) => new Promise<boolean>((resolve) => setOpen({ ...options, resolve })),
    [],
  );
  const answer = (yes: boolean) => {
    open?.resolve(yes);
    setOpen(null);
  };
  return (
    <ConfirmContext.Provider value={confirm}>
      {children}
      {open && (
        <Dialog
          title={open.title}
          onClose={() => answer(false)}
          testId="confirm-dialog"
          footer={
            <>
              <Button onClick={() => answer(false)} data-testid="confirm-no">
                {t("cancel")}
              </Button>
              <Button kind={open.danger ? "danger" : "primary"} onClick={() => answer(true)} data-testid="confirm-yes" autoFocus>
                {open.action ?? t("confirm")}
              </Button>
            </>
          }
        >
          {open.text && <p className="muted">{open.text}</p>}
        </Dialog>
      )}
    </ConfirmContext.Provider>
  );
}
