import { LogOut } from "lucide-react";
import { Link } from "wouter";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { Settings } from "@/api/types";
import { useFormats, useTexts } from "@/i18n";
import { Badge, Button, Card, Field, Page, Segmented, Select, Switch, useErrorText, useToast } from "@/ui";
import { MemorySwitches } from "../memory/switches";
import { DataSection } from "./data";
import { InstructionsForm, ParamsForm } from "./forms";
import { PasswordForm } from "./password";
import { texts } from "./texts";
import "./settings.css";

export default function SettingsPage() {
  const t = useTexts(texts);
  const toast = useToast();
  const say = useErrorText();
  const { settings, updateSettings, models, user, usersEnabled } = useSession();
  const set = (change: Partial<Settings>) => updateSettings(change).catch((error) => toast(say(error), { danger: true }));
  return (
    <Page title={t("title")} testId="page-settings">
      <div className="settings">
        <Card title={t("appearance")}>
          <div className="setting">
            <span>{t("language")}</span>
            <Segmented
              label={t("language")}
              value={settings.language}
              onChange={(language) => void set({ language })}
              options={[
                { value: "auto", label: t("languageAuto") },
                { value: "en", label: "English" },
                { value: "zh", label: "中文" },
              ]}
              testId="settings-language"
            />
          </div>
          <div className="setting">
            <span>{t("theme")}</span>
            <Segmented
              label={t("theme")}
              value={settings.theme}
              onChange={(theme) => void set({ theme })}
              options={[
                { value: "auto", label: t("themeAuto") },
                { value: "light", label: t("themeLight") },
                { value: "dark", label: t("themeDark") },
              ]}
              testId="settings-theme"
            />
          </div>
        </Card>

        <Card title={t("chat")}>
          <div className="stack wide">
            <Switch
              label={t("enter")}
              hint={t("enterHint")}
              checked={settings.send_with_enter}
              onChange={(send_with_enter) => void set({ send_with_enter })}
              data-testid="settings-enter"
            />
            <Field label={t("model")}>
              <Select value={settings.model} onChange={(event) => void set({ model: event.target.value })} data-testid="settings-model">
                <option value="">{t("modelFirst", { model: models[0]?.id ?? "–" })}</option>
                {models.map((model) => (
                  <option key={model.id} value={model.id}>
                    {model.id}
                  </option>
                ))}
                {settings.model !== "" && !models.some((model) => model.id === settings.model) && (
                  <option value={settings.model}>{settings.model}</option>
                )}
              </Select>
            </Field>
            <ParamsForm />
          </div>
        </Card>

        <Card title={t("instructions")}>
          <InstructionsForm />
        </Card>

        <Card title={t("memory")}>
          <div className="stack">
            <MemorySwitches />
            <Link href="/memory" className="small" data-testid="settings-memory-link">
              {t("memoryLink")}
            </Link>
          </div>
        </Card>

        <DataSection />

        {usersEnabled && user && (
          <Card title={t("account")} id="account">
            <div className="stack wide">
              <div className="row-wrap">
                <span className="grow">
                  {t("loggedInAs", { name: user.name })} {user.role === "admin" && <Badge tone="accent">{t("admin")}</Badge>}
                </span>
                <LogOutButton />
              </div>
              <PasswordForm />
            </div>
          </Card>
        )}

        <About />
      </div>
    </Page>
  );
}

function LogOutButton() {
  const t = useTexts(texts);
  const toast = useToast();
  const say = useErrorText();
  const { replace } = useSession();
  const logOut = async () => {
    try {
      await api.post("/logout");
      await replace();
    } catch (error) {
      toast(say(error), { danger: true });
    }
  };
  return (
    <Button small onClick={() => void logOut()} data-testid="settings-logout">
      <LogOut size={15} /> {t("logout")}
    </Button>
  );
}

function About() {
  const t = useTexts(texts);
  const formats = useFormats();
  const { version, models } = useSession();
  return (
    <Card title={t("aboutApp")} data-testid="settings-version">
      <div className="stack">
        <p className="small">parley · {t("version", { version })}</p>
        <div className="ui-table-wrap" tabIndex={0}>
          <table className="ui-table" aria-label={t("models")}>
            <thead>
              <tr>
                <th>{t("modelName")}</th>
                <th className="number">{t("modelContext")}</th>
                <th>{t("modelKind")}</th>
              </tr>
            </thead>
            <tbody>
              {models.map((model) => (
                <tr key={model.id}>
                  <td className="model-name">{model.id}</td>
                  <td className="number">{t("tokens", { n: formats.number(model.context) })}</td>
                  <td>{model.chat ? t("modelChat") : t("modelBase")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p className="small muted">{t("apiHint", { url: `${location.origin}/v1` })}</p>
      </div>
    </Card>
  );
}
