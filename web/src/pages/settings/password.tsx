import { useState, type FormEvent } from "react";
import { api, ApiError } from "@/api/client";
import { useTexts } from "@/i18n";
import { Button, Field, Input, useErrorText, useToast } from "@/ui";
import { checkPasswordChange, kShortestPassword } from "../accounts/validate";
import { texts } from "./texts";

const kNothing = { old: "", fresh: "", again: "" };

export function PasswordForm() {
  const t = useTexts(texts);
  const toast = useToast();
  const say = useErrorText();
  const [form, setForm] = useState(kNothing);
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState(false);
  const problems = checkPasswordChange(form);
  const error = (field: keyof typeof form) => {
    if (field === "old" && wrong) return t("passwordWrong");
    const problem = tried ? problems[field] : undefined;
    return problem && t(problem, { n: kShortestPassword });
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(problems).length > 0) return;
    try {
      await api.post("/password", { old: form.old, new: form.fresh });
      setForm(kNothing);
      setTried(false);
      toast(t("passwordChanged"));
    } catch (failure) {
      if (failure instanceof ApiError && failure.code === "wrong_password") setWrong(true);
      else toast(say(failure), { danger: true });
    }
  };
  const field = (key: keyof typeof form, label: string, autoComplete: string) => (
    <Field label={label} error={error(key)}>
      <Input
        type="password"
        autoComplete={autoComplete}
        value={form[key]}
        onChange={(event) => {
          setForm({ ...form, [key]: event.target.value });
          setWrong(false);
        }}
        data-testid={`password-${key}`}
      />
    </Field>
  );
  return (
    <details className="params-fold">
      <summary data-testid="settings-password">{t("password")}</summary>
      <form className="stack password-form" onSubmit={(event) => void submit(event)} noValidate>
        {field("old", t("oldPassword"), "current-password")}
        {field("fresh", t("newPassword"), "new-password")}
        {field("again", t("repeat"), "new-password")}
        <div>
          <Button small kind="primary" type="submit" data-testid="password-save">
            {t("changePassword")}
          </Button>
        </div>
      </form>
    </details>
  );
}
