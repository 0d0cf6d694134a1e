import { Page } from "@/ui";

export default function MemoryPage() {
  return (
    <Page title="Memory" testId="page-memory">
      {null}
    </Page>
  );
}
