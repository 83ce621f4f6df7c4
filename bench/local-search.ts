/**
 * Times the local backend: building an index, the first search of a fresh process, and later searches.
 *
 * Run `node bench/local-search.ts [rows] [dimension] [rounds]`; defaults 100000 512 40.
 * Set BENCH_PYTHON to a Python that has numpy and scikit-learn to time its brute-force cosine search on the
 * same vectors, in turns with ours. Prints a table, then JSON.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Table from "cli-table3";
import type { Batch } from "../core/backends/backend.ts";
import { localBackend } from "../core/backends/local/local.ts";
import { type Matrix, matrix } from "../core/matrix.ts";

const CLUSTERS = 1000;
const BATCH_ROWS = 1000;
const KS = [10, 25, 1000];

const [rows = 100_000, dimension = 512, rounds = 40] = process.argv.slice(2).map(Number);

/** A seeded generator of numbers from 0 up to 1 (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Unit vectors around cluster centres, as embeddings of pictures lie. */
function clustered(count: number, seed: number): Matrix {
  const random = randomNumbers(seed);
  const centre = randomNumbers(1);
  const centres = Float32Array.from({ length: CLUSTERS * dimension }, () => centre() - 0.5);
  const data = new Float32Array(count * dimension);
  for (let row = 0; row < count; row++) {
    const from = Math.floor(random() * CLUSTERS) * dimension;
    let square = 0;
    for (let i = 0; i < dimension; i++) {
      const value = (centres[from + i] ?? 0) + 0.6 * (random() - 0.5);
      data[row * dimension + i] = value;
      square += value * value;
    }
    const scale = 1 / Math.sqrt(square);
    for (let i = 0; i < dimension; i++) data[row * dimension + i] = (data[row * dimension + i] ?? 0) * scale;
  }
  return matrix(data, dimension);
}

async function* batches(vectors: Matrix): AsyncIterable<Batch> {
  for (let first = 0; first < vectors.rows; first += BATCH_ROWS) {
    const end = Math.min(first + BATCH_ROWS, vectors.rows);
    const ids = Array.from({ length: end - first }, (_, i) => (first + i).toString(16).padStart(24, "0"));
    yield {
      ids,
      sampleIds: ids,
      vectors: matrix(vectors.data.subarray(first * dimension, end * dimension), dimension),
    };
  }
}

async function timed<Result>(work: () => Promise<Result>): Promise<{ ms: number; result: Result }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const megabytes = () => Math.round(process.memoryUsage().rss / 1e6);

/** scikit-learn's answer times for a k, one query at a time. */
function startPython(
  python: string,
  file: string,
): { ask(k: number, query: number): Promise<number>; child: ChildProcess } {
  const program = `
import sys, time, numpy as np
from sklearn.neighbors import NearestNeighbors
x = np.fromfile(sys.argv[1], dtype=np.float32).reshape(-1, ${dimension})
q = np.fromfile(sys.argv[2], dtype=np.float32).reshape(-1, ${dimension})
n = NearestNeighbors(metric="cosine", algorithm="brute").fit(x)
print("ready", flush=True)
for line in sys.stdin:
    k, i = map(int, line.split())
    start = time.perf_counter()
    n.kneighbors(q[i : i + 1], n_neighbors=k)
    print((time.perf_counter() - start) * 1000, flush=True)
`;
  const child = spawn(python, ["-c", program, file, `${file}.queries`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = lines.next();
  return {
    child,
    async ask(k, query) {
      await ready;
      child.stdin.write(`${k} ${query}\n`);
      return Number((await lines.next()).value);
    },
  };
}

async function measure(folder: string): Promise<Record<string, number | string>> {
  const vectors = clustered(rows, 2);
  const queries = clustered(rounds, 3);
  const query = (i: number) => matrix(queries.row(i).slice(), dimension);
  const facts: Record<string, number | string> = {
    rows,
    dimension,
    rounds,
    "load before": loadavg()[0]?.toFixed(1) ?? "",
  };

  const writer = localBackend({ folder });
  const collection = await writer.create({ name: "bench", dimension, metric: "cosine" });
  facts["ingest ms"] = (await timed(() => collection.upsert(batches(vectors)))).ms;
  const thousand = clustered(1000, 4);
  facts["upsert 1000 of the first ids ms"] = (await timed(() => collection.upsert(batches(thousand)))).ms;
  await writer.close();
  facts["file MB"] = Math.round((await stat(join(folder, "bench.db"))).size / 1e6);

  const file = join(folder, "vectors.raw");
  await writeFile(file, vectors.data);
  await writeFile(`${file}.queries`, queries.data);
  const python = process.env.BENCH_PYTHON;
  const sklearn = python === undefined ? undefined : startPython(python, file);

  const backend = localBackend({ folder });
  const index = await backend.open("bench");
  facts["RSS MB before the first search (with the vectors of this script)"] = megabytes();
  facts["first search ms"] = (await timed(() => index.search(query(0), { k: 10 }))).ms;
  facts["RSS MB after it"] = megabytes();
  for (const k of KS) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let i = 0; i < rounds; i++) {
      ours.push((await timed(() => index.search(query(i), { k }))).ms);
      if (sklearn !== undefined) theirs.push(await sklearn.ask(k, i));
    }
    facts[`k=${k} median ms`] = median(ours);
    facts[`k=${k} slowest ms`] = Math.max(...ours);
    if (sklearn !== undefined) facts[`k=${k} scikit-learn median ms`] = median(theirs);
  }
  const many = await timed(() => index.search(queries, { k: 10 }));
  facts[`k=10 ms a query, ${rounds} queries in one call`] = many.ms / rounds;
  facts["whole ranking ms"] = (await timed(() => index.search(query(0), { k: null }))).ms;
  facts["RSS MB at the end"] = megabytes();
  facts["load after"] = loadavg()[0]?.toFixed(1) ?? "";
  await backend.close();
  if (sklearn !== undefined) {
    sklearn.child.stdin?.end();
    await once(sklearn.child, "exit");
  }
  return facts;
}

const folder = await mkdtemp(join(tmpdir(), "nearsight-bench-"));
try {
  const facts = await measure(folder);
  const table = new Table({ head: ["what", "value"] });
  for (const [what, value] of Object.entries(facts)) {
    table.push([what, typeof value === "number" ? Math.round(value * 100) / 100 : value]);
  }
  console.log(table.toString());
  console.log(JSON.stringify(facts));
} finally {
  await rm(folder, { recursive: true, force: true });
}
