import { Check, ChevronDown, Copy, CornerDownRight, Eraser, Play, Plus, Square, X } from "lucide-react";
import { useEffect, useId, useMemo, useState, type KeyboardEvent } from "react";
import { useSession } from "@/api/session";
import { useFormats, useTexts } from "@/i18n";
import { recall, remember } from "@/lib/storage";
import { Badge, Button, ErrorBox, Field, IconButton, Page, Segmented, Select, Spinner, TextArea } from "@/ui";
import { ParamFields } from "../params/param_fields";
import { CodeSamples } from "./code_samples";
import { RawPrompt } from "./raw_prompt";
import { check, restoreForm, type ChatMessage, type Form, type Mode } from "./request";
import type { Choice } from "./stream";
import { texts } from "./texts";
import { TokenView } from "./token_view";
import { perplexity, readable, type Alternative, type Token } from "./tokens";
import { useCopy } from "./use_copy";
import { useRun, type Run } from "./use_run";
import "./playground.css";

const kKept = "playground";

function useForm() {
  const { models, settings } = useSession();
  const [form, setForm] = useState<Form>(() => restoreForm(recall(kKept)));
  const standard = models.some((model) => model.id === settings.model) ? settings.model : models[0]?.id ?? "";
  const model = models.some((one) => one.id === form.model) ? form.model : standard;
  const whole = useMemo(() => ({ ...form, model }), [form, model]);
  useEffect(() => {
    const timer = setTimeout(() => remember(kKept, JSON.stringify(whole)), 400);
    return () => clearTimeout(timer);
  }, [whole]);
  const change = (fields: Partial<Form>) => setForm((before) => ({ ...before, ...fields }));
  return [whole, change] as const;
}

export default function PlaygroundPage() {
  const t = useTexts(texts);
  const { models } = useSession();
  const [form, change] = useForm();
  const { run, start, stop, clear } = useRun();
  const [view, setView] = useState<"tokens" | "text">("tokens");
  const problems = check(form);
  const ready = Object.keys(problems).length === 0 && form.model !== "";
  const [tried, setTried] = useState(false);

  const go = (asked: Form = form) => {
    setTried(true);
    if (Object.keys(check(asked)).length === 0 && asked.model !== "") void start(asked);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (run.running) stop();
    else go();
  };

  // The prompt with tokens of an answer behind it, and one that was not chosen.
  const branch = (before: Token[], instead: Alternative) => {
    if (!run.form) return;
    const bytes = [...before.flatMap((token) => token.bytes), ...instead.bytes];
    const next: Form = { ...form, prompt: run.form.prompt + readable(bytes) };
    change({ prompt: next.prompt });
    go(next);
  };
  const canContinue = run.form?.mode === "completion" && run.form.suffix === "";

  return (
    <Page
      title={t("title")}
      wide
      testId="page-playground"
      actions={
        <Segmented<Mode>
          label={t("mode")}
          value={form.mode}
          onChange={(mode) => change({ mode })}
          options={[
            { value: "completion", label: t("completion") },
            { value: "chat", label: t("chat") },
          ]}
          testId="playground-mode"
        />
      }
    >
      <p className="lead small">{form.mode === "chat" ? t("chatHint") : t("completionHint")}</p>
      <div className="playground">
        <div className="main" onKeyDown={onKeyDown}>
          {form.mode === "chat" ? (
            <Messages form={form} change={change} missing={tried && problems.messages === "empty"} />
          ) : (
            <CompletionInput form={form} change={change} />
          )}
          <div className="row-wrap run-bar">
            {run.running ? (
              <Button kind="primary" onClick={stop} data-testid="playground-stop">
                <Square size={15} fill="currentColor" /> {t("stop")}
              </Button>
            ) : (
              <Button kind="primary" onClick={() => go()} disabled={!ready && tried} data-testid="playground-run">
                <Play size={15} fill="currentColor" /> {t("run")}
              </Button>
            )}
            {(run.form || run.failure !== null) && !run.running && (
              <Button kind="ghost" onClick={clear} data-testid="playground-clear">
                <Eraser size={15} /> {t("clear")}
              </Button>
            )}
            <span className="small muted grow shortcut">{t("promptHint")}</span>
            {tried && !ready && problems.messages === undefined && <Badge tone="danger">{t("fixFirst")}</Badge>}
          </div>
          <OutputView
            run={run}
            view={view}
            setView={setView}
            onBranch={canContinue && !run.running ? branch : undefined}
            onContinue={
              canContinue && !run.running
                ? (choice) => change({ mode: "completion", prompt: run.form!.prompt + choice.text })
                : undefined
            }
          />
          <Fold title={t("raw")} startOpen={form.mode === "chat"} key={`raw-${form.mode}`} testId="raw-fold">
            <RawPrompt form={form} context={models.find((model) => model.id === form.model)?.context ?? 0} />
          </Fold>
          <Fold title={t("code")} startOpen={false} testId="code-fold">
            <CodeSamples form={form} />
          </Fold>
        </div>
        <Parameters form={form} change={change} problems={problems} />
      </div>
    </Page>
  );
}

