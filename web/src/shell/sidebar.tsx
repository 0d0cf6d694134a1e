import {
  Archive,
  ArrowLeft,
  BookMarked,
  Brain,
  Files,
  FlaskConical,
  LineChart,
  PanelLeftClose,
  Search,
  SquarePen,
  ThumbsUp,
} from "lucide-react";
import { useState } from "react";
import { Link, useLocation, useRoute } from "wouter";
import { useTexts } from "@/i18n";
import { IconButton } from "@/ui";
import { ConversationList } from "./conversation_list";
import { Logo } from "./logo";
import { texts } from "./texts";
import { UserMenu } from "./user_menu";

const kMac = typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.platform);

interface Props {
  onClose: () => void; // hides it
  onVisit: () => void; // a page was chosen: a drawer closes
  onSearch: () => void;
  onImport: () => void;
}

export function Sidebar({ onClose, onVisit, onSearch, onImport }: Props) {
  const t = useTexts(texts);
  const [path] = useLocation();
  const [, chat] = useRoute("/c/:id");
  const [archived, setArchived] = useState(false);
  const pages = [
    ["memory", Brain],
    ["files", Files],
    ["presets", BookMarked],
    ["playground", FlaskConical],
    ["feedback", ThumbsUp],
    ["training", LineChart],
  ] as const;
  return (
    <aside className="sidebar" aria-label={t("sidebar")} data-testid="sidebar">
      <div className="sidebar-head">
        <Link href="/" className="brand" onClick={onVisit} aria-label="parley">
          <Logo size={26} />
          <span>parley</span>
        </Link>
        <IconButton label={t("closeSidebar")} onClick={onClose} data-testid="sidebar-close">
          <PanelLeftClose size={19} />
        </IconButton>
      </div>
      <div className="sidebar-top">
        <Link href="/" className="side-link new" onClick={onVisit} data-testid="new-chat">
          <SquarePen size={17} />
          {t("newChat")}
        </Link>
        <button type="button" className="side-link" onClick={onSearch} data-testid="search-open">
          <Search size={17} />
          {t("search")}
          <kbd>{t("searchKeys", { key: kMac ? "⌘" : "Ctrl" })}</kbd>
        </button>
        <ul className="pages">
          {pages.map(([name, Icon]) => (
            <li key={name}>
              <Link
                href={`/${name}`}
                onClick={onVisit}
                aria-current={path === `/${name}` ? "page" : undefined}
                title={t(name)}
                data-testid={`nav-${name}`}
              >
                <Icon size={17} aria-hidden />
                <span>{t(name)}</span>
              </Link>
            </li>
          ))}
        </ul>
      </div>
      <div className="sidebar-scroll">
        {archived && <p className="sidebar-mode">{t("archived")}</p>}
        <ConversationList archived={archived} current={chat ? chat.id : null} onOpen={onVisit} />
      </div>
      <div className="sidebar-foot">
        <UserMenu onImport={onImport} />
        <IconButton
          label={t(archived ? "showActive" : "showArchived")}
          aria-pressed={archived}
          onClick={() => setArchived(!archived)}
          data-testid="archive-toggle"
        >
          {archived ? <ArrowLeft size={18} /> : <Archive size={18} />}
        </IconButton>
      </div>
    </aside>
  );
}
