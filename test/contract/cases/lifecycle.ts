/** Contract: collections are made, found, listed and removed. */

import { expect } from "vitest";
import { isBinaryMetric } from "../../../core/backends/metric.ts";
import type { ContractCase } from "../backend-contract.ts";
import {
  batch,
  DIMENSION,
  entries,
  expectCode,
  FILLED,
  fetched,
  floats,
  padded,
  stream,
} from "../context.ts";

/** Facts that a server has to keep as they are, or to leave out: quotes, other scripts, depth, length. */
const META = {
  brainKey: "it's",
  note: 'say "hi" \\ \n {"a": [1]}',
  "größe 猫": { list: [1, null, true, { deep: "yes" }] },
  long: "x".repeat(2000),
};

export const LIFECYCLE_CASES: readonly ContractCase[] = [
  {
    name: "a new collection is what was asked for, and empty",
    async run({ backend, capabilities, newName }) {
      const name = newName();
      const metric = capabilities.defaultMetric;
      const made = await backend.create({ name, dimension: DIMENSION, metric, meta: META });
      expect(made.name).toBe(name);
      for (const collection of [made, await backend.open(name)]) {
        const expected = { dimension: DIMENSION, metric, vectorType: "float32", size: 0 };
        expect(await collection.describe()).toMatchObject(expected);
      }
    },
  },
  {
    name: "each claimed metric is kept",
    async run({ backend, capabilities, filled }) {
      for (const metric of capabilities.metrics) {
        const { name } = (await filled(metric)).collection;
        const vectorType = isBinaryMetric(metric) ? "bits" : "float32";
        expect(await (await backend.open(name)).describe()).toMatchObject({
          metric,
          vectorType,
          size: FILLED,
        });
      }
    },
  },
  {
    name: "a taken name is INDEX_EXISTS, for the same and for another spec, and changes nothing",
    async run({ another, backend, filled }) {
      const { collection } = await filled();
      const { dimension, metric } = await collection.describe();
      const spec = { name: collection.name, dimension, metric };
      await expectCode(() => backend.create(spec), "INDEX_EXISTS");
      await expectCode(() => backend.create({ ...spec, dimension: 2 * dimension }), "INDEX_EXISTS");
      const other = await another();
      await expectCode(() => other.create(spec), "INDEX_EXISTS");
      expect(await collection.describe()).toMatchObject({ dimension, metric, size: FILLED });
    },
  },
  {
    name: "opening an absent name is INDEX_NOT_FOUND",
    run: ({ backend, newName }) => expectCode(() => backend.open(newName()), "INDEX_NOT_FOUND"),
  },
  {
    name: "list gives the names that start with the prefix, letter for letter, sorted",
    async run({ backend, filled, make, newName }) {
      const prefix = newName();
      const names = ["_b", "_a", "_a_b", "xa"].map((end) => prefix + end);
      for (const name of names) await make({ name });
      const other = (await filled()).collection.name;
      const starting = (start: string) => names.filter((name) => name.startsWith(start)).sort();
      for (const start of [prefix, `${prefix}_`, `${prefix}_a`, `${prefix}_a_b`])
        expect(await backend.list(start), start).toEqual(starting(start));
      for (const start of [`${prefix}*`, `${prefix}%`, `${prefix}?a`, `${prefix}_a_bc`, `${prefix}.`])
        expect(await backend.list(start), start).toEqual([]);
      expect(await backend.list()).toEqual(expect.arrayContaining([...names, other]));
      for (const name of names) await (await backend.open(name)).drop();
      expect(await backend.list(prefix)).toEqual([]);
    },
  },
  {
    name: "drop removes the collection; dropping it again is fine",
    async run({ backend, make }) {
      const collection = await make();
      await collection.upsert(stream(batch(["a"], floats(padded(1)))));
      await collection.drop();
      await collection.drop();
      expect(await backend.list(collection.name)).toEqual([]);
      await expectCode(() => backend.open(collection.name), "INDEX_NOT_FOUND");
    },
  },
  {
    name: "a name can be used again after drop, for something else",
    async run({ make, capabilities }) {
      const first = await make();
      await first.upsert(stream(entries(50, "cosine", 1)));
      await first.drop();
      const again = await make({ name: first.name, dimension: 4, metric: capabilities.defaultMetric });
      expect(await again.describe()).toMatchObject({ dimension: 4, size: 0 });
      expect((await fetched(again.fetch())).size).toBe(0);
      await again.drop();
    },
  },
  {
    name: "another client finds the collection and its entries",
    async run({ another, empty }) {
      const collection = await empty();
      await collection.upsert(stream(batch(["a", "b"], floats(padded(1), padded(0, 1)))));
      const seen = await (await another()).open(collection.name);
      expect((await seen.describe()).size).toBe(2);
      expect([...(await fetched(seen.fetch())).keys()].sort()).toEqual(["a", "b"]);
    },
  },
  {
    name: "what another client dropped is INDEX_NOT_FOUND",
    async run({ another, make }) {
      const collection = await make();
      await collection.upsert(stream(batch(["a"], floats(padded(1)))));
      await collection.search(floats(padded(1)), { k: 1 });
      await (await (await another()).open(collection.name)).drop();
      await expectCode(() => collection.search(floats(padded(1)), { k: 1 }), "INDEX_NOT_FOUND");
      await expectCode(() => collection.describe(), "INDEX_NOT_FOUND");
    },
  },
];