interface FormProps {
  form: Form;
  change: (fields: Partial<Form>) => void;
}

function CompletionInput({ form, change }: FormProps) {
  const t = useTexts(texts);
  return (
    <>
      <Field label={t("prompt")}>
        <TextArea
          className="prompt-text"
          rows={7}
          value={form.prompt}
          placeholder={t("promptPlaceholder")}
          onChange={(event) => change({ prompt: event.target.value })}
          data-testid="playground-prompt"
          spellCheck={false}
        />
      </Field>
      <Fold title={t("suffix")} startOpen={form.suffix !== ""} quiet testId="suffix-fold">
        <Field label={<span className="sr-only">{t("suffix")}</span>} hint={t("suffixHint")}>
          <TextArea
            className="prompt-text"
            rows={3}
            value={form.suffix}
            onChange={(event) => change({ suffix: event.target.value })}
            data-testid="playground-suffix"
            spellCheck={false}
          />
        </Field>
      </Fold>
    </>
  );
}

function Messages({ form, change, missing }: FormProps & { missing: boolean }) {
  const t = useTexts(texts);
  const set = (index: number, fields: Partial<ChatMessage>) =>
    change({ messages: form.messages.map((message, i) => (i === index ? { ...message, ...fields } : message)) });
  const add = () => {
    const last = form.messages.at(-1)?.role;
    change({ messages: [...form.messages, { role: last === "user" ? "assistant" : "user", content: "" }] });
  };
  return (
    <div className="stack turns" data-testid="playground-messages">
      {form.messages.map((message, i) => (
        <div key={i} className={`turn ${message.role}`}>
          <div className="row">
            <Select
              value={message.role}
              aria-label={t("role", { n: i + 1 })}
              onChange={(event) => set(i, { role: event.target.value as ChatMessage["role"] })}
              data-testid={`message-role-${i}`}
            >
              <option value="system">{t("system")}</option>
              <option value="user">{t("user")}</option>
              <option value="assistant">{t("assistant")}</option>
            </Select>
            <span className="grow" />
            {form.messages.length > 1 && (
              <IconButton
                small
                label={t("removeMessage", { n: i + 1 })}
                onClick={() => change({ messages: form.messages.filter((_, other) => other !== i) })}
                data-testid={`message-remove-${i}`}
              >
                <X size={15} />
              </IconButton>
            )}
          </div>
          <TextArea
            rows={message.role === "system" ? 2 : 3}
            value={message.content}
            aria-label={t("message", { n: i + 1 })}
            onChange={(event) => set(i, { content: event.target.value })}
            data-testid={`message-text-${i}`}
          />
        </div>
      ))}
      {missing && (
        <p className="small over" role="alert">
          {t("noMessages")}
        </p>
      )}
      <Button small kind="ghost" className="self-start" onClick={add} data-testid="message-add">
        <Plus size={15} /> {t("addMessage")}
      </Button>
    </div>
  );
}

function Parameters({ form, change, problems }: FormProps & { problems: ReturnType<typeof check> }) {
  const t = useTexts(texts);
  const { models } = useSession();
  const [open, setOpen] = useState(false); // on narrow screens
  const id = useId();
  return (
    <aside className="params" aria-label={t("parameters")}>
      <button
        type="button"
        className="params-toggle"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
        data-testid="params-toggle"
      >
        {t("parameters")} <ChevronDown size={16} aria-hidden />
      </button>
      <div id={id} className={open ? "fields open" : "fields"}>
        <Field label={t("model")}>
          <Select value={form.model} onChange={(event) => change({ model: event.target.value })} data-testid="playground-model">
            {models.map((model) => (
              <option key={model.id} value={model.id}>
                {model.id}
              </option>
            ))}
          </Select>
        </Field>
        <ParamFields form={form} problems={problems} onChange={change} testId="playground" />
      </div>
    </aside>
  );
}

interface OutputProps {
  run: Run;
  view: "tokens" | "text";
  setView: (view: "tokens" | "text") => void;
  onBranch?: (before: Token[], instead: Alternative) => void;
  onContinue?: (choice: Choice) => void;
}

const kLevels = [
  [0, "< 5 %"],
  [1, "5–20 %"],
  [2, "20–50 %"],
  [3, "50–80 %"],
  [4, "> 80 %"],
] as const;

