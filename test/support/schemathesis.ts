/** Schemathesis, which makes requests from an OpenAPI document and holds the answers against it; needs Python. */

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { installOnce } from "../../tools/servers/install.ts";
import { installPackages, needPython, pythonVersion } from "../../tools/servers/python.ts";

const VERSION = "4.32.5";

const CACHE = resolve(import.meta.dirname, "../../.cache/schemathesis");

const run = promisify(execFile);

/** What it printed, and whether everything was as the document says. Installed on first use: a minute. */
export async function schemathesis(
  document: string,
  options: readonly string[],
  folder: string,
): Promise<{ passed: boolean; output: string }> {
  const python = await needPython();
  const name = `schemathesis-${VERSION}-python${await pythonVersion(python)}`;
  const packages = await installOnce(
    name,
    (staging) => installPackages(python, staging, [`schemathesis==${VERSION}`]),
    CACHE,
  );
  const environment = {
    PATH: process.env["PATH"],
    PYTHONPATH: packages,
    HOME: folder,
    PYTHONIOENCODING: "utf-8",
  };
  const command = [
    "-c",
    "from schemathesis.cli import schemathesis; schemathesis()",
    "run",
    document,
    ...options,
  ];
  try {
    const { stdout } = await run(python, command, { cwd: folder, env: environment, maxBuffer: 1 << 26 });
    return { passed: true, output: stdout };
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return { passed: false, output: `${stdout ?? error}\n${stderr ?? ""}` };
  }
}
