import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import type { UserRow } from "@/api/types";
import { useTexts } from "@/i18n";
import { ErrorBox, Loading, Page, TabPanel, Tabs } from "@/ui";
import { Invitations } from "./invitations";
import { texts } from "./texts";
import { Users } from "./users";
import "./accounts.css";

export default function AccountsPage() {
  const t = useTexts(texts);
  const [tab, setTab] = useState<"users" | "invitations">("users");
  const query = useQuery({
    queryKey: ["users"],
    queryFn: () => api.get<{ users: UserRow[] }>("/users").then((all) => all.users),
  });
  return (
    <Page title={t("title")} wide testId="page-accounts">
      <Tabs
        label={t("title")}
        value={tab}
        onChange={setTab}
        tabs={[
          { value: "users", label: t("users") },
          { value: "invitations", label: t("invitations") },
        ]}
      />
      <TabPanel value={tab}>
        {tab === "invitations" ? (
          <Invitations users={query.data ?? []} />
        ) : query.isPending ? (
          <Loading />
        ) : query.isError ? (
          <ErrorBox error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Users users={query.data} />
        )}
      </TabPanel>
    </Page>
  );
}
