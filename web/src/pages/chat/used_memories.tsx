import { Brain } from "lucide-react";
import type { Message } from "@/api/types";
import { useTexts } from "@/i18n";
import { Menu, MenuLink, MenuSeparator } from "@/ui";
import { texts } from "./texts";

// The memories an answer was given.
export function UsedMemories({ message }: { message: Message }) {
  const t = useTexts(texts);
  const used = message.used_memories;
  if (!used.length) return null;
  return (
    <Menu
      trigger={(props) => (
        <button type="button" className="chip-button" {...props} data-testid="used-memories">
          <Brain size={14} aria-hidden />
          {t("memoriesUsed", { n: used.length })}
        </button>
      )}
    >
      <ul className="memory-list">
        {used.map((memory) => (
          <li key={memory.id} data-testid="memory-used">
            {memory.text}
          </li>
        ))}
      </ul>
      <MenuSeparator />
      <MenuLink href="/memory">{t("manageMemory")}</MenuLink>
    </Menu>
  );
}
