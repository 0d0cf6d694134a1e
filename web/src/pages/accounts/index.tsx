import { Page } from "@/ui";

export default function AccountsPage() {
  return (
    <Page title="Accounts" testId="page-accounts">
      {null}
    </Page>
  );
}
