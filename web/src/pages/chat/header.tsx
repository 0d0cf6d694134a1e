import { ChevronDown, Menu as MenuIcon, SlidersHorizontal, SquarePen } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { useSession } from "@/api/session";
import { useFormats, useTexts } from "@/i18n";
import { useShell } from "@/shell/context";
import { IconButton, Menu, MenuItem } from "@/ui";
import { OptionsDialog } from "./options_dialog";
import { texts } from "./texts";
import type { Chat } from "./use_chat";

export function ChatHeader({ chat }: { chat: Chat }) {
  const t = useTexts(texts);
  const formats = useFormats();
  const shell = useShell();
  const { settings } = useSession();
  const [options, setOptions] = useState(false);
  const changed = chat.system !== "" || Object.keys(chat.params).length > 0;
  return (
    <header className="chat-header">
      {shell.sidebarHidden && (
        <IconButton label={t("openSidebar")} onClick={shell.openSidebar} data-testid="sidebar-open">
          <MenuIcon size={20} />
        </IconButton>
      )}
      <Menu
        trigger={(props) => (
          <button type="button" className="model-button" {...props} aria-label={`${t("model")}: ${chat.model || t("noModel")}`} data-testid="model-picker">
            <span className="truncate">{chat.model || t("noModel")}</span>
            <ChevronDown size={16} aria-hidden />
          </button>
        )}
      >
        {chat.models.map((model) => (
          <MenuItem
            key={model.id}
            checked={model.id === chat.model}
            end={model.id === chat.model ? "✓" : undefined}
            onSelect={() => chat.change({ model: model.id })}
            testId="model-option"
          >
            <span className="model-option" data-id={model.id}>
              <span>{model.id}</span>
              <span className="muted">{t("contextOf", { n: formats.number(model.context) })}</span>
            </span>
          </MenuItem>
        ))}
      </Menu>
      <h1 className="sr-only" data-testid="chat-title">
        {chat.conversation?.title || t("newChat")}
      </h1>
      <span className="grow" />
      <IconButton label={t("options")} aria-pressed={changed} onClick={() => setOptions(true)} data-testid="chat-options">
        <SlidersHorizontal size={18} />
      </IconButton>
      {shell.sidebarHidden && (
        <Link href="/" className="ui-icon-button" aria-label={t("newChat")} title={t("newChat")}>
          <SquarePen size={18} />
        </Link>
      )}
      {options && (
        <OptionsDialog
          system={chat.system}
          params={chat.params}
          standard={settings.params}
          context={chat.models.find((one) => one.id === chat.model)?.context ?? 0}
          onSave={chat.change}
          onClose={() => setOptions(false)}
        />
      )}
    </header>
  );
}
