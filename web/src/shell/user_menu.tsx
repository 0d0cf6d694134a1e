import { Download, Languages, LogOut, Monitor, Moon, Settings, Sun, Upload, Users } from "lucide-react";
import { useLocation } from "wouter";
import { api, href } from "@/api/client";
import { useSession } from "@/api/session";
import type { Settings as UserSettings } from "@/api/types";
import { useTexts } from "@/i18n";
import { Menu, MenuHeading, MenuItem, MenuLink, MenuSeparator, useErrorText, useToast } from "@/ui";
import { texts } from "./texts";

export function UserMenu({ onImport }: { onImport: () => void }) {
  const t = useTexts(texts);
  const say = useErrorText();
  const toast = useToast();
  const { user, usersEnabled, settings, updateSettings, replace } = useSession();
  const [, navigate] = useLocation();
  const name = usersEnabled ? (user?.name ?? "") : t("localUser");
  const set = (change: Partial<UserSettings>) => void updateSettings(change).catch((error: unknown) => toast(say(error), { danger: true }));
  const logOut = async () => {
    try {
      await api.post("/logout");
      await replace();
      navigate("/");
    } catch (error) {
      toast(say(error), { danger: true });
    }
  };
  const check = (yes: boolean) => (yes ? "✓" : undefined);
  return (
    <Menu
      testId="user-menu-items"
      trigger={(props) => (
        <button type="button" className="user-button" {...props} data-testid="user-menu">
          <span className="avatar" aria-hidden>
            {[...name][0]?.toUpperCase()}
          </span>
          <span className="truncate">{name}</span>
          <span className="sr-only">{t("account")}</span>
        </button>
      )}
    >
      <MenuHeading>{t("language")}</MenuHeading>
      {(
        [
          ["auto", t("languageAuto")],
          ["en", "English"],
          ["zh", "简体中文"],
        ] as const
      ).map(([value, label]) => (
        <MenuItem
          key={value}
          icon={<Languages size={16} />}
          checked={settings.language === value}
          end={check(settings.language === value)}
          onSelect={() => set({ language: value })}
          testId={`language-${value}`}
        >
          {label}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuHeading>{t("theme")}</MenuHeading>
      {(
        [
          ["auto", t("themeAuto"), Monitor],
          ["light", t("themeLight"), Sun],
          ["dark", t("themeDark"), Moon],
        ] as const
      ).map(([value, label, Icon]) => (
        <MenuItem
          key={value}
          icon={<Icon size={16} />}
          checked={settings.theme === value}
          end={check(settings.theme === value)}
          onSelect={() => set({ theme: value })}
          testId={`theme-${value}`}
        >
          {label}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuItem icon={<Upload size={16} />} onSelect={() => setTimeout(onImport)} testId="import-open">
        {t("import")}
      </MenuItem>
      <MenuLink download href={href("/export")} icon={<Download size={16} />} testId="export-all">
        {t("exportAll")}
      </MenuLink>
      <MenuLink href="/settings" icon={<Settings size={16} />} testId="nav-settings">
        {t("settings")}
      </MenuLink>
      {usersEnabled && user?.role === "admin" && (
        <MenuLink href="/accounts" icon={<Users size={16} />} testId="nav-accounts">
          {t("accounts")}
        </MenuLink>
      )}
      {usersEnabled && (
        <MenuItem icon={<LogOut size={16} />} onSelect={() => void logOut()} testId="logout">
          {t("logOut")}
        </MenuItem>
      )}
    </Menu>
  );
}
