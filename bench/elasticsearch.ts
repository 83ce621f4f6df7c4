/**
 * Times the Elasticsearch backend beside its SDK used by hand, in turns on the same server and vectors:
 * `node bench/elasticsearch.ts [--hosts http://localhost:9200] [--rows 10000] [--dimension 512] [--rounds 30]`.
 */

import { parseArgs } from "node:util";
import { Client, type estypes } from "@elastic/elasticsearch";
import type { Collection, Selection } from "../core/backends/backend.ts";
import { elasticsearchBackend } from "../core/backends/elasticsearch/elasticsearch.ts";
import { type Matrix, matrix } from "../core/matrix.ts";
import { batchesOf, idOf, readVectors, vectorFile } from "./support/data.ts";
import { type Case, inTurns, machineFacts, OURS, publish, timed } from "./support/report.ts";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "http://localhost:9200" },
    rows: { type: "string", default: "10000" },
    dimension: { type: "string", default: "512" },
    rounds: { type: "string", default: "30" },
    uploads: { type: "string", default: "2" },
  },
});
const [rows, dimension, rounds] = [Number(values.rows), Number(values.dimension), Number(values.rounds)];

const BARE = "SDK by hand";
const NAMES = { [OURS]: `bench-${process.pid}-ours`, [BARE]: `bench-${process.pid}-bare` };
/** What was best of 500 to 4,000 rows and one to four at once. */
const BULK_ROWS = 750;
const BULKS_AT_ONCE = 3;
/** The driver's, so that both look as far. */
const candidatesOf = (k: number) => Math.min(10_000, Math.max(400, 4 * k));

const backend = elasticsearchBackend({ hosts: values.hosts });
const bare = new Client({ node: values.hosts });

/** As the driver makes it: the graph explicit, the vectors kept as given, no refresh while it is filled. */
function bareIndex(index: string): estypes.IndicesCreateRequest {
  return {
    index,
    settings: { refresh_interval: "30s", "index.mapping.exclude_source_vectors": false },
    mappings: {
      dynamic: false,
      properties: {
        sample_id: { type: "keyword" },
        vector: {
          type: "dense_vector",
          dims: dimension,
          similarity: "cosine",
          index_options: { type: "hnsw" },
        },
      },
    },
  };
}

async function bareUpload(path: string): Promise<void> {
  const index = NAMES[BARE] ?? "";
  await bare.indices.create(bareIndex(index));
  const vectors = await readVectors(path, dimension);
  let next = 0;
  const work = async () => {
    for (let first = next; first < vectors.rows; first = next) {
      next += BULK_ROWS;
      const operations: (string | object)[] = [];
      for (let row = first; row < Math.min(vectors.rows, first + BULK_ROWS); row++) {
        const { buffer, byteOffset, byteLength } = vectors.row(row);
        const vector = Buffer.from(Buffer.from(buffer, byteOffset, byteLength))
          .swap32()
          .toString("base64");
        operations.push({ index: { _id: idOf(row) } }, { sample_id: idOf(row), vector });
      }
      const { errors } = await bare.bulk({ index, operations });
      if (errors) throw new Error("Some entries were refused");
    }
  };
  await Promise.all(Array.from({ length: BULKS_AT_ONCE }, work));
  await bare.indices.refresh({ index });
}

async function upload(path: string): Promise<void> {
  const collection = await backend.create({ name: NAMES[OURS] ?? "", dimension, metric: "cosine" });
  await collection.upsert(batchesOf(path, dimension));
}

async function dropAll(): Promise<void> {
  for (const index of Object.values(NAMES)) await bare.indices.delete({ index, ignore_unavailable: true });
}

/** A view of every so manieth row; of all rows it is one that is searched exactly. */
function everyRow(step: number): Selection {
  const ids = Array.from({ length: Math.ceil(rows / step) }, (_, i) => idOf(i * step));
  return {
    size: ids.length,
    key: `every ${step}`,
    async *ids() {
      yield ids;
    },
  };
}

async function bareSearch(query: Matrix, k: number): Promise<string[]> {
  const { hits } = await bare.search({
    index: NAMES[OURS] ?? "",
    knn: { field: "vector", query_vector: Array.from(query.row(0)), k, num_candidates: candidatesOf(k) },
    size: k,
    _source: false,
    docvalue_fields: ["sample_id"],
  });
  return hits.hits.map(({ _id = "" }) => _id);
}

async function searchCase(collection: Collection, queries: Matrix, k: number): Promise<Case> {
  const query = (round: number) => matrix(queries.row(round % queries.rows).slice(), dimension);
  const shares: number[] = [];
  for (let round = 0; round < 10; round++) {
    const [found] = await collection.search(query(round), { k });
    const [exact] = await collection.search(query(round), { k, within: everyRow(1) });
    const hits = new Set(found?.ids);
    shares.push((exact?.ids.filter((id) => hits.has(id)).length ?? 0) / Math.min(k, rows));
  }
  const recall = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const times = await inTurns(rounds, {
    [OURS]: (round) => timed(() => collection.search(query(round), { k })),
    [BARE]: (round) => timed(() => bareSearch(query(round), k)),
  });
  return { name: `k ${k}, recall ${recall.toFixed(3)}`, times };
}

try {
  const facts: Record<string, string | number> = { ...machineFacts(), rows, dimension, rounds };
  const [vectors, asked] = [await vectorFile(rows, dimension, 2), await vectorFile(1000, dimension, 3)];
  const queries = await readVectors(asked, dimension);
  const cases: Case[] = [];
  const uploads = await inTurns(
    Number(values.uploads),
    {
      [OURS]: async () => {
        await dropAll();
        return timed(() => upload(vectors));
      },
      [BARE]: async () => {
        await dropAll();
        return timed(() => bareUpload(vectors));
      },
    },
    { warm: false },
  );
  cases.push({ name: "upload", times: uploads });
  await dropAll();
  await upload(vectors);
  const collection = await backend.open(NAMES[OURS] ?? "");
  for (const k of [10, 25, 1000]) cases.push(await searchCase(collection, queries, k));
  for (const size of [100, 5000, 50_000, 70_000]) {
    if (size > rows) continue;
    const within = everyRow(Math.floor(rows / size));
    const query = matrix(queries.row(0).slice(), dimension);
    const times = await inTurns(Math.ceil(rounds / 3), {
      [OURS]: () => timed(() => collection.search(query, { k: 25, within })),
    });
    cases.push({ name: `k 25 in a view of ${size}`, times });
  }
  const reads = await inTurns(2, {
    [OURS]: () =>
      timed(async () => {
        for await (const _ of collection.fetch());
      }),
  });
  cases.push({ name: "reading all back", times: reads });
  await publish(`elasticsearch-${rows}x${dimension}`, {
    title: `Elasticsearch: ${rows} vectors of ${dimension} numbers`,
    facts,
    cases,
  });
} finally {
  await dropAll();
  await backend.close();
  await bare.close();
}
