/**
 * Milvus: what each kind of index finds of the nearest, in a finished index of 20,480 random and clustered vectors;
 * each distance, and each whole ranking, is exact.
 */

import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Backend, Columns } from "../../core/backends/backend.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { releaseServers, startServer } from "../../tools/servers/servers.ts";
import { compareHits } from "../contract/answers.ts";
import { stream } from "../contract/context.ts";
import { type Kind, SCALE, SCALE_DIMENSION, scaleOf, someQueries } from "../contract/scale.ts";
import { waitForIndex } from "../support/milvus-index.ts";

const STARTING_MS = 600_000;

let backend: Backend<MilvusClient>;
beforeAll(async () => {
  const { address } = await startServer("milvus", { user: process.pid });
  backend = milvusBackend(address);
}, STARTING_MS);
afterAll(async () => {
  await backend.close();
  await releaseServers(process.pid);
}, STARTING_MS);

const DATA: readonly Kind[] = ["random", "clustered"];

const LEAST_RECALL = 0.98;

describe.each(["HNSW", "IVF_FLAT", "IVF_SQ8", "IVF_PQ", "SCANN"])("%s", (indexType) => {
  test.each(DATA)(
    "finds the nearest of %s vectors, each distance and the whole ranking exact",
    { timeout: STARTING_MS },
    async (kind) => {
      const data = scaleOf(kind);
      const name = `kinds_${process.pid}_${kind}_${indexType.toLowerCase()}`;
      const spec = { name, dimension: SCALE_DIMENSION, metric: "cosine", params: { indexType } } as const;
      const collection = await backend.create(spec);
      await collection.upsert(stream(data.batch));
      await waitForIndex(backend, collection, SCALE);
      const check = (found: readonly Columns[], k: number | null, recall: number) => {
        const answers = found.map((actual, query) => ({
          actual,
          expected: data.hits(query, { k }),
          truth: data.truth(query),
        }));
        compareHits(answers, { reverse: false, tolerance: 1e-4, recall });
      };
      for (const k of [10, 25, 1000]) check(await collection.search(data.queries, { k }), k, LEAST_RECALL);
      check(await collection.search(someQueries(data, 1), { k: null }), null, 1);
      await collection.drop();
    },
  );
});
