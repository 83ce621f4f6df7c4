/** Milvus: upload and queries beside the bare SDK on the same server, one after the other in turns. */

import { parseArgs } from "node:util";
import { milvusBackend } from "../core/backends/milvus/milvus.ts";
import { type Matrix, matrix } from "../core/matrix.ts";
import { seededRandom } from "../core/random.ts";

const { values } = parseArgs({
  options: {
    uri: { type: "string", default: "http://localhost:19530" },
    rows: { type: "string", default: "10000" },
    dimension: { type: "string", default: "512" },
    rounds: { type: "string", default: "3" },
    queries: { type: "string", default: "50" },
  },
});
const [rows, dimension, rounds, queries] = [values.rows, values.dimension, values.rounds, values.queries].map(
  Number,
) as [number, number, number, number];

/** Rows of one insert of the bare SDK: more make its JSON text slower for each row. */
const SDK_ROWS = 1000;

const backend = milvusBackend({ uri: values.uri });
const client = await backend.client();
const random = seededRandom(51);
const vectors = matrix(
  Float32Array.from({ length: rows * dimension }, () => random() * 2 - 1),
  dimension,
);
const ids = Array.from({ length: rows }, (_, i) => String(i).padStart(24, "0"));

const uploads = { nearsight: [] as number[], sdk: [] as number[] };
for (let round = 0; round < rounds; round++) {
  uploads.nearsight.push(await timed(uploadHere));
  uploads.sdk.push(await timed(uploadBySdk));
}
print(`upload of ${rows} x ${dimension}, ms`, uploads);

for (const k of [10, 25, 1000]) {
  const times = { nearsight: [] as number[], sdk: [] as number[] };
  const collection = await backend.open("bench_nearsight");
  for (let i = 0; i < queries; i++) {
    const query = matrix(vectors.row((i * 7919) % rows).slice(), dimension);
    times.nearsight.push(await timed(() => collection.search(query, { k })));
    times.sdk.push(await timed(() => searchBySdk(query, k)));
  }
  print(`query by vector, k ${k}, ms`, times);
}

for (const name of ["bench_nearsight", "bench_sdk"]) await (await backend.open(name)).drop();
await backend.close();

async function fresh(name: string) {
  await (await backend.open(name).catch(() => undefined))?.drop();
  return backend.create({ name, dimension, metric: "dotproduct" });
}

async function uploadHere(): Promise<void> {
  const collection = await fresh("bench_nearsight");
  const report = await collection.upsert(batches());
  if (report.written !== rows) throw new Error(`Expected ${rows} entries but wrote ${report.written}`);
}

async function* batches() {
  for (let first = 0; first < rows; first += SDK_ROWS) {
    const part = ids.slice(first, first + SDK_ROWS);
    const data = vectors.data.subarray(first * dimension, (first + SDK_ROWS) * dimension);
    yield { ids: part, sampleIds: part, vectors: matrix(data, dimension) };
  }
}

/** The same schema and the same end: all rows are counted by a strong read. */
async function uploadBySdk(): Promise<void> {
  await fresh("bench_sdk");
  for (let first = 0; first < rows; first += SDK_ROWS) {
    const data = ids.slice(first, first + SDK_ROWS).map((id, i) => ({
      pk: id,
      vector: Array.from(vectors.row(first + i)),
      sample_id: id,
    }));
    await client.upsert({ collection_name: "bench_sdk", data });
  }
  await client.flush({ collection_names: ["bench_sdk"] });
  await client.count({ collection_name: "bench_sdk" });
}

function searchBySdk(query: Matrix, k: number) {
  return client.search({
    collection_name: "bench_nearsight",
    data: [Array.from(query.data)],
    limit: k,
    output_fields: ["pk", "sample_id"],
    params: { ef: Math.max(512, 2 * k) },
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function print(what: string, times: Readonly<Record<string, readonly number[]>>): void {
  const shown = Object.entries(times).map(([name, all]) => {
    const sorted = all.toSorted((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return `${name} ${middle.toFixed(1)} (least ${(sorted[0] ?? 0).toFixed(1)})`;
  });
  console.log(`${what}: ${shown.join(", ")}`);
}
