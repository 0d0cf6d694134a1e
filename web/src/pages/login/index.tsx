import { Eye, EyeOff } from "lucide-react";
import { useEffect, useState, type FormEvent } from "react";
import { useLocation, useSearch } from "wouter";
import { api, ApiError } from "@/api/client";
import { useSession } from "@/api/session";
import type { Session } from "@/api/types";
import { useLanguage, useTexts } from "@/i18n";
import { Button, Field, IconButton, Input, Notice, Segmented, Spinner, useErrorText } from "@/ui";
import { checkName, checkNewPassword, invitationIn, kShortestPassword } from "../accounts/validate";
import { texts } from "./texts";
import "./login.css";

type Mode = "login" | "signup" | "setup";

// Log-in; sign-up with an invitation (/signup?invitation=CODE); the first administrator.
export default function LoginPage() {
  const t = useTexts(texts);
  const { setupNeeded, replace, updateSettings } = useSession();
  const language = useLanguage();
  const [path, navigate] = useLocation();
  const code = invitationIn(useSearch());
  const [chosen, setChosen] = useState<Mode | null>(null);
  const mode: Mode = setupNeeded ? "setup" : chosen ?? (path === "/signup" || code ? "signup" : "login");
  useEffect(() => {
    document.title = `${t(`${mode}Title`)} · parley`;
  }, [t, mode]);

  const done = async (session: Session) => {
    // The code does not stay in the address; what was asked for before the log-in does.
    if (path === "/signup" || code) navigate("/", { replace: true });
    await replace(session);
  };
  return (
    <main className="login" data-testid="page-login">
      <div className="login-box">
        <header>
          <img src="/favicon.svg" alt="" width={44} height={44} />
          <h1>{t(`${mode}Title`)}</h1>
          <p className="muted">{t(`${mode}Lead`)}</p>
        </header>
        <LoginForm key={mode} mode={mode} code={code} onDone={done} />
        {mode === "login" && (
          <Button kind="ghost" small onClick={() => setChosen("signup")} data-testid="login-to-signup">
            {t("haveInvitation")}
          </Button>
        )}
        {mode === "signup" && (
          <Button kind="ghost" small onClick={() => setChosen("login")} data-testid="login-to-login">
            {t("haveAccount")}
          </Button>
        )}
      </div>
      <Segmented
        label={t("language")}
        value={language}
        onChange={(chosenLanguage) => void updateSettings({ language: chosenLanguage })}
        options={[
          { value: "en", label: "English" },
          { value: "zh", label: "中文" },
        ]}
        testId="login-language"
      />
    </main>
  );
}

type Problem = keyof typeof texts.en;
type Problems = Partial<Record<"name" | "password" | "again" | "invitation", Problem>>;

function LoginForm({ mode, code, onDone }: { mode: Mode; code: string; onDone: (session: Session) => Promise<void> }) {
  const t = useTexts(texts);
  const say = useErrorText();
  const [form, setForm] = useState({ name: "", password: "", again: "", invitation: code });
  const [shown, setShown] = useState(false);
  const [problems, setProblems] = useState<Problems>({});
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const fresh = mode !== "login";

  const check = (): Problems => {
    const found: Problems = {};
    const name = checkName(form.name);
    if (name) found.name = name;
    if (!fresh) {
      if (form.password === "") found.password = "passwordMissing";
      return found;
    }
    const password = checkNewPassword(form.password, form.again);
    if (password === "passwordDifferent") found.again = password;
    else if (password) found.password = password;
    if (mode === "signup" && form.invitation.trim() === "") found.invitation = "invitationMissing";
    return found;
  };
  const refuse = (error: unknown) => {
    if (!(error instanceof ApiError)) return setFailure(say(error));
    if (error.code === "wrong_password") setFailure(t("wrong"));
    else if (error.status === 429) setFailure(t("tooMany"));
    else if (error.code === "name_taken" || error.status === 409) setProblems({ name: "taken" });
    else if (error.code === "bad_invitation" && mode === "signup") setProblems({ invitation: "badInvitation" });
    else if (error.code === "disabled") setFailure(t("disabled"));
    else setFailure(say(error));
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const found = check();
    setProblems(found);
    setFailure("");
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      const name = form.name.trim();
      const session =
        mode === "login"
          ? await api.post<Session>("/login", { name, password: form.password })
          : await api.post<Session>("/signup", {
              name,
              password: form.password,
              ...(mode === "signup" ? { invitation: form.invitation.trim() } : {}),
            });
      await onDone(session);
    } catch (error) {
      refuse(error);
      setBusy(false);
    }
  };
  const field = (key: keyof typeof form) => ({
    value: form[key],
    onChange: (event: { target: { value: string } }) => {
      setForm({ ...form, [key]: event.target.value });
      setProblems({ ...problems, [key]: undefined });
    },
  });
  const error = (key: keyof Problems) => {
    const problem = problems[key];
    return problem && t(problem, { n: kShortestPassword });
  };
  const type = shown ? "text" : "password";
  return (
    <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
      {failure && (
        <Notice tone="danger" data-testid="login-error">
          {failure}
        </Notice>
      )}
      {mode === "signup" && (
        <Field label={t("invitation")} error={error("invitation")}>
          <Input className="mono" autoComplete="off" spellCheck={false} {...field("invitation")} data-testid="login-invitation" />
        </Field>
      )}
      <Field label={t("name")} error={error("name")}>
        <Input autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus {...field("name")} data-testid="login-name" />
      </Field>
      <Field
        label={t("password")}
        hint={fresh ? t("passwordHint", { n: kShortestPassword }) : undefined}
        error={error("password")}
        end={
          <IconButton
            small
            label={t(shown ? "hidePassword" : "showPassword")}
            aria-pressed={shown}
            className="eye"
            onClick={() => setShown(!shown)}
            data-testid="login-show"
          >
            {shown ? <EyeOff size={15} /> : <Eye size={15} />}
          </IconButton>
        }
      >
        <Input type={type} autoComplete={fresh ? "new-password" : "current-password"} {...field("password")} data-testid="login-password" />
      </Field>
      {fresh && (
        <Field label={t("again")} error={error("again")}>
          <Input type={type} autoComplete="new-password" {...field("again")} data-testid="login-again" />
        </Field>
      )}
      <Button kind="primary" type="submit" disabled={busy} className="login-go" data-testid="login-submit">
        {busy && <Spinner />} {t(mode)}
      </Button>
    </form>
  );
}
