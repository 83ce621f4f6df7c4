/** System tools that a server needs: where one is missing, what it was for and the line that installs it on Debian. */

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A system tool that is not there. */
export class MissingTool extends Error {
  /** Debian's packages that bring it. */
  readonly packages: readonly string[];
  readonly install: string;

  constructor(what: string, packages: readonly string[]) {
    super(`Expected ${what} but found none`);
    this.name = "MissingTool";
    this.packages = packages;
    this.install = `apt-get install ${packages.join(" ")}`;
  }
}

/** The full path of a command on PATH; null where there is none. */
export function findCommand(name: string): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

export function needCommand(name: string, purpose: string, debianPackages: readonly string[]): string {
  const path = findCommand(name);
  if (path === null) throw new MissingTool(`${name} to ${purpose}`, debianPackages);
  return path;
}

/** Runs a command to its end and gives what it printed; fails with what it said last. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<string> {
  const { input, ...rest } = options;
  const running = execute(command, [...args], { ...rest, maxBuffer: 1 << 26 });
  running.child.stdin?.end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const { stderr = "", stdout = "" } = error as { stderr?: string; stdout?: string };
    const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-12).join("\n");
    throw new Error(`Expected ${command} to end well but it said: ${said}`, { cause: error });
  }
}
