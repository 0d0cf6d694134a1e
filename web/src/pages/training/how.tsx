import { Check, ChartSpline, Copy } from "lucide-react";
import { Empty } from "@/ui";
import { useCopy } from "../playground/use_copy";

// Nothing is there: the command that would bring something.
export function How({ title, text, command, testId }: { title: string; text: string; command: string; testId: string }) {
  const { copied, copy } = useCopy();
  return (
    <div className="training-how" data-testid={testId}>
      <Empty
        icon={<ChartSpline size={24} />}
        title={title}
        action={
          <button type="button" className="command" onClick={() => void copy(command)}>
            <code>{command}</code>
            {copied ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
          </button>
        }
      >
        {text}
      </Empty>
    </div>
  );
}
