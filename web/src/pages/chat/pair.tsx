import { Equal, ThumbsUp } from "lucide-react";
import type { Message } from "@/api/types";
import { useTexts } from "@/i18n";
import { Button } from "@/ui";
import { AnswerBody } from "./assistant_message";
import { texts } from "./texts";
import type { Chat } from "./use_chat";

// Two answers to one question, side by side or (where there is no room) one below the other.
export function Pair({ chat, pair }: { chat: Chat; pair: [Message, Message] }) {
  const t = useTexts(texts);
  const [first, second] = pair;
  const writing = pair.some((one) => one.status === "streaming");
  return (
    <section className="pair" aria-label={t("pairTitle")} data-testid="pair">
      <h3>{t("pairTitle")}</h3>
      <div className="pair-answers">
        {pair.map((message, index) => (
          <article key={message.id} className="pair-answer" data-id={message.id} data-status={message.status}>
            <header>{t(index ? "pairSecond" : "pairFirst")}</header>
            <AnswerBody message={message} />
            <Button
              small
              kind="primary"
              disabled={writing}
              onClick={() => void chat.choose(message, index ? first : second, false)}
              data-testid={index ? "choose-second" : "choose-first"}
            >
              <ThumbsUp size={14} />
              {t(index ? "chooseSecond" : "chooseFirst")}
            </Button>
          </article>
        ))}
      </div>
      <Button small disabled={writing} onClick={() => void chat.choose(first, second, true)} data-testid="choose-tie">
        <Equal size={14} />
        {t("chooseTie")}
      </Button>
    </section>
  );
}
