// Each test has its own server and an App; what no test may cause is looked for in all of them.
import { test as base, expect, type Page } from "@playwright/test";
import * as path from "node:path";
import { Api } from "./api";
import { App } from "./app";
import type { Models } from "./model";
import { Server } from "./server";

export interface Options {
  language: "en" | "zh";
  phone: boolean;
  serverArgs: string[];
  modelName: string; // of the quick model
}

interface Fixtures {
  server: Server;
  guard: Guard;
  api: Api;
  app: App;
}

// Errors of pages, breaches of the policy, dialogs, and requests to other hosts.
export class Guard {
  readonly found: string[] = [];
  expected: RegExp[] = []; // what a test causes on purpose

  watch(page: Page, url: string): void {
    page.on("pageerror", (error) => this.found.push(`error: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.found.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("console", (message) => {
      // Without a network, requests fail; with a refusal, too.
      if (message.type() === "error" && !/Failed to load resource|net::ERR_/.test(message.text())) this.found.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      if (!/^(?:blob|data):/.test(request.url()) && !request.url().startsWith(url)) this.found.push(`request: ${request.url()}`);
    });
  }
  check(): void {
    expect(this.found.filter((one) => !this.expected.some((pattern) => pattern.test(one)))).toEqual([]);
  }
}

let count = 0;

export const test = base.extend<Options & Fixtures>({
  language: ["en", { option: true }],
  phone: [false, { option: true }],
  serverArgs: [[], { option: true }],
  modelName: ["quick", { option: true }],
  server: async ({ serverArgs, modelName }, use, info) => {
    const folder = path.join(process.env.PARLEY_WEB_WORK!, `server-${info.workerIndex}-${++count}`);
    const server = new Server(folder, JSON.parse(process.env.PARLEY_WEB_MODELS!) as Models, serverArgs, modelName);
    await server.start();
    try {
      await use(server);
      if (info.status !== info.expectedStatus) console.log(server.log.split("\n").slice(-20).join("\n"));
    } finally {
      await server.kill();
    }
  },
  baseURL: async ({ server }, use) => use(server.url),
  guard: [
    async ({ page, server }, use) => {
      const guard = new Guard();
      guard.watch(page, server.url);
      await use(guard);
      guard.check();
    },
    { auto: true },
  ],
  api: async ({ context, server }, use) => use(new Api(context.request, server.url)),
  app: async ({ page, api, language, phone }, use) => {
    await use(new App(page, api, language, phone));
  },
});

export { expect };
