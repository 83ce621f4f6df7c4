/** Installs what the parity tests compare with, once, into `.cache`: Python packages and transformers.js. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const cache = join(root, ".cache/parity");

/** Runs a program to its end and fails with what it printed. */
export async function runTool(file: string, args: readonly string[], cwd = root): Promise<void> {
  const env = { ...process.env, HF_HUB_OFFLINE: "1", ONNXRUNTIME_NODE_INSTALL: "skip" };
  await run(file, [...args], { cwd, env, maxBuffer: 64 * 2 ** 20 });
}

/** A folder made by `make` once for what the files say now; a folder left half-made is made again. */
async function once(name: string, files: readonly string[], make: (folder: string) => Promise<void>) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(root, file)));
  const folder = join(cache, `${name}-${hash.digest("hex").slice(0, 12)}`);
  const mark = join(folder, "complete");
  if (existsSync(mark)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await make(folder);
  writeFileSync(mark, "");
  return folder;
}

/** Gives the Python that has everything in tools/parity/requirements.txt. */
export async function preparePython(): Promise<string> {
  const requirements = "tools/parity/requirements.txt";
  const folder = await once("python", [requirements], async (target) => {
    await runTool("python3", ["-m", "venv", target]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    await runTool(join(target, "bin/python"), [...pip, "-r", join(root, requirements)]);
  });
  return join(folder, "bin/python");
}

/** Gives a script that runs where transformers.js is installed. */
export async function prepareTransformers(): Promise<string> {
  const source = "test/long/parity";
  const files = ["package.json", "package-lock.json"].map((name) => join(source, name));
  const folder = await once("node", files, async (target) => {
    for (const file of ["package.json", "package-lock.json"]) {
      copyFileSync(join(root, source, file), join(target, file));
    }
    await runTool("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], target);
  });
  const script = join(folder, "embed.mjs");
  copyFileSync(join(root, source, "embed.mjs"), script);
  return script;
}

/** Gives the model directory of EfficientNet-Lite0, converted from its package. */
export async function prepareEfficientNet(python: string): Promise<string> {
  const tools = ["tools/parity/efficientnet.py", "tools/parity/requirements.txt"];
  return once("efficientnet", tools, (target) =>
    runTool(python, ["tools/parity/efficientnet.py", join(target, "efficientnet-lite0")]),
  );
}
