/** SST's platform for tests: types and component sources, laid once below `.cache/sst` by `sst install`. */

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { installOnce } from "../servers/install.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = join(ROOT, ".cache/sst");
const SST = join(ROOT, "node_modules/sst");

/** Enough for SST to know a project; the platform is the same for all. */
const ANY_PROJECT = `export default $config({ app: () => ({ name: "any", home: "aws" }), async run() {} });\n`;

/** SST's own switches to leave out its engine and Bun, which come from other places than the registry. */
const NO_DOWNLOADS = {
  SST_SKIP_DEPENDENCY_CHECK: "true",
  SST_NO_BUN: "true",
  SST_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
  SST_STAGE: "test",
};

/** A folder with `.sst/platform`, of the version in `package-lock.json`. A minute and 323 MB the first time. */
export async function sstPlatform(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(SST, "package.json"), "utf8")) as { version: string };
  return installOnce(`sst-${version}`, lay, FOLDER);
}

async function lay(folder: string): Promise<void> {
  writeFileSync(join(folder, "sst.config.ts"), ANY_PROJECT);
  const { code, output } = await installSst(folder);
  if (code !== 0) throw new Error(`sst install ended with ${code}:\n${output}`);
}

/** Runs `sst install` in the folder of a configuration, which it reads: its exit code, and what it printed. */
export function installSst(folder: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(SST, "bin/sst.mjs"), "install"], {
    cwd: folder,
    env: { ...process.env, ...NO_DOWNLOADS },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part: Buffer) => {
      output += part.toString();
    });
  }
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, output }));
  });
}
