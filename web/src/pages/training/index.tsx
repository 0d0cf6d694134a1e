import { Page } from "@/ui";

export default function TrainingPage() {
  return (
    <Page title="Training" testId="page-training">
      {null}
    </Page>
  );
}
