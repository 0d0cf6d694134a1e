import { useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { api, ApiError } from "@/api/client";
import { useSession } from "@/api/session";
import type { Role, User, UserRow } from "@/api/types";
import { useFormats, useTexts } from "@/i18n";
import { Badge, IconButton, Input, Select, Switch, useConfirm, useErrorText, useToast } from "@/ui";
import { texts } from "./texts";
import { readQuota } from "./validate";

export function Users({ users }: { users: UserRow[] }) {
  const t = useTexts(texts);
  return (
    <div className="accounts-users" role="table" aria-label={t("users")} data-testid="users">
      <div className="head" role="row">
        <span role="columnheader">{t("name")}</span>
        <span role="columnheader">{t("role")}</span>
        <span role="columnheader">
          {t("quota")} <span className="hint">({t("quotaHint")})</span>
        </span>
        <span role="columnheader" className="number">
          {t("today")}
        </span>
        <span role="columnheader" className="number">
          {t("conversations")}
        </span>
        <span role="columnheader">{t("status")}</span>
        <span role="columnheader" className="sr-only">
          {t("delete")}
        </span>
      </div>
      {users.map((user) => (
        <UserLine key={user.id} user={user} />
      ))}
    </div>
  );
}

function UserLine({ user }: { user: UserRow }) {
  const t = useTexts(texts);
  const formats = useFormats();
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const say = useErrorText();
  const { user: me, refresh } = useSession();
  const [quota, setQuota] = useState<string | null>(null);
  const { name } = user;
  const over = user.daily_tokens > 0 && user.tokens_today >= user.daily_tokens;

  const complain = (error: unknown) =>
    toast(error instanceof ApiError && error.status === 409 ? t("lastAdmin") : say(error), { danger: true });
  const put = (change: Partial<UserRow>) =>
    client.setQueryData<UserRow[]>(["users"], (all) => all?.map((one) => (one.id === user.id ? { ...one, ...change } : one)));
  const change = async (fields: Partial<Pick<User, "role" | "disabled" | "daily_tokens">>) => {
    put(fields);
    try {
      put(await api.patch<User>(`/users/${user.id}`, fields));
      toast(t("saved"));
      if (user.id === me?.id) void refresh();
    } catch (error) {
      put(user);
      complain(error);
    }
  };
  const remove = async () => {
    if (!(await confirm({ title: t("deleteTitle", { name }), text: t("deleteText"), action: t("delete"), danger: true }))) return;
    try {
      await api.delete(`/users/${user.id}`);
      toast(t("deleted", { name }));
      if (user.id === me?.id) void refresh();
    } catch (error) {
      complain(error);
    }
    void client.invalidateQueries({ queryKey: ["users"] });
  };
  const saveQuota = () => {
    if (quota === null) return;
    const value = readQuota(quota);
    if (value === undefined) return;
    setQuota(null);
    if (value !== user.daily_tokens) void change({ daily_tokens: value });
  };
  const wrong = quota !== null && readQuota(quota) === undefined;

  return (
    <div className={user.disabled ? "line off" : "line"} role="row" data-testid="user" data-id={user.id} data-name={name}>
      <span role="cell" className="who">
        <span className="initial" aria-hidden>
          {[...name][0]?.toUpperCase()}
        </span>
        <span className="grow">
          <span className="name">
            {name} {user.id === me?.id && <Badge tone="accent">{t("you")}</Badge>}
          </span>
          <span className="small muted">{formats.date(user.created)}</span>
        </span>
      </span>
      <span role="cell" data-label={t("role")}>
        <Select
          value={user.role}
          aria-label={t("roleOf", { name })}
          onChange={(event) => void change({ role: event.target.value as Role })}
          data-testid="user-role"
        >
          <option value="user">{t("user")}</option>
          <option value="admin">{t("admin")}</option>
        </Select>
      </span>
      <span role="cell" data-label={t("quota")}>
        <Input
          inputMode="numeric"
          value={quota ?? (user.daily_tokens === 0 ? "" : String(user.daily_tokens))}
          placeholder={t("noLimit")}
          aria-label={t("quotaOf", { name })}
          aria-invalid={wrong}
          title={wrong ? t("quotaWrong") : undefined}
          onChange={(event) => setQuota(event.target.value)}
          onBlur={saveQuota}
          onKeyDown={(event) => {
            if (event.key === "Enter") saveQuota();
            if (event.key === "Escape") setQuota(null);
          }}
          data-testid="user-quota"
        />
      </span>
      <span role="cell" className={over ? "number over" : "number"} data-label={t("today")} data-testid="user-today">
        {formats.number(user.tokens_today)}
        {user.daily_tokens > 0 && (
          <span
            className="meter"
            role="img"
            aria-label={`${Math.min(100, Math.round((100 * user.tokens_today) / user.daily_tokens))} %`}
          >
            <span style={{ inlineSize: `${Math.min(100, (100 * user.tokens_today) / user.daily_tokens)}%` }} />
          </span>
        )}
      </span>
      <span role="cell" className="number" data-label={t("conversations")}>
        {formats.number(user.conversations)}
      </span>
      <span role="cell" data-label={t("status")}>
        <Switch
          label={
            <>
              <span className="sr-only">{t("disabledOf", { name })}</span>
              <span className="small" aria-hidden>
                {user.disabled ? t("disabled") : t("active")}
              </span>
            </>
          }
          checked={!user.disabled}
          onChange={(on) => void change({ disabled: !on })}
          data-testid="user-active"
        />
      </span>
      <span role="cell" className="buttons">
        <IconButton small label={t("deleteOf", { name })} onClick={() => void remove()} data-testid="user-delete">
          <Trash2 size={16} />
        </IconButton>
      </span>
    </div>
  );
}
