/** Contract: reading stored entries back. */

import { expect } from "vitest";
import type { ContractCase } from "../backend-contract.ts";
import { batch, expectCode, fetched, floats, padded, select, stream } from "../context.ts";

export const FETCH_CASES: readonly ContractCase[] = [
  {
    name: "everything comes once, vectors and sample ids exact, for each metric",
    async run({ capabilities, filled, stored }) {
      for (const metric of capabilities.metrics) {
        const { collection, batch: written } = await filled(metric);
        const found = await fetched(collection.fetch());
        expect(found.size).toBe(written.ids.length);
        written.ids.forEach((id, i) => {
          expect(found.get(id)).toEqual({
            sampleId: written.sampleIds[i],
            vector: stored(written.vectors.row(i), metric),
          });
        });
      }
    },
  },
  {
    name: "a selection comes in its order, without what does not exist",
    async run({ filled, stored }) {
      const { collection, batch: written } = await filled();
      const wanted = [
        "e0100",
        "absent",
        "e0002",
        "e0299",
        "e0003",
        "nor this",
        "e0000",
        "e0150",
        "e0001",
        "e0004",
      ];
      const found = await fetched(collection.fetch(select(wanted)));
      expect([...found.keys()]).toEqual(wanted.filter((id) => written.ids.includes(id)));
      expect(found.get("e0299")).toEqual({
        sampleId: "sample-e0299",
        vector: stored(written.vectors.row(299)),
      });
    },
  },
  {
    name: "an empty collection and an empty selection give nothing",
    async run({ filled, empty }) {
      const collection = await empty();
      expect((await fetched(collection.fetch())).size).toBe(0);
      expect((await fetched(collection.fetch(select(["a"])))).size).toBe(0);
      expect((await fetched((await filled()).collection.fetch(select([])))).size).toBe(0);
    },
  },
  {
    name: "a write is seen by the next fetch",
    async run({ empty, stored }) {
      const collection = await empty();
      for (let round = 1; round <= 5; round++) {
        await collection.upsert(stream(batch(["a"], floats(padded(round)))));
        const found = await fetched(collection.fetch(select(["a"])));
        expect(found.get("a")?.vector).toEqual(stored(new Float32Array(padded(round))));
      }
    },
  },
  {
    name: "what is fetched is a copy",
    async run({ empty, stored }) {
      const collection = await empty();
      await collection.upsert(stream(batch(["a"], floats(padded(1)))));
      for await (const part of collection.fetch()) part.vectors.data.fill(7);
      expect((await fetched(collection.fetch())).get("a")?.vector).toEqual(
        stored(new Float32Array(padded(1))),
      );
    },
  },
  {
    name: "an absent collection is INDEX_NOT_FOUND, not empty",
    async run({ make }) {
      const collection = await make();
      await collection.drop();
      await expectCode(() => fetched(collection.fetch()), "INDEX_NOT_FOUND");
      await expectCode(() => fetched(collection.fetch(select(["a"]))), "INDEX_NOT_FOUND");
    },
  },
];
