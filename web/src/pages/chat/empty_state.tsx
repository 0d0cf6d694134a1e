import { Code2, GraduationCap, Lightbulb, PenLine } from "lucide-react";
import { useSession } from "@/api/session";
import { useTexts } from "@/i18n";
import { Logo } from "@/shell/logo";
import { Notice } from "@/ui";
import { texts } from "./texts";

const kSuggestions = [
  ["s1", "s1Text", GraduationCap],
  ["s2", "s2Text", PenLine],
  ["s3", "s3Text", Code2],
  ["s4", "s4Text", Lightbulb],
] as const;

export function EmptyState({ untaught, onPick }: { untaught: boolean; onPick: (text: string) => void }) {
  const t = useTexts(texts);
  const { user, usersEnabled } = useSession();
  return (
    <div className="empty-state" data-testid="empty-state">
      <Logo size={44} />
      <h2>{usersEnabled && user ? t("helloNamed", { name: user.name }) : t("hello")}</h2>
      {untaught && <Notice tone="warning">{t("untaught")}</Notice>}
      <div className="suggestions">
        {kSuggestions.map(([title, text, Icon]) => (
          <button key={title} type="button" onClick={() => onPick(t(text))} data-testid="suggestion">
            <Icon size={18} aria-hidden />
            <span className="words">
              <b>{t(title)}</b>
              <span>{t(text)}</span>
            </span>
          </button>
        ))}
      </div>
    </div>
  );
}
