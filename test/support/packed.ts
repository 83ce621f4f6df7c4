/** The package as users get it: packed, and installed into an empty folder. */

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The folder of the repository. */
export const ROOT = resolve(import.meta.dirname, "../..");

/** A packed tarball. */
export interface Tarball {
  readonly path: string;
  /** Paths in the package, and their sizes in bytes. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** What a command printed. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds the package and packs it into `folder`. */
export async function pack(folder: string): Promise<Tarball> {
  const { stdout } = await command("npm", ["pack", "--json", "--pack-destination", folder], { cwd: ROOT });
  // npm 12 gives an object by package name, earlier ones an array.
  const [packed] = Object.values(JSON.parse(stdout)) as [{ filename: string; files: Tarball["files"] }];
  return { path: join(folder, packed.filename), files: packed.files };
}

/** Makes `folder` a project and installs `packages` into it as on a closed network: the registry is all it has. */
export async function install(folder: string, packages: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const settings = ["--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=5"];
  await command("npm", ["install", ...settings, ...packages], {
    cwd: folder,
    environment: { ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
}

/** Runs a program with this process's Node, or the one of `nodeFolder`, before all others. */
export async function command(
  program: string,
  words: readonly string[],
  options: { cwd: string; environment?: NodeJS.ProcessEnv; nodeFolder?: string },
): Promise<Printed> {
  const path = [options.nodeFolder ?? resolve(process.execPath, ".."), process.env["PATH"]].join(delimiter);
  const environment = { ...withoutNpm(process.env), NO_COLOR: "1", ...options.environment, PATH: path };
  try {
    return await run(program, words, { cwd: options.cwd, env: environment, maxBuffer: 1 << 26 });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as Partial<Printed>;
    throw new Error(
      `Failed: ${program} ${words.join(" ")}\n${stderr.slice(-4000)}\n${stdout.slice(0, 4000)}`,
    );
  }
}

/** `npm run` hands its settings down in variables; a user's shell has none of them. */
function withoutNpm(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("npm_")));
}

/** The settings of the repository's own package.json. */
export function manifest(): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
}
