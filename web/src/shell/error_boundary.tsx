import { Component, type ReactNode } from "react";
import { Button, Notice } from "@/ui";
import { useTexts } from "@/i18n";
import { texts } from "@/ui/texts";

// A mistake in one page does not take the others along.
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  state: { error: unknown } = { error: null };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  render() {
    if (this.state.error === null) return this.props.children;
    return <Crashed error={this.state.error} />;
  }
}

function Crashed({ error }: { error: unknown }) {
  const t = useTexts(texts);
  return (
    <div style={{ maxWidth: 560, margin: "15vh auto", padding: 16 }}>
      <Notice
        tone="danger"
        actions={
          <Button small onClick={() => location.reload()}>
            {t("reload")}
          </Button>
        }
      >
        {t("crashed")}: {error instanceof Error ? error.message : String(error)}
      </Notice>
    </div>
  );
}
