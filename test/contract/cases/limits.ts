/** Contract: sizes beyond what a server takes at once, and what no backend can be asked for. */

import { expect } from "vitest";
import { METRICS, type Metric } from "../../../core/backends/metric.ts";
import { takeRows } from "../../../core/matrix.ts";
import { at } from "../answers.ts";
import type { ContractCase } from "../backend-contract.ts";
import { DIMENSION, entries, expectCode, FILLED, fetched, select, stream } from "../context.ts";
import { selectMany } from "../scale.ts";

/** Numbers of the longest vectors where the server has no limit. */
const LONG = 4096;
/** More than Elasticsearch takes in one message once the numbers are written out, 20 characters each. */
const BATCH_BYTES = 24 * 2 ** 20;

export const LIMIT_CASES: readonly ContractCase[] = [
  {
    name: "a batch, a selection and a deletion of 16,385 entries are taken whole",
    async run({ make }) {
      const collection = await make();
      const count = 16_400;
      const written = entries(count, "cosine", 33, "e", DIMENSION);
      expect(await collection.upsert(stream(written))).toEqual({ written: count, failed: [] });
      expect((await collection.describe()).size).toBe(count);
      const gone = written.ids.slice(0, 16_385);
      const left = written.ids.slice(16_385);
      expect((await fetched(collection.fetch(selectMany(gone, "gone")))).size).toBe(gone.length);
      const unknown = gone.slice(0, 100).map((id) => `not ${id}`);
      const report = await collection.delete(stream([...unknown, ...gone]));
      expect(report).toEqual({ written: gone.length, failed: [] });
      expect((await collection.describe()).size).toBe(left.length);
      expect([...(await fetched(collection.fetch())).keys()].sort()).toEqual(left.toSorted());
    },
  },
  {
    name: "hundreds of queries are answered in one call",
    async run({ capabilities, filled, checkHits }) {
      const collections = await filled();
      const found = await checkHits(collections, entries(257, "cosine", 34).vectors, { k: 3 });
      expect(found).toHaveLength(257);
      if (!capabilities.metrics.includes("euclidean")) return;
      const { collection, batch } = await filled("euclidean");
      const own = await collection.search(batch.vectors, { k: 1 });
      expect(own.map((hits) => hits.ids[0])).toEqual(batch.ids);
      for (const hits of own) expect(Math.abs(at(hits.distances, 0))).toBeLessThan(1e-3);
    },
  },
  {
    name: "the longest vectors are taken, in a batch beyond one message",
    async run({ limits, make, stored }) {
      const dimension = limits.dimension ?? LONG;
      const collection = await make({ dimension });
      expect((await collection.describe()).dimension).toBe(dimension);
      const count = Math.ceil((limits.batchBytes ?? BATCH_BYTES) / (4 * dimension));
      const written = entries(count, "cosine", 35, "e", dimension);
      expect(await collection.upsert(stream(written))).toEqual({ written: count, failed: [] });
      expect((await collection.describe()).size).toBe(count);
      const some = [0, count >> 1, count - 1];
      const within = select(some.map((row) => at(written.ids, row)));
      const found = await fetched(collection.fetch(within));
      for (const row of some) {
        const id = at(written.ids, row);
        expect(found.get(id)?.vector).toEqual(stored(written.vectors.row(row)));
        const [hits] = await collection.search(takeRows(written.vectors, [row]), { k: 1, within });
        expect(hits?.ids).toEqual([id]);
      }
    },
  },
  {
    name: "a vector of one number more than the server takes is LIMIT_EXCEEDED",
    needs: (_, { dimension }) => dimension !== undefined,
    async run({ backend, capabilities, limits, newName }) {
      const { dimension = 0 } = limits;
      const spec = { name: newName(), dimension: dimension + 1, metric: capabilities.defaultMetric };
      await expectCode(() => backend.create(spec), "LIMIT_EXCEEDED");
      expect(await backend.list(spec.name)).toEqual([]);
    },
  },
  {
    name: "k of millions gives all entries",
    async run({ filled, checkHits }) {
      const collections = await filled();
      const [hits] = await checkHits(collections, entries(1, "cosine", 36).vectors, { k: 2 ** 31 });
      expect(hits?.ids).toHaveLength(FILLED);
    },
  },
  {
    name: "metrics that are not claimed are METRIC_NOT_SUPPORTED",
    async run({ backend, capabilities, newName }) {
      const others: Metric[] = METRICS.filter((metric) => !capabilities.metrics.includes(metric));
      for (const metric of [...others, "manhattan" as Metric]) {
        const name = newName();
        const spec = { name, dimension: 8 * DIMENSION, metric };
        await expectCode(() => backend.create(spec), "METRIC_NOT_SUPPORTED");
        expect(await backend.list(name)).toEqual([]);
      }
    },
  },
  {
    name: "a metric for other vectors than those asked for is METRIC_NOT_SUPPORTED",
    async run({ backend, capabilities, newName }) {
      const name = newName();
      const spec = { name, dimension: 8 * DIMENSION, metric: capabilities.defaultMetric };
      await expectCode(() => backend.create({ ...spec, vectorType: "bits" }), "METRIC_NOT_SUPPORTED");
      expect(await backend.list(name)).toEqual([]);
    },
  },
  {
    name: "a dimension below 1 or not whole is INVALID_ARGUMENT",
    async run({ backend, capabilities, newName }) {
      for (const dimension of [0, -4, 2.5, Number.NaN]) {
        const spec = { name: newName(), dimension, metric: capabilities.defaultMetric };
        await expectCode(() => backend.create(spec), "INVALID_ARGUMENT");
        expect(await backend.list(spec.name)).toEqual([]);
      }
    },
  },
  {
    name: "an option the backend does not know is INVALID_ARGUMENT",
    async run({ backend, capabilities, newName }) {
      const { defaultMetric: metric } = capabilities;
      const spec = { name: newName(), dimension: DIMENSION, metric, params: { noSuchOption: 1 } };
      await expectCode(() => backend.create(spec), "INVALID_ARGUMENT");
      expect(await backend.list(spec.name)).toEqual([]);
    },
  },
];
