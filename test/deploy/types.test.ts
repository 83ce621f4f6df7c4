/** sst.config.ts and what it is made of have the types of SST's components. */

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { sstPlatform } from "../../tools/deploy/platform.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SOURCES = ["sst.config.ts", "deploy", "core/errors.ts", "tsconfig.json"];
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The configuration beside SST's platform, as in the clone of somebody who deploys. */
async function project(): Promise<string> {
  const platform = await sstPlatform();
  const folder = mkdtempSync(join(dirname(platform), "types-"));
  folders.push(folder);
  for (const path of SOURCES) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  symlinkSync(join(platform, ".sst"), join(folder, ".sst"));
  return folder;
}

/** What tsc finds; nothing where all is well. */
async function check(folder: string): Promise<string> {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const run = promisify(execFile)(process.execPath, [tsc, "-p", join(folder, "deploy")], { cwd: folder });
  return run.then(
    () => "",
    (error: { stdout: string }) => error.stdout,
  );
}

test("they check", async () => {
  expect(await check(await project())).toBe("");
});

test("an option that SST does not have is found", async () => {
  const folder = await project();
  const file = join(folder, "deploy/queues.ts");
  const text = readFileSync(file, "utf8");
  expect(text).toContain("partialResponses: true");
  writeFileSync(file, text.replace("partialResponses: true", "partialResponse: true"));
  expect(await check(folder)).toMatch(/queues\.ts.*TS2561|TS2353/);
});
