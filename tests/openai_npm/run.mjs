// Runs the tests: node run.mjs [FILE ...]. Against the server of PARLEY_URL (with PARLEY_KEY, PARLEY_MODEL), or
// one that is started here with a tiny model trained here (PARLEY names the program, build/parley by default).
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startServer } from './server.mjs';
import { generateSchemas } from './schemas.mjs';

const here = import.meta.dirname;
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-npm-'));
const env = { ...process.env, PARLEY_SCHEMAS: path.join(work, 'schemas.json') };
let server;
let code = 1;
try {
  fs.writeFileSync(env.PARLEY_SCHEMAS, JSON.stringify(generateSchemas()));
  if (!env.PARLEY_URL) {
    server = await startServer(work);
    Object.assign(env, server.env);
  }
  const files = process.argv.slice(2);
  if (files.length === 0)
    for (const name of fs.readdirSync(here)) if (name.endsWith('.test.mjs')) files.push(path.join(here, name));
  const tests = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files.sort()], { env, stdio: 'inherit' });
  code = await new Promise((resolve) => tests.on('close', resolve));
  if (server) {
    const end = await server.stop();
    if (end !== 0) {
      console.error(`the server ended with ${end}:\n${server.log()}`);
      code = 1;
    }
  }
} finally {
  server?.kill();
  fs.rmSync(work, { recursive: true, force: true });
}
process.exit(code);
