import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect, test } from "../setup/fixtures";

const kRuns = fs.mkdtempSync(path.join(os.tmpdir(), "parley-web-runs-"));
test.afterAll(() => fs.rmSync(kRuns, { recursive: true, force: true }));

function line(step: number): string {
  return JSON.stringify({ step, tokens: step * 4096, time: step * 0.5, loss: 3 + 4 / step, lr: 0.0003, tokens_per_s: 5000 + step, ...(step % 50 ? {} : { val_loss: 3.1 }) }) + "\n";
}
function makeRun(name: string, stage: string, steps: number): string {
  const folder = path.join(kRuns, name);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify({ stage, options: { steps: 500, lr: name.length / 1000, batch: 8 } }));
  fs.writeFileSync(path.join(folder, "metrics.jsonl"), Array.from({ length: steps }, (_, i) => line(i + 1)).join(""));
  fs.writeFileSync(path.join(folder, "samples.md"), "## Step 100\n\n> The fox\n\nsees the dog. 狐狸看见狗。\n");
  return folder;
}

test.describe("with runs", () => {
  test.use({ serverArgs: ["--runs", kRuns] });

  test("curves, samples, options; a run that goes on is followed", async ({ app }) => {
    const first = makeRun("first", "pretrain", 120);
    makeRun("second run/sft", "sft", 60);
    await app.open();
    await app.visit("training");
    await expect(app.id("run")).toHaveCount(2);
    const run = app.page.locator('[data-testid="run"][data-name="first"]');
    await app.page.locator('[data-testid="run"][data-name="first"]').getByTestId("run-only").click();
    await expect(app.page.locator('[data-testid="chart"][data-panel="loss"]')).toBeVisible();
    await expect(app.page.locator('[data-testid="chart"][data-panel="loss"] canvas')).toBeVisible();
    await expect(run).toContainText("120");
    // More lines come.
    fs.appendFileSync(path.join(first, "metrics.jsonl"), Array.from({ length: 17 }, (_, i) => line(121 + i)).join(""));
    await expect(run).toContainText("137", { timeout: 60_000 });
    await expect(async () => {
      const chart = app.page.locator('[data-testid="chart"][data-panel="loss"]');
      if (!(await chart.getByTestId("chart-table").isVisible())) await chart.locator("summary").click();
      await expect(chart.getByTestId("chart-table")).toContainText("137", { timeout: 1000 });
    }).toPass({ timeout: 60_000 });
    // Two runs together.
    await app.page.locator('[data-testid="run"][data-name="second run/sft"]').getByTestId("run-check").check();
    await app.id("tab-samples").click();
    await expect(app.id("samples").first()).toContainText("狐狸看见狗");
    await app.id("tab-config").click();
    await expect(app.id("options").first()).toContainText("batch");
    await app.id("tab-winrates").click();
    await expect(app.id("training-no-winrates")).toBeVisible();
  });
});

test("without runs the page says how to have them", async ({ app }) => {
  await app.open();
  await app.visit("training");
  await expect(app.id("training-not-configured")).toContainText("--runs");
});
