import { useState } from "react";
import { useTexts } from "@/i18n";
import { Page, TabPanel, Tabs } from "@/ui";
import { Examples } from "./examples";
import { Overview } from "./overview";
import { texts } from "./texts";
import { TrainingSteps } from "./training_steps";
import "./feedback.css";

export default function FeedbackPage() {
  const t = useTexts(texts);
  const [tab, setTab] = useState<"overview" | "examples" | "train">("overview");
  return (
    <Page title={t("title")} testId="page-feedback">
      <p className="lead">{t("lead")}</p>
      <Tabs
        label={t("title")}
        value={tab}
        onChange={setTab}
        tabs={[
          { value: "overview", label: t("overview") },
          { value: "examples", label: t("examples") },
          { value: "train", label: t("train") },
        ]}
      />
      <TabPanel value={tab}>
        {tab === "overview" && <Overview />}
        {tab === "examples" && <Examples />}
        {tab === "train" && <TrainingSteps />}
      </TabPanel>
    </Page>
  );
}
