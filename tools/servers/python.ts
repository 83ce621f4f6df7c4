/** Packages of Python below a folder of their own, installed by the pip and the registry this machine is set up for. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MissingTool, needCommand, run } from "./needs.ts";

const DEBIAN_PACKAGES = ["python3", "python3-venv"];

/** The Python there is; MissingTool where it, or what makes virtual environments, is missing. */
export async function needPython(): Promise<string> {
  const python = needCommand("python3", "install and run Milvus", DEBIAN_PACKAGES);
  try {
    await run(python, ["-c", "import venv, ensurepip"]);
  } catch {
    throw new MissingTool("Python's venv and ensurepip", DEBIAN_PACKAGES);
  }
  return python;
}

/** `311` for Python 3.11: packages with native code fit one version only. */
export async function pythonVersion(python: string): Promise<string> {
  const code = "import sys; print(f'{sys.version_info.major}{sys.version_info.minor}')";
  return (await run(python, ["-c", code])).trim();
}

/** Installs into `folder`, which can be moved afterwards; pip checks the registry's checksums. */
export async function installPackages(
  python: string,
  folder: string,
  packages: readonly string[],
  options: readonly string[] = [],
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "nearsight-pip-"));
  try {
    await run(python, ["-m", "venv", scratch]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...options];
    await run(join(scratch, "bin/python"), [...pip, "--target", folder, ...packages]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
