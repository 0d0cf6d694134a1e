// node pack_web.mjs FOLDER PACK: the files of FOLDER in one file, as src/app/web_files.h reads it:
// lines of "PATH HASH BYTES GZIP_BYTES", an empty line, and each file's gzip behind the other.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const [folder, pack] = process.argv.slice(2);

// Vite's manifest and source maps are not for the browser.
const isForUse = (path) => !path.startsWith(".vite/") && !path.endsWith(".map");

function filesIn(relative) {
  return readdirSync(join(folder, relative))
    .sort()
    .flatMap((name) => {
      const path = relative ? `${relative}/${name}` : name;
      return statSync(join(folder, path)).isDirectory() ? filesIn(path) : [path];
    });
}

let head = "";
const bodies = [];
for (const path of filesIn("").filter(isForUse)) {
  if (/[\s]/.test(path)) throw new Error(`${path}: a file of the web app must not have spaces in its name`);
  const bytes = readFileSync(join(folder, path));
  const gzip = gzipSync(bytes, { level: 9 });
  const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  head += `${path} ${hash} ${bytes.length} ${gzip.length}\n`;
  bodies.push(gzip);
}
if (!head.includes("index.html ")) throw new Error(`${folder}: there is no index.html`);
writeFileSync(pack, Buffer.concat([Buffer.from(`${head}\n`), ...bodies]));
