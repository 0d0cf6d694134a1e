import { X } from "lucide-react";
import { useState } from "react";
import type { Feedback } from "@/api/types";
import { useTexts } from "@/i18n";
import { Button, Dialog, ErrorBox, IconButton, Input, TextArea } from "@/ui";
import { texts } from "./texts";

// Kept with the feedback as they are; shown in the user's language.
export const kGoodReasons = ["correct", "helpful", "clear", "well_written"] as const;
export const kBadReasons = ["wrong", "unhelpful", "ignored", "unclear", "too_long", "too_short", "language", "harmful"] as const;

interface RatingProps {
  rating: Feedback;
  onSend: (reasons: string[], comment: string) => void;
  onClose: () => void;
}

export function RatingPanel({ rating, onSend, onClose }: RatingProps) {
  const t = useTexts(texts);
  const [reasons, setReasons] = useState<string[]>(rating.reasons ?? []);
  const [comment, setComment] = useState(rating.comment ?? "");
  const all = rating.rating > 0 ? kGoodReasons : kBadReasons;
  return (
    <form
      className="rating-panel"
      aria-label={t("ratingThanks")}
      onSubmit={(event) => {
        event.preventDefault();
        onSend(reasons, comment.trim());
      }}
      data-testid="rating-dialog"
    >
      <div className="row">
        <span className="grow small">{t("ratingThanks")}</span>
        <IconButton small label={t("ratingSkip")} onClick={onClose}>
          <X size={15} />
        </IconButton>
      </div>
      <div className="row-wrap">
        {all.map((reason) => (
          <button
            key={reason}
            type="button"
            className="reason"
            aria-pressed={reasons.includes(reason)}
            onClick={() => setReasons(reasons.includes(reason) ? reasons.filter((one) => one !== reason) : [...reasons, reason])}
            data-testid="rating-reason"
          >
            {t(reason)}
          </button>
        ))}
      </div>
      <div className="row">
        <Input
          aria-label={t("ratingComment")}
          placeholder={t("ratingComment")}
          value={comment}
          maxLength={4000}
          onChange={(event) => setComment(event.target.value)}
          data-testid="rating-comment"
        />
        <Button kind="primary" type="submit" data-testid="rating-send">
          {t("ratingSend")}
        </Button>
      </div>
    </form>
  );
}

interface CorrectionProps {
  initial: string;
  onSend: (text: string) => Promise<void>;
  onClose: () => void;
}

export function CorrectionDialog({ initial, onSend, onClose }: CorrectionProps) {
  const t = useTexts(texts);
  const [text, setText] = useState(initial);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const send = async () => {
    setBusy(true);
    try {
      await onSend(text.trim());
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("suggest")}
      onClose={onClose}
      wide
      testId="correction-dialog"
      footer={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button
            kind="primary"
            disabled={busy || !text.trim() || text.trim() === initial.trim()}
            onClick={() => void send()}
            data-testid="correction-send"
          >
            {t("save")}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p className="muted small">{t("suggestHint")}</p>
        <TextArea
          aria-label={t("suggest")}
          rows={12}
          value={text}
          autoFocus
          onChange={(event) => setText(event.target.value)}
          data-testid="correction-text"
        />
        {error !== null && <ErrorBox error={error} />}
      </div>
    </Dialog>
  );
}
