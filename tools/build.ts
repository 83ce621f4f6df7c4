/** Builds dist/ from the sources: types by tsc, JavaScript by esbuild, then the data files the code reads beside itself. */

import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { bundle } from "./bundle.ts";
import { removeInnerDeclarations } from "./declarations.ts";
import { writeNotice } from "./notice.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Folders that the built code finds at the same place as the sources do. */
const DATA_FOLDERS = ["core/dataset/zoo/art", "core/models/nearsight-tiny"];

rmSync(join(ROOT, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: ROOT,
  stdio: "inherit",
});
removeInnerDeclarations();
writeNotice(await bundle({ write: true }));
for (const folder of DATA_FOLDERS)
  cpSync(join(ROOT, folder), join(ROOT, "dist", folder), { recursive: true });
