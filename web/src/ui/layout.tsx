import { AlertCircle, AlertTriangle, CheckCircle2, Info, Menu as MenuIcon } from "lucide-react";
import { useEffect, type HTMLAttributes, type ReactNode } from "react";
import { useTexts } from "@/i18n";
import { useShell } from "@/shell/context";
import { Button, IconButton } from "./button";
import { useErrorText } from "./errors";
import { texts } from "./texts";

interface PageProps {
  title: string;
  actions?: ReactNode;
  wide?: boolean;
  children: ReactNode;
  testId?: string;
}

// A page beside the sidebar: a heading, buttons, a scrolling column.
export function Page({ title, actions, wide, children, testId }: PageProps) {
  const t = useTexts(texts);
  const shell = useShell();
  useEffect(() => {
    document.title = `${title} · parley`;
  }, [title]);
  return (
    <div className="ui-page" data-testid={testId}>
      <div className="head">
        {shell.sidebarHidden && (
          <IconButton label={t("menu")} onClick={shell.openSidebar} data-testid="sidebar-open">
            <MenuIcon size={20} />
          </IconButton>
        )}
        <h1 className="truncate">{title}</h1>
        {actions}
      </div>
      <div className="content">
        <div className={`inner ${wide ? "wide" : ""}`}>{children}</div>
      </div>
    </div>
  );
}

export function Card({ title, children, className = "", ...rest }: HTMLAttributes<HTMLElement> & { title?: string }) {
  return (
    <section className={`ui-card ${className}`} {...rest}>
      {title && <h2>{title}</h2>}
      {children}
    </section>
  );
}

type Tone = "default" | "accent" | "danger" | "warning" | "success";

export function Badge({ tone = "default", children, title }: { tone?: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={`ui-badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

interface NoticeProps extends HTMLAttributes<HTMLDivElement> {
  tone?: Tone;
  actions?: ReactNode;
}

export function Notice({ tone = "default", actions, children, className = "", ...rest }: NoticeProps) {
  const Icon = tone === "danger" ? AlertCircle : tone === "warning" ? AlertTriangle : tone === "success" ? CheckCircle2 : Info;
  return (
    <div className={`ui-notice ${tone} ${className}`} role={tone === "danger" ? "alert" : undefined} {...rest}>
      <Icon size={16} aria-hidden />
      <div className="text">{children}</div>
      {actions}
    </div>
  );
}

// What went wrong, with a button to try again.
export function ErrorBox({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useTexts(texts);
  const say = useErrorText();
  return (
    <Notice
      tone="danger"
      data-testid="error-box"
      actions={
        onRetry && (
          <Button small onClick={onRetry} data-testid="error-retry">
            {t("retry")}
          </Button>
        )
      }
    >
      {say(error)}
    </Notice>
  );
}

export function Spinner() {
  return <span className="ui-spinner" aria-hidden />;
}

export function Loading() {
  const t = useTexts(texts);
  return (
    <div className="ui-empty" role="status">
      <Spinner />
      <span className="sr-only">{t("loading")}</span>
    </div>
  );
}

// Nothing here yet: what it is for, and how to begin.
export function Empty({ icon, title, children, action }: { icon?: ReactNode; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="ui-empty">
      {icon && <div className="icon">{icon}</div>}
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}
