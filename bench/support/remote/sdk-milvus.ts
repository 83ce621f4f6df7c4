/** The SDK of Milvus, used by hand on collections of the schema that nearsight makes. */

import { setTimeout as pause } from "node:timers/promises";
import { ConsistencyLevelEnum, DataType, type MilvusClient } from "@zilliz/milvus2-sdk-node";
import { searchParamsFor } from "../../../core/backends/milvus/index-types.ts";
import { milvusBackend } from "../../../core/backends/milvus/milvus.ts";
import { idOf } from "../data.ts";
import { together } from "./parts.ts";
import type { Setting } from "./protocol.ts";
import type { Sdk, Vectors } from "./sdk.ts";

/** The SDK makes JSON text of each message, which takes longer for each row the more there are. */
const WRITE_ROWS = 1000;
const WRITES_AT_ONCE = 3;
const INDEX = { index_type: "HNSW", metric_type: "COSINE", params: { M: 32, efConstruction: 256 } };
const TEXT = { data_type: DataType.VarChar, max_length: 64_000 };

/** Connects as nearsight does. */
export async function milvusSdk({ address, dimension }: Setting): Promise<Sdk> {
  const backend = milvusBackend(address);
  const client = await backend.client();
  return {
    upload: (name, vectors) => upload(client, name, vectors),
    async search(name, query, { k, ids }) {
      const { results } = await client.search({
        collection_name: name,
        data: [Array.from(query)],
        limit: k,
        output_fields: ["pk", "sample_id"],
        params: searchParamsFor(INDEX.index_type, {}, {}, k),
        ...(ids === undefined ? {} : { filter: `pk in ${JSON.stringify(ids)}` }),
      });
      return results.map(({ pk }) => String(pk));
    },
    async vector(name, id) {
      const { data } = await client.query({
        collection_name: name,
        ids: [id],
        output_fields: ["vector"],
        // Else it waits for all writes that there are.
        consistency_level: ConsistencyLevelEnum.Session,
      });
      return Float32Array.from(data[0]?.["vector"] as number[]);
    },
    async read(name) {
      const output = ["pk", "vector", "sample_id"];
      const pages = await client.queryIterator({
        collection_name: name,
        batchSize: WRITE_ROWS,
        output_fields: output,
        expr: 'pk >= ""',
      });
      let count = 0;
      for await (const page of pages) count += page.length;
      return count;
    },
    settle: (name) => settle(client, name),
    async drop(name) {
      await client.dropCollection({ collection_name: name });
    },
    close: () => backend.close(),
  };

  async function upload(client: MilvusClient, name: string, vectors: Vectors): Promise<void> {
    await client.createCollection({
      collection_name: name,
      fields: [
        { name: "pk", is_primary_key: true, ...TEXT },
        { name: "vector", data_type: DataType.FloatVector, dim: dimension },
        { name: "sample_id", ...TEXT },
      ],
    });
    await client.createIndex({ collection_name: name, field_name: "vector", ...INDEX });
    await client.loadCollectionSync({ collection_name: name });
    await together(WRITES_AT_ONCE, WRITE_ROWS, vectors.rows, async (rows) => {
      const data = rows.map((row) => ({
        pk: idOf(row),
        vector: Array.from(vectors.row(row)),
        sample_id: idOf(row),
      }));
      const { status } = await client.upsert({ collection_name: name, data });
      if (status.error_code !== "Success") throw new Error(status.reason);
    });
    await client.flush({ collection_names: [name] });
    await client.count({ collection_name: name });
  }
}

/** Waits until all segments are indexed, and loaded with their indexes. */
async function settle(client: MilvusClient, name: string): Promise<void> {
  await client.flushSync({ collection_names: [name] });
  for (let calm = 0; calm < CALM; calm++) {
    const [{ index_descriptions: indexes }, { infos }] = await Promise.all([
      client.describeIndex({ collection_name: name }),
      client.getQuerySegmentInfo({ collectionName: name }),
    ]);
    const isBuilt = indexes.every(({ state }) => state === "Finished");
    // Smaller segments are never indexed.
    const isLoaded = infos.every((one) => one.index_name !== "" || Number(one.num_rows) < 1024);
    if (!isBuilt || !isLoaded) calm = 0;
    await pause(POLL_MS);
  }
}

const POLL_MS = 500;
/** Times in a row that nothing was left to do: segments are merged in the background. */
const CALM = 4;
