/** Builds indexes of growing size from stored vectors, each in a process of its own: speed, peak memory, first answer. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { open } from "../core/index.ts";
import { seededRandom } from "../core/random.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sizes: { type: "string", default: "10000,100000,1000000" },
    dimension: { type: "string", default: "512" },
    home: { type: "string", default: "" },
  },
});
const dimension = Number(values.dimension);
const [step, size = "0"] = positionals;

/** What a child process does; each prints one JSON value. */
const STEPS: Readonly<Record<string, (home: string, rows: number) => Promise<object>>> = {
  fill,
  build,
  first,
};

if (step === undefined) measureAll();
else {
  const outcome = await STEPS[step]?.(values.home, Number(size));
  const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ ...outcome, peakMb }));
}

function measureAll(): void {
  console.log(`Node ${process.version}, ${dimension} numbers a vector, load ${loadavg()[0]?.toFixed(1)}`);
  const table: object[] = [];
  for (const rows of values.sizes.split(",")) {
    const home = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
    try {
      const filled = child("fill", rows, home);
      const built = child("build", rows, home);
      const answered = child("first", rows, home);
      table.push({
        rows,
        "samples/s": Math.round(Number(rows) / Number(filled["seconds"])),
        "fill peak MB": filled["peakMb"],
        "vectors/s": Math.round(Number(rows) / Number(built["seconds"])),
        "build peak MB": built["peakMb"],
        "first answer ms": answered["milliseconds"],
        "answer peak MB": answered["peakMb"],
      });
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  }
  console.table(table);
}

function child(name: string, rows: string, home: string): Record<string, unknown> {
  const file = fileURLToPath(import.meta.url);
  const words = [file, name, rows, "--home", home, "--dimension", values.dimension];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} of ${rows} rows failed: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Samples with a vector field. */
async function fill(home: string, rows: number): Promise<object> {
  await using ns = await open({ config: { home } });
  const dataset = await ns.createDataset("bench");
  const random = seededRandom(51);
  const start = performance.now();
  // In parts: the ids that addSamples returns for all would be what grows.
  for (let first = 0; first < rows; first += 10_000) {
    await dataset.addSamples(samples(first, Math.min(rows, first + 10_000)));
  }
  return { seconds: (performance.now() - start) / 1000 };

  function* samples(from: number, to: number) {
    for (let i = from; i < to; i++) {
      const vector = Float32Array.from({ length: dimension }, () => random() - 0.5);
      yield { filepath: `/bench/${i}.jpg`, vector };
    }
  }
}

async function build(home: string): Promise<object> {
  await using ns = await open({ config: { home } });
  const dataset = await ns.loadDataset("bench");
  const start = performance.now();
  await ns.computeSimilarity(dataset, { embeddings: "vector", brainKey: "bench" });
  return { seconds: (performance.now() - start) / 1000 };
}

/** From the start of the process to ten sample records. */
async function first(home: string): Promise<object> {
  await using ns = await open({ config: { home } });
  const dataset = await ns.loadDataset("bench");
  const random = seededRandom(7);
  const vector = Array.from({ length: dimension }, () => random() - 0.5);
  const found = await dataset.sortBySimilarity({ vector }, { k: 10, brainKey: "bench" }).head(10);
  if (found.length !== 10) throw new Error(`Expected 10 samples but found ${found.length}`);
  return { milliseconds: Math.round(performance.now()) };
}
