// Numbers are printed; what fails is only what no busy machine excuses.
import { expect, test } from "../setup/fixtures";

test("the first load: compressed JavaScript, and the time until the page can be used", async ({ app, page }) => {
  const client = await page.context().newCDPSession(page);
  await client.send("Network.enable");
  const script = new Map<string, string>();
  let bytes = 0;
  client.on("Network.responseReceived", ({ requestId, response }) => {
    if (/javascript/.test(response.mimeType) && !response.url.endsWith("/boot.js")) script.set(requestId, response.headers["content-encoding"] ?? response.headers["Content-Encoding"] ?? "none");
  });
  client.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (script.has(requestId)) bytes += encodedDataLength;
  });
  await page.addInitScript(() => {
    const marks = window as unknown as { usable?: number; painted?: number };
    new MutationObserver((_, observer) => {
      const input = document.querySelector<HTMLTextAreaElement>('[data-testid="composer-input"]');
      if (!input || input.disabled) return;
      observer.disconnect();
      // From here on it takes what is typed, once the thread is free.
      setTimeout(() => (marks.usable = performance.now()));
    }).observe(document, { childList: true, subtree: true });
  });
  await app.open();
  await expect(app.id("composer-input")).toBeVisible();
  const times = await page.evaluate(() => ({
    usable: (window as unknown as { usable?: number }).usable ?? NaN,
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
  }));
  await page.waitForLoadState("networkidle");
  expect([...script.values()].every((coding) => coding !== "none")).toBe(true);
  console.log(`first load: ${(bytes / 1000).toFixed(1)} kB of JavaScript over the network; painted after ${times.painted.toFixed(0)} ms, usable after ${times.usable.toFixed(0)} ms`);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(300_000);
  expect(times.usable).toBeLessThan(5000);
  // Nothing of it is asked for again.
  bytes = 0;
  await page.reload();
  await expect(app.id("composer-input")).toBeVisible();
  expect(bytes).toBeLessThan(20_000);
});

test("a thousand turns scroll smoothly", async ({ app, api }) => {
  const turns: string[] = [];
  for (let i = 0; i < 1000; ++i)
    turns.push(
      `Question ${i}: what about number ${i}?`,
      i % 10 === 0 ? `Some code:\n\n\`\`\`python\nfor i in range(${i}):\n    print("number", i)\n\`\`\`\n\nand a table\n\n| a | b |\n|---|---|\n| ${i} | **${i * i}** |` : `Answer ${i}. ${"It is a long story with 很多 words. ".repeat((i * 7) % 11)}\n\n- one\n- two`,
    );
  const id = await api.imported("A thousand turns", turns);
  const began = Date.now();
  await app.open(`/c/${id}`);
  await expect(app.messages().filter({ hasText: "Answer 999" })).toBeInViewport();
  const opened = Date.now() - began;
  // Only what is near the window is in the document.
  expect(await app.messages().count()).toBeLessThan(60);
  const frames = await app.id("transcript").evaluate(async (box) => {
    const times: number[] = [];
    await new Promise<void>((resolve) => {
      let last = performance.now();
      const step = (now: number) => {
        times.push(now - last);
        last = now;
        box.scrollTop -= 120;
        if (times.length < 240) requestAnimationFrame(step);
        else resolve();
      };
      requestAnimationFrame(step);
    });
    return times.slice(1);
  });
  frames.sort((a, b) => a - b);
  const at = (share: number) => frames[Math.floor(share * (frames.length - 1))]!;
  console.log(`1,000 turns: opened in ${opened} ms; frames while scrolling: median ${at(0.5).toFixed(1)} ms, 95 % ${at(0.95).toFixed(1)} ms, longest ${at(1).toFixed(1)} ms`);
  expect(at(0.5)).toBeLessThan(100);
  expect(at(0.95)).toBeLessThan(400);
  // To the very first one, and back by the button.
  await expect(async () => {
    await app.id("transcript").evaluate((box) => (box.scrollTop = 0));
    await expect(app.messages().filter({ hasText: "Question 0:" })).toBeInViewport({ timeout: 500 });
  }).toPass();
  await app.id("jump-to-latest").click();
  await expect(app.messages().filter({ hasText: "Answer 999" })).toBeInViewport();
});

test("the page stays quick while an answer comes fast", async ({ app, api, page }) => {
  await api.settings({ model: "slow", params: { temperature: 0.5 } });
  await app.open();
  await page.evaluate(() => {
    const seen = { tasks: [] as number[], events: [] as number[] };
    (window as unknown as { seen: typeof seen }).seen = seen;
    new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((one) => one.duration))).observe({ type: "longtask" });
    new PerformanceObserver((list) => seen.events.push(...list.getEntries().map((one) => one.duration))).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
  });
  await app.send(app.say("A very long story", "一个很长的故事"));
  await app.streaming();
  const length = async () => (await api.latest()).messages[1]!;
  const before = await length();
  // The time of the processor, which does not depend on what else the machine does.
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable", { timeDomain: "threadTicks" });
  const worked = async () => (await client.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration")!.value;
  const workedBefore = await worked();
  const began = Date.now();
  // Somebody types meanwhile.
  const words = "typing while the model writes, and it shows at once";
  await app.id("composer-input").pressSequentially(words, { delay: 60 });
  await expect(app.id("composer-input")).toHaveValue(words);
  await app.id("composer-input").pressSequentially(words, { delay: 60 });
  const after = await length();
  const seconds = (Date.now() - began) / 1000;
  const work = (await worked()) - workedBefore;
  const seen = await page.evaluate(() => (window as unknown as { seen: { tasks: number[]; events: number[] } }).seen);
  await app.id("stop").click();
  await app.settled();
  const most = (all: number[]) => Math.max(0, ...all);
  const speed = (after.content.length - before.content.length) / seconds;
  console.log(`streaming ${speed.toFixed(0)} characters/s: slowest event ${most(seen.events)} ms, longest task ${most(seen.tasks).toFixed(0)} ms, ${seen.tasks.length} tasks over 50 ms in ${seconds.toFixed(1)} s, ${((100 * work) / seconds).toFixed(0)} % of a processor`);
  expect(speed).toBeGreaterThan(5);
  expect(most(seen.events)).toBeLessThan(1500);
  // Only what is new is parsed and rendered, however long the paragraph is.
  expect(work / seconds).toBeLessThan(0.4);
});
