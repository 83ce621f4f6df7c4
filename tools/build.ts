/** Builds dist/ from the sources: JavaScript and types by tsc, then the data files the code reads beside itself. */

import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

/** Folders that the built code finds at the same place as the sources do. */
const DATA_FOLDERS = ["core/dataset/zoo/art", "core/models/nearsight-tiny"];

rmSync(join(ROOT, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: ROOT,
  stdio: "inherit",
});
for (const folder of DATA_FOLDERS)
  cpSync(join(ROOT, folder), join(ROOT, "dist", folder), { recursive: true });
