/** Contract: reading stored entries back. */

import { expect } from "vitest";
import type { ContractCase } from "../backend-contract.ts";
import { batch, entries, expectCode, fetched, floats, padded, select, stream } from "../context.ts";
import { ODD_IDS } from "./write.ts";

export const FETCH_CASES: readonly ContractCase[] = [
  {
    name: "everything comes once, vectors and sample ids exact, for each metric",
    async run({ capabilities, filled }) {
      for (const metric of capabilities.metrics) {
        const { collection, batch: written } = await filled(metric);
        const found = await fetched(collection.fetch());
        expect(found.size).toBe(written.ids.length);
        written.ids.forEach((id, i) => {
          expect(found.get(id)).toEqual({ sampleId: written.sampleIds[i], vector: written.vectors.row(i) });
        });
      }
    },
  },
  {
    name: "thousands of entries come in batches of at most 1,000",
    async run({ make }) {
      const collection = await make();
      const written = entries(2500, "cosine", 6);
      await collection.upsert(stream(written));
      const sizes: number[] = [];
      const ids: string[] = [];
      for await (const part of collection.fetch()) {
        sizes.push(part.ids.length);
        ids.push(...part.ids);
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
      expect(ids.sort()).toEqual(written.ids);
    },
  },
  {
    name: "a selection comes in its order, without what does not exist",
    async run({ filled }) {
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
      expect(found.get("e0299")).toEqual({ sampleId: "sample-e0299", vector: written.vectors.row(299) });
    },
  },
  {
    name: "odd ids are found by selection",
    async run({ make }) {
      const collection = await make();
      await collection.upsert(stream(batch(ODD_IDS, floats(...ODD_IDS.map((_, i) => padded(1, i))))));
      expect([...(await fetched(collection.fetch(select(ODD_IDS)))).keys()]).toEqual(ODD_IDS);
      for (const id of ODD_IDS)
        expect([...(await fetched(collection.fetch(select([id])))).keys()]).toEqual([id]);
    },
  },
  {
    name: "an empty collection and an empty selection give nothing",
    async run({ filled, make }) {
      const empty = await make();
      expect((await fetched(empty.fetch())).size).toBe(0);
      expect((await fetched(empty.fetch(select(["a"])))).size).toBe(0);
      expect((await fetched((await filled()).collection.fetch(select([])))).size).toBe(0);
    },
  },
  {
    name: "a write is seen by the next fetch",
    async run({ make }) {
      const collection = await make();
      for (let round = 1; round <= 5; round++) {
        await collection.upsert(stream(batch(["a"], floats(padded(round)))));
        const found = await fetched(collection.fetch(select(["a"])));
        expect(found.get("a")?.vector).toEqual(new Float32Array(padded(round)));
      }
    },
  },
  {
    name: "what is fetched is a copy",
    async run({ make }) {
      const collection = await make();
      await collection.upsert(stream(batch(["a"], floats(padded(1)))));
      for await (const part of collection.fetch()) part.vectors.data.fill(7);
      expect((await fetched(collection.fetch())).get("a")?.vector).toEqual(new Float32Array(padded(1)));
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
