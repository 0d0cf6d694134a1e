import { Page } from "@/ui";

export default function SettingsPage() {
  return (
    <Page title="Settings" testId="page-settings">
      {null}
    </Page>
  );
}
