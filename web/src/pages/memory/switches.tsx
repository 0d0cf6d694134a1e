import { useSession } from "@/api/session";
import type { Settings } from "@/api/types";
import { useTexts } from "@/i18n";
import { Switch, useErrorText, useToast } from "@/ui";
import { texts } from "./texts";

// The two switches; the settings page has them too.
export function MemorySwitches() {
  const t = useTexts(texts);
  const toast = useToast();
  const say = useErrorText();
  const { settings, updateSettings } = useSession();
  const set = (change: Partial<Settings>) => updateSettings(change).catch((error) => toast(say(error), { danger: true }));
  return (
    <div className="stack">
      <Switch
        label={t("use")}
        hint={t("useHint")}
        checked={settings.memory}
        onChange={(memory) => void set({ memory })}
        data-testid="memory-on"
      />
      <Switch
        label={t("suggest")}
        hint={t("suggestHint")}
        checked={settings.suggest_memories}
        disabled={!settings.memory}
        onChange={(suggest_memories) => void set({ suggest_memories })}
        data-testid="memory-suggest"
      />
    </div>
  );
}
