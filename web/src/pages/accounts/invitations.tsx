import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Copy, Link2, Mail, X } from "lucide-react";
import { useState, type FormEvent } from "react";
import { api } from "@/api/client";
import type { Invitation, Role, UserRow } from "@/api/types";
import { useFormats, useTexts } from "@/i18n";
import { Badge, Button, Card, Empty, ErrorBox, Field, IconButton, Input, Loading, Select, useErrorText, useToast } from "@/ui";
import { copyText } from "@/lib/clipboard";
import { texts } from "./texts";
import { invitationLink } from "./validate";

const kKey = ["invitations"];

export function Invitations({ users }: { users: UserRow[] }) {
  const t = useTexts(texts);
  const query = useQuery({
    queryKey: kKey,
    queryFn: () => api.get<{ invitations: Invitation[] }>("/invitations").then((all) => all.invitations),
  });
  return (
    <div className="stack accounts-invitations">
      <Invite />
      {query.isPending && <Loading />}
      {query.isError && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.data?.length === 0 && (
        <Empty icon={<Mail size={24} />} title={t("noInvitations")}>
          {t("noInvitationsText")}
        </Empty>
      )}
      {query.data && query.data.length > 0 && (
        <ul className="list" data-testid="invitations">
          {query.data.map((invitation) => (
            <InvitationLine key={invitation.id} invitation={invitation} users={users} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Invite() {
  const t = useTexts(texts);
  const client = useQueryClient();
  const toast = useToast();
  const say = useErrorText();
  const [role, setRole] = useState<Role>("user");
  const [days, setDays] = useState(7);
  const [made, setMade] = useState<Invitation | null>(null);
  const [copied, setCopied] = useState(false);
  const link = made?.code ? invitationLink(location.origin, made.code) : "";

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      setMade(await api.post<Invitation>("/invitations", { role, days }));
      setCopied(false);
      void client.invalidateQueries({ queryKey: kKey });
    } catch (error) {
      toast(say(error), { danger: true });
    }
  };
  const copy = async () => {
    if (await copyText(link)) setCopied(true);
    else toast(t("copyFailed"), { danger: true });
  };
  return (
    <Card title={t("invite")}>
      <form className="invite" onSubmit={(event) => void submit(event)}>
        <Field label={t("role")}>
          <Select value={role} onChange={(event) => setRole(event.target.value as Role)} data-testid="invite-role">
            <option value="user">{t("user")}</option>
            <option value="admin">{t("admin")}</option>
          </Select>
        </Field>
        <Field label={t("days")}>
          <Select value={days} onChange={(event) => setDays(Number(event.target.value))} data-testid="invite-days">
            {[1, 7, 30].map((n) => (
              <option key={n} value={n}>
                {t("day", { n })}
              </option>
            ))}
          </Select>
        </Field>
        <Button kind="primary" type="submit" data-testid="invite-create">
          <Link2 size={16} /> {t("create")}
        </Button>
      </form>
      {!made && <p className="small muted">{t("inviteHint")}</p>}
      {made && (
        <div className="made" role="status" data-testid="invite-made">
          <strong className="small">{t("created", { role: t(made.role) })}</strong>
          <div className="row">
            <Input className="mono" readOnly value={link} aria-label={t("copy")} onFocus={(event) => event.target.select()} data-testid="invite-link" />
            <Button onClick={() => void copy()} data-testid="invite-copy">
              {copied ? <Check size={15} /> : <Copy size={15} />} {copied ? t("copied") : t("copy")}
            </Button>
          </div>
          <p className="small muted">{t("once")}</p>
        </div>
      )}
    </Card>
  );
}

function InvitationLine({ invitation, users }: { invitation: Invitation; users: UserRow[] }) {
  const t = useTexts(texts);
  const formats = useFormats();
  const client = useQueryClient();
  const toast = useToast();
  const say = useErrorText();
  const used = Boolean(invitation.used_by);
  const expired = !used && invitation.expires < Date.now();
  const by = users.find((user) => user.id === invitation.used_by)?.name ?? invitation.used_by;
  const remove = async () => {
    try {
      await api.delete(`/invitations/${invitation.id}`);
    } catch (error) {
      toast(say(error), { danger: true });
    }
    void client.invalidateQueries({ queryKey: kKey });
  };
  return (
    <li data-testid="invitation" data-id={invitation.id}>
      <Badge tone={invitation.role === "admin" ? "accent" : "default"}>{t(invitation.role)}</Badge>
      <span className="grow small muted">
        {t("made")} {formats.date(invitation.created)}
      </span>
      {used ? (
        <Badge>{by ? t("used", { name: by }) : t("usedUnknown")}</Badge>
      ) : expired ? (
        <Badge tone="warning">{t("expired")}</Badge>
      ) : (
        <>
          <span className="small muted">{t("expires", { date: formats.date(invitation.expires) })}</span>
          <Badge tone="success">{t("open")}</Badge>
        </>
      )}
      <IconButton small label={used || expired ? t("removeInvitation") : t("revoke")} onClick={() => void remove()} data-testid="invitation-delete">
        <X size={16} />
      </IconButton>
    </li>
  );
}
