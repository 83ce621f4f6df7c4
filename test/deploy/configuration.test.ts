/** sst.config.ts, as SST itself takes it: its types, and its command line. */

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { installSst, sstPlatform } from "../../tools/deploy/platform.ts";

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
  mkdirSync(join(folder, ".sst"));
  symlinkSync(join(platform, ".sst/platform"), join(folder, ".sst/platform"));
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

/** Changes one text of a file. */
function change(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

describe("the types", () => {
  test("are right", async () => {
    expect(await check(await project())).toBe("");
  });

  test("know no option that SST does not have", async () => {
    const folder = await project();
    change(join(folder, "deploy/queues.ts"), "partialResponses: true", "partialResponse: true");
    expect(await check(folder)).toMatch(/queues\.ts.*TS2561|TS2353/);
  });
});

describe("SST's command line", () => {
  test("takes the configuration", async () => {
    expect(await installSst(await project())).toMatchObject({ code: 0 });
  });

  test("is of a version that the configuration is for", async () => {
    const folder = await project();
    change(join(folder, "sst.config.ts"), ">=4.17.1 <5", ">=5");
    const { code, output } = await installSst(folder);
    expect(code).not.toBe(0);
    expect(output).toContain("does not match");
  });
});
