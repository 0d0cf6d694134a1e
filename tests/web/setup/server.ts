// A server of one's own: each test has one, with an empty database.
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { kProgram } from "./paths";
import type { Models } from "./model";

// PARLEY_WEB_DIST=FOLDER: an app that is not built in.
const kWeb = process.env.PARLEY_WEB_DIST ? ["--web", process.env.PARLEY_WEB_DIST] : [];

export class Server {
  url = "";
  private child: ChildProcess | null = null;
  private port = 0;

  constructor(
    readonly folder: string,
    private readonly models: Models,
    private readonly extra: string[],
    private readonly name = "quick",
  ) {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
  }

  get log(): string {
    return fs.existsSync(path.join(this.folder, "log")) ? fs.readFileSync(path.join(this.folder, "log"), "utf8").slice(-8000) : "";
  }

  // At the same port after a first time.
  async start(): Promise<void> {
    const portFile = path.join(this.folder, "port");
    fs.rmSync(portFile, { force: true });
    const quick = ["--model", `${this.name}=${this.models.quick}`];
    const slow = ["--model", `slow=${this.models.slow}`];
    // The first is the one that answers when none is named: the quick one that is made here sometimes says nothing at all.
    const models = this.models.own ? [...quick, ...slow] : [...slow, ...quick];
    const args = ["serve", ...models, "--port", String(this.port),
      "--port-file", portFile, "--database", path.join(this.folder, "app.db"), "--kv-mb", "256", "--access-log", "off", ...kWeb, ...this.extra];
    const log = fs.openSync(path.join(this.folder, "log"), "a");
    const child = spawn(kProgram, args, {
      stdio: ["ignore", log, log],
      // Two servers and two browsers share the processors.
      env: { ...process.env, XDG_DATA_HOME: path.join(this.folder, "data"), OMP_WAIT_POLICY: "passive" },
    });
    fs.closeSync(log);
    this.child = child;
    for (let tries = 0; tries < 1200; ++tries) {
      const port = fs.existsSync(portFile) ? fs.readFileSync(portFile, "utf8").trim() : "";
      if (port) {
        this.port = Number(port);
        this.url = `http://127.0.0.1:${port}`;
        return;
      }
      if (child.exitCode !== null || child.signalCode !== null) break;
      await sleep(25);
    }
    await this.kill();
    throw new Error(`the server did not start:\n${this.log}`);
  }

  async kill(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await gone;
  }
}
