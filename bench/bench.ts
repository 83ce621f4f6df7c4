/**
 * Runs the benchmarks, those with peers beside them in turns, and draws plots: `npm run bench`, or some by name,
 * such as `npm run bench -- search plot`; `--large` goes on to a million, which takes 12 GB of memory and of disk.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { large: { type: "boolean", default: false } },
});

const STEPS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  search: [["search.ts"], ...(values.large ? [["search.ts", "--rows", "1000000", "--rounds", "12"]] : [])],
  neighbors: [["neighbors.ts"]],
  embed: [["embed-peers.ts"]],
  start: [["start.ts"]],
  library: [["brain.ts", "--rows", "100000"]],
  milvus: remoteSteps("milvus"),
  elasticsearch: remoteSteps("elasticsearch"),
  compare: [["compare.ts"]],
  build: [["build.ts", "--sizes", values.large ? "10000,100000,1000000" : "10000,100000"]],
  store: [["store.ts", values.large ? "1000000" : "100000"]],
  http: [["http.ts"]],
  plot: [["plot.ts"]],
};

/** Beside the others as long as that takes minutes, then ours and the SDK alone. */
function remoteSteps(server: string): readonly (readonly string[])[] {
  const step = (rows: number, ...options: string[]) => [
    "remote.ts",
    server,
    "--rows",
    String(rows),
    ...options,
  ];
  return [
    step(10_000),
    step(100_000, "--uploads", "1"),
    step(300_000, "--uploads", "1", "--rounds", "10", "--without-fiftyone"),
  ];
}

for (const name of positionals.length === 0 ? Object.keys(STEPS) : positionals) {
  const steps = STEPS[name];
  if (steps === undefined) throw new Error(`Expected ${Object.keys(STEPS).join(", ")} but found '${name}'`);
  for (const [script = "", ...options] of steps) {
    const child = spawn(process.execPath, [join(import.meta.dirname, script), ...options], {
      stdio: "inherit",
    });
    const [code] = await once(child, "exit");
    if (code !== 0) process.exit(1);
  }
}
