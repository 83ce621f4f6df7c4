/** The Python libraries that the benchmarks compare with: one child process that answers commands. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startChild } from "./child.ts";
import { CACHE } from "./data.ts";

const run = promisify(execFile);

export interface PeerAnswer<Result> {
  readonly ms: number;
  readonly result: Result;
}

/** A running child with the vectors loaded. */
export interface Peers {
  /** Names and versions of the libraries. */
  readonly versions: Readonly<Record<string, string>>;
  ask<Result>(command: Record<string, unknown>): Promise<PeerAnswer<Result>>;
  close(): Promise<void>;
}

/** Starts the child on two files of vectors; its Python environment is made on the first run. */
export async function startPeers(vectors: string, queries: string, dimension: number): Promise<Peers> {
  const python = await environment();
  const program = join(import.meta.dirname, "peers.py");
  const child = await startChild(python, [program, vectors, queries, String(dimension)]);
  const versions = child.ready["versions"] as Peers["versions"];
  return { versions, ask: child.ask, close: child.close };
}

/** The Python of an environment with the pinned libraries, or the one BENCH_PYTHON names. */
async function environment(): Promise<string> {
  const named = process.env["BENCH_PYTHON"];
  if (named !== undefined) return named;
  const folder = join(CACHE, "python");
  const python = join(folder, "bin", "python");
  const ready = join(folder, "ready");
  if (existsSync(ready)) return python;
  console.error("Making a Python environment for the libraries to compare with ...");
  await run("python3", ["-m", "venv", folder]);
  const requirements = join(import.meta.dirname, "requirements.txt");
  await run(python, ["-m", "pip", "install", "--quiet", "--requirement", requirements]);
  await run(python, ["-c", `open(${JSON.stringify(ready)}, "w").close()`]);
  return python;
}
