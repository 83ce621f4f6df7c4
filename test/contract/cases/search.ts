/** Contract: search answers are those of the exact formulas, in order. */

import { expect } from "vitest";
import { METRICS } from "../../../core/backends/metric.ts";
import { matrix } from "../../../core/matrix.ts";
import { at, expectOrder } from "../answers.ts";
import type { ContractCase } from "../backend-contract.ts";
import {
  batch,
  entries,
  expectCode,
  FILLED,
  fetched,
  floats,
  joined,
  padded,
  select,
  stream,
  vectors,
} from "../context.ts";

const perMetric: ContractCase[] = METRICS.map((metric) => ({
  name: `${metric}: distances, order and sample ids are the oracle's`,
  needs: ({ metrics }) => metrics.includes(metric),
  async run({ filled, checkHits }) {
    const collections = await filled(metric);
    for (const k of [1, 10, 25, FILLED]) await checkHits(collections, vectors(3, metric, 11), { k });
  },
}));

const reversed: ContractCase[] = METRICS.map((metric) => ({
  name: `${metric}: reverse gives the farthest first`,
  needs: ({ metrics, reverse }) => reverse && metrics.includes(metric),
  async run({ filled, checkHits }) {
    const collections = await filled(metric);
    for (const k of [1, 10, null]) await checkHits(collections, vectors(2, metric, 12), { k, reverse: true });
  },
}));

const radius: ContractCase[] = METRICS.map((metric) => ({
  name: `${metric}: maxDistance leaves out what is farther`,
  needs: (capabilities) => capabilities.radius && capabilities.metrics.includes(metric),
  async run({ filled, checkHits }) {
    const collections = await filled(metric);
    const query = vectors(1, metric, 13);
    const everything = at(await collections.oracle.search(query, { k: null }), 0);
    // Between two hits, so that rounding cannot decide.
    let last = 60;
    while (at(everything.distances, last) === at(everything.distances, last + 1)) last++;
    const maxDistance = (at(everything.distances, last) + at(everything.distances, last + 1)) / 2;
    for (const k of [5, 200, null]) {
      const [hits] = await checkHits(collections, query, { k, maxDistance });
      if (k !== 5) expect(hits?.ids).toHaveLength(last + 1);
    }
    const nothing = at(everything.distances, 0) - 1;
    expect((await checkHits(collections, query, { k: 10, maxDistance: nothing }))[0]?.ids).toEqual([]);
  },
}));

