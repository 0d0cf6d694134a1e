import {
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
} from "react";
import { createPortal } from "react-dom";
import { Link } from "wouter";

export interface MenuTrigger {
  id: string;
  "aria-haspopup": "menu";
  "aria-expanded": boolean;
  onClick: (event: MouseEvent) => void;
}

interface MenuProps {
  // Draws the button that opens it: spread what it is given into the button.
  trigger: (props: MenuTrigger) => ReactNode;
  children: ReactNode;
  align?: "start" | "end";
  testId?: string;
}

// A menu below (or above) a button: arrow keys, Home, End, first letters, Escape.
export function Menu({ trigger, children, align = "start", testId }: MenuProps) {
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLDivElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const id = useId();
  const [place, setPlace] = useState<{ top: number; left: number }>({ top: 0, left: 0 });

  const items = () => [...(menu.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]:not(:disabled)') ?? [])];
  const close = useCallback((focus: boolean) => {
    setOpen(false);
    if (focus) anchor.current?.querySelector<HTMLElement>("button")?.focus();
  }, []);

  useLayoutEffect(() => {
    if (!open || !anchor.current || !menu.current) return;
    const at = anchor.current.getBoundingClientRect();
    const size = menu.current.getBoundingClientRect();
    let left = align === "end" ? at.right - size.width : at.left;
    left = Math.max(8, Math.min(left, window.innerWidth - size.width - 8));
    let top = at.bottom + 6;
    if (top + size.height > window.innerHeight - 8) top = Math.max(8, at.top - size.height - 6);
    setPlace({ top, left });
    const chosen = menu.current.querySelector<HTMLElement>('[aria-checked="true"]');
    (chosen ?? items()[0])?.focus({ preventScroll: true });
  }, [open, align]);

  useEffect(() => {
    if (!open) return;
    const outside = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!menu.current?.contains(target) && !anchor.current?.contains(target)) close(false);
    };
    const resized = () => close(false);
    document.addEventListener("pointerdown", outside, true);
    window.addEventListener("resize", resized);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      window.removeEventListener("resize", resized);
    };
  }, [open, close]);

  const onKeyDown = (event: KeyboardEvent) => {
    const all = items();
    const now = all.indexOf(document.activeElement as HTMLElement);
    const go = (index: number) => {
      event.preventDefault();
      all[(index + all.length) % all.length]?.focus();
    };
    if (event.key === "ArrowDown") go(now + 1);
    else if (event.key === "ArrowUp") go(now - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(all.length - 1);
    else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close(true);
    } else if (event.key === "Tab") close(false);
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      const key = event.key.toLowerCase();
      const order = [...all.slice(now + 1), ...all.slice(0, now + 1)];
      order.find((item) => item.textContent?.trim().toLowerCase().startsWith(key))?.focus();
    }
  };

  // A menu inside a modal dialog has to be in it: what is outside is inert.
  const host = anchor.current?.closest("dialog") ?? document.body;
  return (
    <div className="ui-menu-anchor" ref={anchor}>
      {trigger({
        id,
        "aria-haspopup": "menu",
        "aria-expanded": open,
        onClick: (event) => {
          event.preventDefault();
          event.stopPropagation();
          setOpen(!open);
        },
      })}
      {open &&
        createPortal(
          <div
            ref={menu}
            className="ui-menu"
            role="menu"
            aria-labelledby={id}
            style={place}
            onKeyDown={onKeyDown}
            onClick={(event) => {
              event.stopPropagation();
              if ((event.target as HTMLElement).closest('[role^="menuitem"]')) close(true);
            }}
            data-testid={testId}
          >
            {children}
          </div>,
          host,
        )}
    </div>
  );
}

interface MenuItemProps {
  icon?: ReactNode;
  children: ReactNode;
  end?: ReactNode;
  danger?: boolean;
  disabled?: boolean;
  checked?: boolean; // makes it a choice of one
  onSelect: () => void;
  testId?: string;
}

export function MenuItem({ icon, children, end, danger, disabled, checked, onSelect, testId }: MenuItemProps) {
  return (
    <button
      type="button"
      role={checked === undefined ? "menuitem" : "menuitemradio"}
      aria-checked={checked}
      tabIndex={-1}
      className={`ui-menu-item ${danger ? "danger" : ""}`}
      disabled={disabled}
      onClick={onSelect}
      data-testid={testId}
    >
      {icon}
      <span className="truncate">{children}</span>
      {end !== undefined && <span className="end">{end}</span>}
    </button>
  );
}

interface MenuLinkProps {
  href: string;
  icon?: ReactNode;
  children: ReactNode;
  download?: boolean; // a file of the server, not a page
  testId?: string;
}

export function MenuLink({ href, icon, children, download, testId }: MenuLinkProps) {
  const inside = (
    <>
      {icon}
      <span className="truncate">{children}</span>
    </>
  );
  if (download)
    return (
      <a href={href} download role="menuitem" tabIndex={-1} className="ui-menu-item" data-testid={testId}>
        {inside}
      </a>
    );
  return (
    <Link href={href} role="menuitem" tabIndex={-1} className="ui-menu-item" data-testid={testId}>
      {inside}
    </Link>
  );
}

export function MenuHeading({ children }: { children: ReactNode }) {
  return (
    <div className="heading" role="presentation">
      {children}
    </div>
  );
}

export function MenuSeparator() {
  return <hr role="separator" />;
}
