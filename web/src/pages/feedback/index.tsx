import { Page } from "@/ui";

export default function FeedbackPage() {
  return (
    <Page title="Feedback" testId="page-feedback">
      {null}
    </Page>
  );
}