export const SEARCH_CASES: readonly ContractCase[] = [
  ...perMetric,
  ...reversed,
  ...radius,
  {
    name: "reverse is refused where it is not claimed",
    needs: ({ reverse }) => !reverse,
    async run({ filled }) {
      const { collection } = await filled();
      await expectCode(
        () => collection.search(floats(padded(1)), { k: 1, reverse: true }),
        "BACKEND_NOT_SUPPORTED",
      );
    },
  },
  {
    name: "maxDistance is refused where it is not claimed",
    needs: (capabilities) => !capabilities.radius,
    async run({ filled }) {
      const { collection } = await filled();
      await expectCode(
        () => collection.search(floats(padded(1)), { k: 1, maxDistance: 1 }),
        "BACKEND_NOT_SUPPORTED",
      );
    },
  },
  {
    name: "an entry within maxDistance exactly is a hit",
    needs: (capabilities) => capabilities.radius && capabilities.metrics.includes("euclidean"),
    async run({ empty }) {
      const collection = await empty("euclidean");
      await collection.upsert(
        stream(batch(["near", "edge", "far"], floats(padded(1), padded(2), padded(3)))),
      );
      const [hits] = await collection.search(floats(padded(0)), { k: 10, maxDistance: 2 });
      expect(hits?.ids).toEqual(["near", "edge"]);
    },
  },
  {
    name: "more hits than entries gives all entries, and so does k null",
    async run({ filled, checkHits }) {
      const collections = await filled();
      for (const k of [FILLED + 1, 1000, null])
        await checkHits(collections, floats(padded(0.3, -1, 0.2)), { k });
    },
  },
  {
    name: "several queries are answered in their order, as one by one",
    async run({ filled, checkHits }) {
      const collections = await filled();
      const queries = vectors(23, "cosine", 14);
      const together = await checkHits(collections, queries, { k: 5 });
      for (const i of [0, 7, 22]) {
        const [alone] = await collections.collection.search(floats([...queries.row(i)]), { k: 5 });
        expect(alone).toEqual(together[i]);
      }
    },
  },
  {
    name: "no query, no answer",
    async run({ filled }) {
      const { collection } = await filled();
      expect(await collection.search(vectors(0, "cosine", 1), { k: 3 })).toEqual([]);
    },
  },
  {
    name: "an entry's own vector finds it first, at no distance",
    async run({ capabilities, filled }) {
      for (const metric of capabilities.metrics.filter((one) => one !== "dotproduct")) {
        const { collection, batch: written } = await filled(metric);
        for (const row of [0, 150, 299]) {
          const query = matrix(written.vectors.row(row).slice(), written.vectors.dimension);
          const [hits] = await collection.search(query, { k: 1 });
          expect(hits?.ids).toEqual([written.ids[row]]);
          expect(Math.abs(at(hits?.distances ?? [], 0))).toBeLessThan(1e-3);
        }
      }
    },
  },
  {
    name: "doubles have the same distance, near 0 and never clearly below, and come by id",
    async run({ empty }) {
      const collection = await empty();
      const ids = ["b", "a", "B", "10", "9", "aa"];
      const row = [0.1, 0.2, 0.3, -0.4, 0.5, 0.6, -0.7, 0.8];
      await collection.upsert(stream(batch(ids, floats(...ids.map(() => row)))));
      const [hits] = await collection.search(floats(row), { k: 10 });
      expect(hits?.ids).toEqual(["10", "9", "B", "a", "aa", "b"]);
      expect(new Set(hits?.distances).size).toBe(1);
      const { metric } = await collection.describe();
      if (metric === "cosine") expect(Math.abs(at(hits?.distances ?? [], 0))).toBeLessThan(1e-6);
    },
  },
  {
    name: "which of equally far entries are hits follows their ids",
    needs: ({ exact }) => exact,
    async run({ capabilities, empty }) {
      const metric = capabilities.metrics.find((one) => one === "euclidean") ?? capabilities.defaultMetric;
      const collection = await empty(metric);
      const ids = Array.from({ length: 40 }, (_, i) => `t${String((i * 17) % 40).padStart(2, "0")}`);
      await collection.upsert(stream(batch(ids, floats(...ids.map(() => padded(1, 1))))));
      const [hits] = await collection.search(floats(padded(2, 1)), { k: 5 });
      expect(hits?.ids).toEqual(["t00", "t01", "t02", "t03", "t04"]);
      if (!capabilities.reverse) return;
      const [farthest] = await collection.search(floats(padded(2, 1)), { k: 3, reverse: true });
      expect(farthest?.ids).toEqual(["t00", "t01", "t02"]);
    },
  },
  {
    name: "cosine takes no account of length",
    needs: ({ metrics }) => metrics.includes("cosine"),
    async run({ empty }) {
      const collection = await empty("cosine");
      await collection.upsert(
        stream(batch(["long", "short", "other"], floats(padded(500), padded(0.001), padded(1, 1)))),
      );
      const [hits] = await collection.search(floats(padded(30)), { k: 3 });
      expect(hits?.ids).toEqual(["long", "short", "other"]);
      expect(at(hits?.distances ?? [], 1)).toBeLessThan(1e-6);
      expect(at(hits?.distances ?? [], 2)).toBeCloseTo(1 - Math.SQRT1_2, 5);
    },
  },
  {
    name: "distances are the formulas', for vectors of any length",
    async run({ capabilities, empty }) {
      // Entry (6, 8), query (16, 12): lengths 10 and 20, product 192, difference (10, 4).
      const expected = { cosine: 1 - 192 / 200, dotproduct: -192, euclidean: Math.sqrt(116) };
      for (const metric of ["cosine", "dotproduct", "euclidean"] as const) {
        if (!capabilities.metrics.includes(metric)) continue;
        const collection = await empty(metric);
        await collection.upsert(stream(batch(["a"], floats(padded(6, 8)))));
        const [hits] = await collection.search(floats(padded(16, 12)), { k: 1 });
        expect(at(hits?.distances ?? [], 0), metric).toBeCloseTo(expected[metric], 4);
      }
    },
  },
  {
    name: "small distances are right beside large numbers, alone and among many queries",
    needs: ({ metrics }) => metrics.includes("euclidean"),
    async run({ empty }) {
      const collection = await empty("euclidean");
      const base = [30, -20, 10, 5, 0, 1, 2, 3];
      const steps = [0, 0.001, 0.01, 0.1, 1, 40];
      const ids = steps.map((step) => `step ${step}`);
      const rows = floats(...steps.map((step) => [base[0] ?? 0, ...base.slice(1, 7), 3 + step]));
      await collection.upsert(stream(batch(ids, rows)));
      for (const count of [1, 30]) {
        const queries = floats(...Array.from({ length: count }, () => base));
        const found = await collection.search(queries, { k: 10 });
        expect(found).toHaveLength(count);
        for (const hits of found) {
          expect(hits.ids).toEqual(ids);
          steps.forEach((step, i) => {
            expect(Math.abs(at(hits.distances, i) - step), `distance of ${step}`).toBeLessThanOrEqual(1e-4);
          });
        }
      }
    },
  },
  {
    name: "the caller's query stays as it is",
    async run({ capabilities, filled }) {
      for (const metric of capabilities.metrics) {
        const { collection } = await filled(metric);
        const query = vectors(2, metric, 15);
        const copy = query.data.slice();
        await collection.search(query, { k: 3 });
        expect(query.data).toEqual(copy);
      }
    },
  },
  {
    name: "an empty collection has no hits",
    async run({ empty }) {
      const collection = await empty();
      for (const k of [1, 100, null]) {
        const [hits] = await collection.search(floats(padded(1)), { k });
        expect(hits).toEqual({ ids: [], sampleIds: [], distances: new Float32Array(0) });
      }
    },
  },
  {
    name: "a write is seen by the next search",
    async run({ empty }) {
      const collection = await empty();
      await collection.upsert(stream(entries(30, "cosine", 16)));
      const query = floats(padded(1));
      for (let round = 0; round < 5; round++) {
        await collection.upsert(stream(batch([`hit${round}`], floats(padded(1)))));
        expect((await collection.search(query, { k: 1 }))[0]?.ids).toEqual([`hit${round}`]);
        await collection.delete(stream([`hit${round}`]));
        expect((await collection.search(query, { k: 31 }))[0]?.ids).toHaveLength(30);
      }
    },
  },
  {
    name: "a query that has no distance is VECTOR_INVALID",
    async run({ capabilities, filled }) {
      const { collection } = await filled();
      await expectCode(
        () => collection.search(floats(padded(1), padded(Number.NaN)), { k: 1 }),
        "VECTOR_INVALID",
      );
      await expectCode(
        () => collection.search(floats(padded(Number.POSITIVE_INFINITY)), { k: 1 }),
        "VECTOR_INVALID",
      );
      if (!capabilities.metrics.includes("cosine")) return;
      const cosine = (await filled("cosine")).collection;
      await expectCode(() => cosine.search(floats(padded(0)), { k: 1 }), "VECTOR_INVALID");
    },
  },
  {
    name: "k is a whole number above 0 or null",
    async run({ filled }) {
      const { collection } = await filled();
      for (const k of [0, -1, 1.5, Number.NaN]) {
        await expectCode(() => collection.search(floats(padded(1)), { k }), "INVALID_ARGUMENT");
      }
    },
  },
  {
    name: "scan goes through the whole ranking page by page",
    async run({ capabilities, empty }) {
      const collection = await empty();
      const written = entries(1300, "cosine", 17);
      await collection.upsert(stream(written));
      const query = floats(padded(1, -0.5, 0.25));
      let pages = 0;
      for await (const page of collection.scan(query, {})) pages += page.ids.length > 0 ? 1 : 0;
      expect(pages).toBeGreaterThan(1);
      const all = await joined(collection.scan(query, {}));
      expect(all.ids.toSorted()).toEqual(written.ids);
      expectOrder(all);
      if (capabilities.reverse) expectOrder(await joined(collection.scan(query, { reverse: true })), true);
    },
  },
  {
    name: "scan keeps to a selection and to maxDistance",
    async run({ capabilities, filled }) {
      const { collection, oracle, batch: written } = await filled();
      const query = floats(padded(1, 1));
      const within = select(written.ids.slice(0, 40));
      const [expected] = await oracle.search(query, { k: null, within });
      expect((await joined(collection.scan(query, { within }))).ids.toSorted()).toEqual(
        written.ids.slice(0, 40),
      );
      if (!capabilities.radius || expected === undefined) return;
      const maxDistance = (at(expected.distances, 9) + at(expected.distances, 10)) / 2;
      expect((await joined(collection.scan(query, { within, maxDistance }))).ids).toHaveLength(10);
    },
  },
  {
    name: "searching changes nothing",
    async run({ filled }) {
      const { collection, batch: written } = await filled();
      await collection.search(floats(padded(1)), { k: 10 });
      expect((await fetched(collection.fetch())).size).toBe(written.ids.length);
    },
  },
];
