/** Contract: sizes beyond what a server takes at once, and what no backend can be asked for. */

import { expect } from "vitest";
import { METRICS, type Metric } from "../../../core/backends/metric.ts";
import type { ContractCase } from "../backend-contract.ts";
import {
  batch,
  DIMENSION,
  entries,
  expectCode,
  expectOrder,
  fetched,
  floats,
  padded,
  select,
  stream,
} from "../context.ts";

export const LIMIT_CASES: readonly ContractCase[] = [
  {
    name: "over a thousand hits are given when asked for",
    async run({ make }) {
      const collection = await make();
      await collection.upsert(stream(entries(1500, "cosine", 31)));
      for (const k of [1100, 1500, 1501]) {
        const [hits] = await collection.search(floats(padded(1, 2)), { k });
        expect(hits?.ids).toHaveLength(Math.min(k, 1500));
        expect(new Set(hits?.ids).size).toBe(Math.min(k, 1500));
        if (hits !== undefined) expectOrder(hits);
      }
    },
  },
  {
    name: "more hits than one server call gives are given all the same",
    needs: ({ maxK }) => maxK !== null,
    async run({ capabilities, make }) {
      const maxK = capabilities.maxK ?? 0;
      const collection = await make({ dimension: 4 });
      const size = maxK + 5;
      await collection.upsert(stream(entries(size, "cosine", 32, "e", 4)));
      for (const k of [maxK, maxK + 1, null]) {
        const [hits] = await collection.search(floats([1, 0.5, 0, 0]), { k });
        expect(hits?.ids).toHaveLength(k ?? size);
        expect(new Set(hits?.ids).size).toBe(k ?? size);
      }
    },
  },
  {
    name: "a batch and a selection of thousands are taken whole",
    async run({ make }) {
      const collection = await make();
      const written = entries(5000, "cosine", 33);
      expect(await collection.upsert(stream(written))).toEqual({ written: 5000, failed: [] });
      const ids = written.ids.filter((_, i) => i % 4 !== 0);
      expect((await fetched(collection.fetch(select(ids)))).size).toBe(3750);
      const [hits] = await collection.search(floats(padded(1)), { k: 3000, within: select(ids) });
      expect(hits?.ids).toHaveLength(3000);
      expect(hits?.ids.every((id) => Number(id.slice(1)) % 4 !== 0)).toBe(true);
      expect((await collection.delete(stream(ids))).written).toBe(3750);
      expect((await collection.describe()).size).toBe(1250);
    },
  },
  {
    name: "hundreds of queries are answered in one call",
    async run({ filled, checkHits }) {
      const collections = await filled();
      const found = await checkHits(collections, entries(257, "cosine", 34).vectors, { k: 3 });
      expect(found).toHaveLength(257);
    },
  },
  {
    name: "long vectors are taken",
    async run({ make }) {
      const collection = await make({ dimension: 1536 });
      const written = entries(20, "cosine", 35, "e", 1536);
      await collection.upsert(stream(written));
      const [hits] = await collection.search(floats([...written.vectors.row(13)]), { k: 1 });
      expect(hits?.ids).toEqual(["e0013"]);
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
    name: "long ids are kept apart",
    async run({ make }) {
      const collection = await make();
      const ids = ["a", "b"].map((end) => "x".repeat(60) + end);
      await collection.upsert(stream(batch(ids, floats(padded(1), padded(0, 1)))));
      expect([...(await fetched(collection.fetch())).keys()].sort()).toEqual(ids);
    },
  },
];
