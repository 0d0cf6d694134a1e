import * as path from "node:path";
import { fileURLToPath } from "node:url";

export const kHere = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const kTop = path.dirname(path.dirname(kHere));
export const kProgram = process.env.PARLEY ?? path.join(kTop, "build", "parley");
