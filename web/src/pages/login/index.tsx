import { Page } from "@/ui";

export default function LoginPage() {
  return (
    <Page title="Login" testId="page-login">
      {null}
    </Page>
  );
}
