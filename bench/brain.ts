/** Times the library's main calls on given vectors: build, search by id and vector, on views, and reading back. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { matrix, open } from "../core/index.ts";
import { seededRandom } from "../core/random.ts";

const { values } = parseArgs({
  options: { rows: { type: "string", default: "10000" }, rounds: { type: "string", default: "15" } },
});
const rows = Number(values.rows);
const rounds = Number(values.rounds);
const dimension = 512;

const random = seededRandom(51);
const vectors = matrix(
  Float32Array.from({ length: rows * dimension }, () => random() * 2 - 1),
  dimension,
);
const home = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
const results: Record<string, number> = {};

async function timed<Result>(name: string, work: () => Promise<Result>, times = 1): Promise<Result> {
  const laps: number[] = [];
  let result = await lap();
  for (let i = 1; i < times; i++) result = await lap();
  laps.sort((a, b) => a - b);
  results[name] = Number((laps[Math.floor(laps.length / 2)] ?? 0).toFixed(2));
  return result;

  async function lap(): Promise<Result> {
    const start = performance.now();
    const value = await work();
    laps.push(performance.now() - start);
    return value;
  }
}

try {
  await using ns = await open({ config: { home } });
  const dataset = await ns.createDataset("bench");
  const ids = await timed("addSamples", () =>
    dataset.addSamples(
      Array.from({ length: rows }, (_, i) => ({
        filepath: `/bench/${i}.jpg`,
        tags: [i % 2 === 0 ? "even" : "odd"],
      })),
    ),
  );
  const index = await timed("computeSimilarity, vectors given", () =>
    ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "bench" }),
  );
  const id = () => ids[Math.floor(random() * rows)] ?? "";
  const query = () => ({ vector: Array.from({ length: dimension }, () => random() * 2 - 1) });
  await timed("by id, k 25, first", () => dataset.sortBySimilarity({ id: id() }, { k: 25 }).values("id"));
  // Codes of the vectors, which make searches quick, are made when there is nothing else to do.
  await pause(rows / 20);
  await timed("by id, k 25", () => dataset.sortBySimilarity({ id: id() }, { k: 25 }).values("id"), rounds);
  await timed("by vector, k 25", () => dataset.sortBySimilarity(query(), { k: 25 }).values("id"), rounds);
  await timed(
    "by id, k 1000",
    () => dataset.sortBySimilarity({ id: id() }, { k: 1000 }).values("id"),
    rounds,
  );
  await timed("by id, whole ranking", () => dataset.sortBySimilarity({ id: id() }).values("id"), 3);
  await timed(
    "view of half, k 25",
    () => dataset.matchTags("even").sortBySimilarity(query(), { k: 25 }).values("id"),
    Math.min(5, rounds),
  );
  await timed(
    "view of 100, k 25",
    () => dataset.limit(100).sortBySimilarity(query(), { k: 25 }).values("id"),
    rounds,
  );
  await timed("getEmbeddings, all", () => index.getEmbeddings());
  await timed(
    "addToIndex, 100 replaced",
    () => index.addToIndex(matrix(vectors.data.slice(0, 100 * dimension), dimension), ids.slice(0, 100)),
    3,
  );
  await timed("removeFromIndex, 100", () => index.removeFromIndex({ sampleIds: ids.slice(0, 100) }));
  await timed("loadBrainResults", () => dataset.loadBrainResults("bench"), 3);
  console.table(results);
  console.log(
    JSON.stringify({ rows, dimension, rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20), results }),
  );
} finally {
  rmSync(home, { recursive: true, force: true });
}
