/** Contract: Milvus, on milvus-lite, a smaller server that speaks the same protocol. */

import { expect } from "vitest";
import type { Backend } from "../../core/backends/backend.ts";
import { isBinaryMetric, METRICS } from "../../core/backends/metric.ts";
import { MAX_DIMENSION, MAX_ID_BYTES, MAX_MESSAGE_BYTES } from "../../core/backends/milvus/limits.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { type Difference, testBackend } from "../contract/backend-contract.ts";
import { batch, floats, padded, stream, vectors } from "../contract/context.ts";
import { milvusServer } from "../support/servers.ts";

/** milvus-lite has no binary vectors, and so no metric of theirs: what it does not claim is METRIC_NOT_SUPPORTED. */
function withoutBits(backend: Backend): Backend {
  const metrics = METRICS.filter((metric) => !isBinaryMetric(metric));
  return { ...backend, capabilities: { ...backend.capabilities, metrics, vectorTypes: ["float32"] } };
}

const differs: readonly Difference[] = [
  {
    case: "search > several queries are answered in their order, as one by one",
    because: "milvus-lite multiplies matrices, and rounds a batch of queries otherwise than one",
    async expect({ filled, checkHits }) {
      const collections = await filled();
      const queries = vectors(23, "cosine", 14);
      const together = await checkHits(collections, queries, { k: 5 });
      for (const i of [0, 7, 22]) {
        const [alone] = await collections.collection.search(floats([...queries.row(i)]), { k: 5 });
        expect(alone?.ids).toEqual(together[i]?.ids);
        alone?.distances.forEach((distance, place) => {
          expect(distance).toBeCloseTo(together[i]?.distances[place] ?? Number.NaN, 5);
        });
      }
    },
  },
  {
    case: "fields > entries written as if there were no fields go along with a condition",
    because: "milvus-lite keeps the values of an entry that is written again without any",
    async expect({ make }) {
      const collection = await make({ filterFields: [{ key: "a", kind: "boolean" }] });
      const both = batch(["kept", "other"], floats(padded(1), padded(1, 1)));
      await collection.upsert(stream({ ...both, fields: [{ a: true }, { a: true }] }));
      await collection.upsert(stream(batch(["kept", "new"], floats(padded(1, 2), padded(1, 3)))));
      const search = async (value: boolean) => {
        const filter = { condition: { op: "is", key: "a", value }, unsure: [] } as const;
        return (await collection.searchWhere?.(floats(padded(1)), { k: 5, filter }))?.ids;
      };
      expect([await search(true), await search(false)]).toEqual([["other", "kept", "new"], ["new"]]);
    },
  },
];

testBackend("milvus-lite", {
  open: () => withoutBits(milvusBackend(milvusServer())),
  limits: { dimension: MAX_DIMENSION, idBytes: MAX_ID_BYTES, batchBytes: MAX_MESSAGE_BYTES },
  differs,
});