function OutputView({ run, view, setView, onBranch, onContinue }: OutputProps) {
  const t = useTexts(texts);
  const { choices } = run.output;
  if (!run.form && run.failure === null)
    return (
      <section className="output empty" aria-label={t("output")}>
        <p className="muted small">{t("outputEmpty")}</p>
      </section>
    );
  return (
    <section className="output" aria-label={t("output")} data-testid="playground-output">
      <div className="row-wrap output-head">
        <h2 className="grow">{t("output")}</h2>
        <Segmented
          label={t("view")}
          value={view}
          onChange={setView}
          options={[
            { value: "tokens", label: t("viewTokens") },
            { value: "text", label: t("viewText") },
          ]}
          testId="output-view"
        />
      </div>
      {view === "tokens" && (
        <div className="legend" role="img" aria-label={`${t("legend")}: ${kLevels.map(([, text]) => text).join(", ")}`}>
          {kLevels.map(([level, text]) => (
            <span key={level} className="token" data-level={level}>
              {text}
            </span>
          ))}
        </div>
      )}
      {run.failure !== null && <ErrorBox error={run.failure} />}
      {run.running && choices.length === 0 && (
        <p className="muted" role="status">
          <Spinner />
        </p>
      )}
      {choices.map((choice, i) => (
        <ChoiceView
          key={i}
          index={i}
          choice={choice}
          run={run}
          only={choices.length === 1}
          plain={view === "text"}
          onBranch={onBranch}
          onContinue={onContinue}
        />
      ))}
    </section>
  );
}

interface ChoiceProps {
  index: number;
  choice: Choice;
  run: Run;
  only: boolean;
  plain: boolean;
  onBranch?: OutputProps["onBranch"];
  onContinue?: OutputProps["onContinue"];
}

function ChoiceView({ index, choice, run, only, plain, onBranch, onContinue }: ChoiceProps) {
  const t = useTexts(texts);
  const formats = useFormats();
  const { copied, copy } = useCopy();
  const running = run.running && choice.finish === null;
  const surprise = perplexity(choice.tokens);
  const { usage } = run.output;
  const end =
    choice.finish === "stop" ? t("finishStop") : choice.finish === "length" ? t("finishLength") : run.stopped ? t("stopped") : choice.finish;
  const facts = [
    t("tokens", { n: choice.tokens.length }),
    surprise !== null && t("perplexity", { value: formats.fixed(surprise, 2) }),
    only && run.tokensPerSecond !== null && t("speed", { value: formats.fixed(run.tokensPerSecond, 1) }),
    only && run.firstTokenMs !== null && t("firstToken", { value: formats.number(run.firstTokenMs) }),
    only && usage && usage.cached_tokens > 0 && t("cached", { n: usage.cached_tokens, all: usage.prompt_tokens }),
    !running && end,
  ].filter((fact): fact is string => typeof fact === "string" && fact !== "");
  return (
    <div className="choice" data-testid="choice">
      {!only && <h3>{t("answer", { n: index + 1 })}</h3>}
      {plain || (choice.tokens.length === 0 && choice.text !== "") ? (
        <div className="plain-text" data-testid="output-text">
          {choice.text}
          {running && <span className="tokens-caret" aria-hidden />}
        </div>
      ) : (
        <TokenView
          tokens={choice.tokens}
          running={running}
          label={only ? t("output") : t("answer", { n: index + 1 })}
          onBranch={onBranch}
        />
      )}
      <div className="row-wrap facts">
        <span className="small muted grow" data-testid="output-facts">
          {facts.join(" · ")}
        </span>
        {!running && choice.text !== "" && (
          <>
            {onContinue && (
              <Button small kind="ghost" title={t("continueHint")} onClick={() => onContinue(choice)} data-testid="output-continue">
                <CornerDownRight size={15} /> {t("continue")}
              </Button>
            )}
            <IconButton small label={copied ? t("copied") : t("copy")} onClick={() => void copy(choice.text)} data-testid="output-copy">
              {copied ? <Check size={15} /> : <Copy size={15} />}
            </IconButton>
          </>
        )}
      </div>
    </div>
  );
}

interface FoldProps {
  title: string;
  startOpen: boolean;
  quiet?: boolean;
  testId: string;
  children: React.ReactNode;
}

// A heading that opens what is below it; what is closed is not there, and asks for nothing.
function Fold({ title, startOpen, quiet, testId, children }: FoldProps) {
  const [open, setOpen] = useState(startOpen);
  const id = useId();
  return (
    <section className={quiet ? "fold quiet" : "fold"}>
      <button type="button" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)} data-testid={testId}>
        <ChevronDown size={16} aria-hidden /> {title}
      </button>
      <div id={id} className="fold-body">
        {open && children}
      </div>
    </section>
  );
}
