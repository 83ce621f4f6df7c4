/** The SDK of Elasticsearch, used by hand on indexes of the mapping that nearsight makes. */

import { setTimeout as pause } from "node:timers/promises";
import type { Client, estypes } from "@elastic/elasticsearch";
import { elasticsearchBackend } from "../../../core/backends/elasticsearch/elasticsearch.ts";
import {
  CANDIDATES_PER_HIT,
  LEAST_CANDIDATES,
  MAX_HITS,
} from "../../../core/backends/elasticsearch/limits.ts";
import { idOf } from "../data.ts";
import { together } from "./parts.ts";
import type { Setting } from "./protocol.ts";
import type { Sdk, Vectors } from "./sdk.ts";

/** What was best of 500 to 4,000 rows and one to four at once. */
const WRITE_ROWS = 750;
const WRITES_AT_ONCE = 3;
const READ_ROWS = 1000;

/** Connects as nearsight does. */
export async function elasticsearchSdk({ address, dimension }: Setting): Promise<Sdk> {
  const backend = elasticsearchBackend(address);
  const client = (await backend.client?.()) as Client;
  return {
    async upload(name, vectors) {
      await client.indices.create(indexOf(name, dimension));
      await upload(client, name, vectors);
    },
    async search(name, query, { k, ids }) {
      const { hits } = await client.search({
        index: name,
        knn: {
          field: "vector",
          query_vector: Array.from(query),
          k,
          num_candidates: Math.min(MAX_HITS, Math.max(LEAST_CANDIDATES, CANDIDATES_PER_HIT * k)),
          ...(ids === undefined ? {} : { filter: { terms: { _id: [...ids] } } }),
        },
        size: k,
        _source: false,
        docvalue_fields: ["sample_id"],
      });
      return hits.hits.map(({ _id = "" }) => _id);
    },
    async vector(name, id) {
      const { hits } = await client.search<{ vector: unknown }>({
        index: name,
        query: { ids: { values: [id] } },
        _source: ["vector"],
      });
      return floats(String(hits.hits[0]?._source?.vector));
    },
    read: (name) => read(client, name),
    settle: (name) => settle(client, name),
    async drop(name) {
      await client.indices.delete({ index: name, ignore_unavailable: true });
    },
    close: () => backend.close(),
  };
}

/** As the driver makes it: the graph explicit, the vectors kept as given, no refresh while it is filled. */
function indexOf(index: string, dims: number): estypes.IndicesCreateRequest {
  const graph = { type: "hnsw" } as const;
  return {
    index,
    settings: { refresh_interval: "30s", "index.mapping.exclude_source_vectors": false },
    mappings: {
      dynamic: false,
      properties: {
        sample_id: { type: "keyword" },
        vector: { type: "dense_vector", dims, similarity: "cosine", index_options: graph },
      },
    },
  };
}

async function upload(client: Client, index: string, vectors: Vectors): Promise<void> {
  await together(WRITES_AT_ONCE, WRITE_ROWS, vectors.rows, async (rows) => {
    const operations = rows.flatMap((row) => [
      { index: { _id: idOf(row) } },
      { sample_id: idOf(row), vector: base64(vectors.row(row)) },
    ]);
    const { errors } = await client.bulk({ index, operations });
    if (errors) throw new Error("Some entries were refused");
  });
  await client.indices.refresh({ index });
}

/** Big-endian, as the server takes them; it reads lists of numbers far more slowly. */
function base64({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(Buffer.from(buffer, byteOffset, byteLength))
    .swap32()
    .toString("base64");
}

function floats(text: string): Float32Array {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  Buffer.from(bytes.buffer).swap32();
  return new Float32Array(bytes.buffer);
}

async function read(client: Client, index: string): Promise<number> {
  const { id } = await client.openPointInTime({ index, keep_alive: "2m" });
  let [count, after]: [number, estypes.SortResults | undefined] = [0, undefined];
  do {
    const { hits }: estypes.SearchResponse = await client.search({
      pit: { id, keep_alive: "2m" },
      size: READ_ROWS,
      sort: [{ _shard_doc: "asc" }],
      _source: ["vector", "sample_id"],
      ...(after === undefined ? {} : { search_after: after }),
    });
    count += hits.hits.length;
    after = hits.hits.at(-1)?.sort;
  } while (after !== undefined);
  await client.closePointInTime({ id });
  return count;
}

/** Waits until segments are no longer merged. */
async function settle(client: Client, index: string): Promise<void> {
  await client.indices.refresh({ index });
  for (let calm = 0; calm < CALM; calm++) {
    const { _all } = await client.indices.stats({ index, metric: "merge" });
    if ((_all.total?.merges?.current ?? 0) > 0) calm = 0;
    await pause(POLL_MS);
  }
  await client.indices.refresh({ index });
}

const POLL_MS = 500;
/** Times in a row that nothing was left to do. */
const CALM = 4;
