import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { makeModels } from "./model";

// Makes the models once; the workers find them through the environment. Returns what cleans up.
export default function setup(): () => void {
  const began = Date.now();
  // Whoever writes tests keeps the models: PARLEY_WEB_KEEP=FOLDER.
  const kept = process.env.PARLEY_WEB_KEEP;
  if (kept) {
    process.env.PARLEY_WEB_WORK = kept;
    const file = path.join(kept, "models.json");
    if (!fs.existsSync(file)) {
      fs.mkdirSync(kept, { recursive: true });
      fs.writeFileSync(file, JSON.stringify(makeModels(path.join(kept, "models"))));
    }
    process.env.PARLEY_WEB_MODELS = fs.readFileSync(file, "utf8");
    return () => {};
  }
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "parley-web-"));
  process.env.PARLEY_WEB_WORK = work;
  process.env.PARLEY_WEB_MODELS = JSON.stringify(makeModels(path.join(work, "models")));
  console.log(`models made in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return () => fs.rmSync(work, { recursive: true, force: true });
}
