/** Contract: several clients at once. */

import { expect } from "vitest";
import type { ContractCase } from "../backend-contract.ts";
import { batch, entries, fetched, floats, padded, select, stream } from "../context.ts";

export const CONCURRENCY_CASES: readonly ContractCase[] = [
  {
    name: "two clients write different entries at once and all are there",
    async run({ another, empty }) {
      const collection = await empty();
      const other = await (await another()).open(collection.name);
      const parts = (prefix: string) =>
        Array.from({ length: 5 }, (_, i) => entries(40, "cosine", i, `${prefix}${i}_`));
      const reports = await Promise.all([
        collection.upsert(stream(...parts("a"))),
        other.upsert(stream(...parts("b"))),
      ]);
      expect(reports.map((report) => report.written)).toEqual([200, 200]);
      for (const client of [collection, other]) {
        expect((await client.describe()).size).toBe(400);
        expect((await fetched(client.fetch())).size).toBe(400);
        expect((await client.search(floats(padded(1)), { k: 500 }))[0]?.ids).toHaveLength(400);
      }
    },
  },
  {
    name: "two clients write the same new ids at once and there are no doubles",
    async run({ another, empty }) {
      const collection = await empty();
      const other = await (await another()).open(collection.name);
      const part = entries(50, "cosine", 41);
      await Promise.all([collection, other, collection, other].map((client) => client.upsert(stream(part))));
      expect((await collection.describe()).size).toBe(50);
      const [hits] = await other.search(floats(padded(1)), { k: 200 });
      expect(hits?.ids.toSorted()).toEqual(part.ids);
    },
  },
  {
    name: "another client sees a finished write at once",
    async run({ another, empty, stored }) {
      const collection = await empty();
      const other = await (await another()).open(collection.name);
      await collection.upsert(stream(entries(30, "cosine", 42)));
      for (let round = 0; round < 6; round++) {
        const [writer, reader] = round % 2 === 0 ? [collection, other] : [other, collection];
        const query = floats(padded(round + 1, -1));
        await writer.upsert(stream(batch([`round${round}`], query)));
        expect((await reader.search(query, { k: 40 }))[0]?.ids).toContain(`round${round}`);
        expect((await reader.describe()).size).toBe(31);
        const own = select([`round${round}`]);
        expect((await fetched(reader.fetch(own))).get(`round${round}`)?.vector).toEqual(stored(query.row(0)));
        await reader.delete(stream([`round${round}`]));
        expect((await writer.search(query, { k: 40 }))[0]?.ids).not.toContain(`round${round}`);
        expect((await writer.describe()).size).toBe(30);
      }
    },
  },
  {
    name: "searches during a write find whole entries only",
    async run({ empty }) {
      const collection = await empty();
      await collection.upsert(stream(entries(100, "cosine", 43)));
      const parts = Array.from({ length: 10 }, (_, i) => entries(100, "cosine", 44 + i, `w${i}_`));
      const writing = collection.upsert(stream(...parts));
      for (let round = 0; round < 10; round++) {
        const [hits] = await collection.search(floats(padded(1)), { k: 2000 });
        hits?.ids.forEach((id, i) => {
          expect(hits.sampleIds[i]).toBe(`sample-${id}`);
        });
        expect(hits?.ids.length).toBeGreaterThanOrEqual(100);
      }
      await writing;
      expect((await collection.search(floats(padded(1)), { k: 2000 }))[0]?.ids).toHaveLength(1100);
    },
  },
];
