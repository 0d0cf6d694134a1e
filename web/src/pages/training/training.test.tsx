import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { renderPage } from "../testing";
import TrainingPage from ".";

// jsdom has no canvas.
vi.mock("./plot", () => ({ Plot: ({ label }: { label: string }) => <div role="img" aria-label={label} /> }));

beforeEach(() => localStorage.clear());
afterEach(() => vi.unstubAllGlobals());

const panels = () => screen.queryAllByTestId("chart").map((one) => one.dataset.panel);

describe("the training page", () => {
  it("says how to show it runs", async () => {
    renderPage(<TrainingPage />, { answers: { "GET /runs": { configured: false, runs: [] } } });
    expect((await screen.findByTestId("training-not-configured")).textContent).toContain("parley serve --model MODEL --runs runs");
  });

  it("says how to begin one", async () => {
    renderPage(<TrainingPage />, { answers: { "GET /runs": { configured: true, runs: [] } } });
    expect((await screen.findByTestId("training-no-runs")).textContent).toContain("parley pretrain");
  });

  it("shows the newest run, then several in one chart", async () => {
    const user = userEvent.setup();
    renderPage(<TrainingPage />);
    await waitFor(() => expect(panels()).toContain("loss"));
    expect(panels()).not.toContain("reward");
    const runs = screen.getAllByTestId("run");
    await user.click(within(runs[1]!).getByTestId("run-check"));
    await waitFor(() => expect(within(screen.getAllByTestId("chart")[0]!).getByRole("img").getAttribute("aria-label")).toMatch(/pretrain-muon · validation/));
    await user.click(within(runs[2]!).getByTestId("run-only"));
    await waitFor(() => expect(panels()[0]).toBe("reward"));
    expect(panels()).not.toContain("bits");
    // A key nobody foresaw has a chart too.
    expect(panels()).toContain("novelty");
  });

  it("has each chart as a table", async () => {
    const user = userEvent.setup();
    renderPage(<TrainingPage />);
    await waitFor(() => expect(panels()).toContain("loss"));
    const [chart] = screen.getAllByTestId("chart");
    await user.click(within(chart!).getByText("As a table"));
    expect(within(chart!).getAllByRole("row").length).toBeGreaterThan(15);
    expect(within(chart!).getAllByRole("columnheader").map((one) => one.textContent)).toEqual(["Steps", "training", "validation"]);
  });

  it("shows samples as Markdown that cannot run", async () => {
    const user = userEvent.setup();
    renderPage(<TrainingPage />);
    await user.click(await screen.findByTestId("tab-samples"));
    await screen.findByText("Step 1000");
    expect(document.querySelector(".samples script, .samples a[href^='javascript']")).toBeNull();
  });

  it("shows win rates with intervals", async () => {
    const user = userEvent.setup();
    renderPage(<TrainingPage />);
    await user.click(await screen.findByTestId("tab-winrates"));
    const report = await screen.findByTestId("winrate-report");
    expect(report.textContent).toContain("67.9 %");
    expect(report.textContent).toMatch(/95 %: 62\.0 % to 73\.8 %/);
  });
});
