/** Contract: collections are made, found, listed and removed. */

import { expect } from "vitest";
import type { ContractCase } from "../backend-contract.ts";
import { batch, DIMENSION, entries, expectCode, fetched, floats, padded, stream } from "../context.ts";

export const LIFECYCLE_CASES: readonly ContractCase[] = [
  {
    name: "a new collection is what was asked for, and empty",
    async run({ backend, capabilities, newName }) {
      const name = newName();
      const metric = capabilities.defaultMetric;
      const made = await backend.create({ name, dimension: DIMENSION, metric, meta: { brainKey: "it's" } });
      expect(made.name).toBe(name);
      for (const collection of [made, await backend.open(name)]) {
        const expected = { dimension: DIMENSION, metric, vectorType: "float32", size: 0 };
        expect(await collection.describe()).toMatchObject(expected);
      }
    },
  },
  {
    name: "each claimed metric is kept",
    async run({ backend, capabilities, make }) {
      for (const metric of capabilities.metrics) {
        const { name } = await make({ metric });
        expect(await (await backend.open(name)).describe()).toMatchObject({ metric, size: 0 });
      }
    },
  },
  {
    name: "a taken name is INDEX_EXISTS and changes nothing",
    async run({ backend, capabilities, make }) {
      const collection = await make();
      await collection.upsert(stream(batch(["kept"], floats(padded(1)))));
      const { dimension } = await collection.describe();
      const spec = { name: collection.name, dimension, metric: capabilities.defaultMetric };
      await expectCode(() => backend.create(spec), "INDEX_EXISTS");
      expect((await collection.describe()).size).toBe(1);
    },
  },
  {
    name: "opening an absent name is INDEX_NOT_FOUND",
    run: ({ backend, newName }) => expectCode(() => backend.open(newName()), "INDEX_NOT_FOUND"),
  },
  {
    name: "list gives the names that start with the prefix, sorted",
    async run({ backend, make, newName }) {
      const prefix = newName();
      for (const end of ["_b", "_a", "_c"]) await make({ name: prefix + end });
      const other = await make();
      expect(await backend.list(prefix)).toEqual([`${prefix}_a`, `${prefix}_b`, `${prefix}_c`]);
      expect(await backend.list()).toEqual(expect.arrayContaining([`${prefix}_a`, other.name]));
      for (const end of ["_b", "_a", "_c"]) await (await backend.open(prefix + end)).drop();
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
    async run({ another, make }) {
      const collection = await make();
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
