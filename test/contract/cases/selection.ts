/** Contract: search within a selection of entries. */

import { expect } from "vitest";
import { at } from "../answers.ts";
import type { ContractCase } from "../backend-contract.ts";
import { batch, entries, expectCode, floats, padded, select, stream, vectors } from "../context.ts";

export const SELECTION_CASES: readonly ContractCase[] = [
  {
    name: "hits are only of the selection, few or most of the entries",
    async run({ filled, checkHits }) {
      const collections = await filled();
      const { ids } = collections.batch;
      for (const part of [
        ids.slice(5, 8),
        ids.filter((_, i) => i % 9 === 0),
        ids.filter((_, i) => i % 9 !== 0),
      ]) {
        for (const k of [2, 20, null]) {
          await checkHits(collections, vectors(2, "cosine", 21), { k, within: select(part) });
        }
      }
    },
  },
  {
    name: "an empty selection has no hits",
    async run({ filled }) {
      const { collection } = await filled();
      const [hits] = await collection.search(floats(padded(1)), { k: 5, within: select([]) });
      expect(hits?.ids).toEqual([]);
    },
  },
  {
    name: "ids that do not exist are no hits and no error",
    async run({ filled }) {
      const { collection } = await filled();
      const within = select(["absent", "e0001", "nor' this", "e0002"]);
      const [hits] = await collection.search(floats(padded(1)), { k: 5, within });
      expect(hits?.ids.toSorted()).toEqual(["e0001", "e0002"]);
      const [none] = await collection.search(floats(padded(1)), { k: 5, within: select(["absent"]) });
      expect(none?.ids).toEqual([]);
    },
  },
  {
    name: "the same selection sees later writes",
    async run({ empty }) {
      const collection = await empty();
      await collection.upsert(stream(entries(200, "cosine", 22)));
      const selections = [
        ["late", "e0001"],
        ["late", ...entries(150, "cosine", 0).ids],
      ].map((ids) => select(ids));
      const best = async () =>
        Promise.all(
          selections.map(
            async (within) => (await collection.search(floats(padded(1)), { k: 1, within }))[0]?.ids[0],
          ),
        );
      expect(await best()).not.toContain("late");
      await collection.upsert(stream(batch(["late"], floats(padded(1)))));
      expect(await best()).toEqual(["late", "late"]);
      await collection.delete(stream(["late"]));
      expect(await best()).not.toContain("late");
    },
  },
  {
    name: "selections of different keys do not mix",
    async run({ filled }) {
      const { collection, batch: written } = await filled();
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 12; i++) {
          const ids = written.ids.slice(i * 20, i * 20 + 20);
          const [hits] = await collection.search(floats(padded(1)), { k: 50, within: select(ids) });
          expect(hits?.ids.toSorted()).toEqual(ids);
        }
      }
    },
  },
  {
    name: "selections asked for at the same time do not mix",
    async run({ filled }) {
      const { collection, batch: written } = await filled();
      const parts = Array.from({ length: 10 }, (_, i) => written.ids.slice(i * 30, i * 30 + 30));
      const found = await Promise.all(
        parts.map((ids) => collection.search(floats(padded(1)), { k: 50, within: select(ids) })),
      );
      expect(found.map((columns) => columns[0]?.ids.toSorted())).toEqual(parts);
    },
  },
  {
    name: "reverse and maxDistance work within a selection",
    needs: ({ reverse, radius }) => reverse && radius,
    async run({ filled, checkHits }) {
      const collections = await filled();
      const within = select(collections.batch.ids.filter((_, i) => i % 2 === 0));
      const query = vectors(1, "cosine", 23);
      const [all] = await collections.oracle.search(query, { k: null, within });
      const maxDistance = (at(all?.distances ?? [], 70) + at(all?.distances ?? [], 71)) / 2;
      await checkHits(collections, query, { k: 10, within, reverse: true });
      const [hits] = await checkHits(collections, query, { k: 10, within, reverse: true, maxDistance });
      expect(hits?.ids[0]).toBe(all?.ids[70]);
    },
  },
  {
    name: "an error while reading the ids reaches the caller",
    async run({ filled }) {
      const { collection } = await filled();
      const broken = {
        size: 2,
        key: "broken",
        async *ids(): AsyncIterable<string[]> {
          yield ["e0001"];
          throw new RangeError("the ids ended early");
        },
      };
      const work = collection.search(floats(padded(1)), { k: 1, within: broken });
      await expect(work).rejects.toThrow("the ids ended early");
      await expectCode(
        () => collection.search(floats(padded(1)), { k: 0, within: broken }),
        "INVALID_ARGUMENT",
      );
    },
  },
];
