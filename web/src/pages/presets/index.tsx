import { Page } from "@/ui";

export default function PresetsPage() {
  return (
    <Page title="Presets" testId="page-presets">
      {null}
    </Page>
  );
}
