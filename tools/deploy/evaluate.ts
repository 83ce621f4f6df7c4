/** Evaluates sst.config.ts without an account, a network or Pulumi's engine: the resources it asks for, as data. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { bundlePrograms, type Programs } from "./bundle.ts";
import type { Asked } from "./program.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** What sst.config.ts says of itself. */
export interface App {
  readonly name: string;
  readonly stage: string;
  readonly home: string;
  readonly version: string;
  readonly removal: string;
  readonly protect: boolean;
  readonly providers: Readonly<Record<string, unknown>>;
}

export interface Request {
  /** Default: `test`. */
  readonly stage?: string;
  /** Variables of the shell, such as `DEPLOY_BACKEND`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Values of secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface Evaluation extends Asked {
  readonly app: App;
}

/** What a deployment would ask of AWS; what it throws is thrown, with what it printed. */
export async function evaluate({ stage = "test", environment = {}, secrets }: Request): Promise<Evaluation> {
  programs ??= bundlePrograms();
  const { appProgram, stackProgram, platform } = await programs;
  const scratch = mkdtempSync(join(tmpdir(), "nearsight-deploy-"));
  try {
    const app = { ...(JSON.parse(await run(appProgram, {}, [stage])) as Omit<App, "stage">), stage };
    const file = join(scratch, "asked.json");
    await run(stackProgram, { ...environment, ...secretVariables(secrets) }, [
      JSON.stringify(globalsFor(app, platform, scratch)),
      file,
      codeFolder(scratch),
    ]);
    return { app, ...(JSON.parse(readFileSync(file, "utf8")) as Asked) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

let programs: Promise<Programs> | undefined;

/** What SST's command line defines for a deployment. */
function globalsFor(app: App, platform: string, scratch: string) {
  const paths = { root: ROOT, work: scratch, platform, home: scratch };
  return { $app: app, $cli: { command: "deploy", dev: false, paths, state: { version: {} } }, $dev: false };
}

/** What stands for packed code, so that a deployment can be looked at before there is any. */
function codeFolder(scratch: string): string {
  const folder = join(scratch, "code");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.mjs"), "");
  return folder;
}

function secretVariables(secrets: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`SST_SECRET_${name}`, value]));
}

/** Runs a bundle by itself, with nothing of this environment but what finds programs; its output. */
async function run(
  file: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<string> {
  const { PATH = "" } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ["--no-deprecation", file, ...args], {
    env: { PATH, ...environment },
    maxBuffer: 64 * 2 ** 20,
  });
  return stdout;
}
