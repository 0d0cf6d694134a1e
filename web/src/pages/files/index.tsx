import { Page } from "@/ui";

export default function FilesPage() {
  return (
    <Page title="Files" testId="page-files">
      {null}
    </Page>
  );
}
