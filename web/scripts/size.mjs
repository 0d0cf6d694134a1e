// Fails when the first load (entry and what it imports statically) is more than 300 kB of compressed JavaScript.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const kLimit = 300_000;
// node scripts/size.mjs FOLDER: of a build elsewhere.
const dist = process.argv[2] ? pathToFileURL(`${resolve(process.argv[2])}/`) : new URL("../dist/", import.meta.url);
let manifest;
try {
  manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
} catch {
  console.error("dist/.vite/manifest.json is not there: run `npm run build` first.");
  process.exit(1);
}
const size = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
const first = new Set();
const visit = (key) => {
  if (first.has(key)) return;
  first.add(key);
  for (const next of manifest[key].imports ?? []) visit(next);
};
for (const [key, chunk] of Object.entries(manifest)) if (chunk.isEntry) visit(key);

let total = 0;
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.file.endsWith(".js")) continue;
  const bytes = size(chunk.file);
  const now = first.has(key);
  if (now) total += bytes;
  console.log(`${now ? "first" : "later"}  ${(bytes / 1000).toFixed(1).padStart(7)} kB  ${chunk.file}`);
}
console.log(`First load: ${(total / 1000).toFixed(1)} kB of compressed JavaScript (limit ${kLimit / 1000} kB)`);
if (total > kLimit) process.exit(1);
