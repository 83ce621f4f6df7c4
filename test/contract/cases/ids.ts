/** Contract: ids are any text, each one itself and nothing else. */

import { expect } from "vitest";
import type { Batch, Collection } from "../../../core/backends/backend.ts";
import { at } from "../answers.ts";
import type { ContractCase } from "../backend-contract.ts";
import { batch, type Context, fetched, floats, padded, select, stream } from "../context.ts";

/** Ids that break filters put together from text, and some that only look odd. */
const ODD_IDS = [
  "it's",
  'say "hi"',
  '" or pk != "',
  'y"] or pk != "" or pk in ["y',
  "'; DROP TABLE entries; --",
  "back\\slash",
  'ends in a backslash\\"\\',
  "\\n",
  "two\nlines\r\n",
  "tab\there",
  "per%cent_under",
  "two words",
  "ümläut",
  "猫🐈",
  "👩‍🚀",
  "\u202eright to left",
  "{id}",
  "$meta",
  "a/b?c=d&e#f",
  "..",
  "_id",
  "__proto__",
  "constructor",
  "0",
  "-1",
  "1e3",
  "null",
  "true",
];

/** Ids that a careless look-up takes for the same. */
const NEAR_IDS = ["same", "Same", "SAME", "same ", " same", "same\n", "sam\u00e9", "same\u0301", "sa"];

/** Ids that no entry has: each would match all or several entries if it were read as part of a filter. */
const INJECTIONS = [
  'x"] or pk != "" or pk in ["x',
  "x'] or pk != '' or pk in ['x",
  'x" or true or pk == "x',
  '"',
  "'",
  "\\",
  "*",
  "%",
  "_",
  "_all",
  'x"}},{"match_all":{}},{"ids":{"values":["x',
];

/** The longest ids tried where a server takes any. */
const LONG = 65_537;

interface Odd {
  readonly collection: Collection;
  readonly batch: Batch;
}

/** A collection of odd ids that the cases below read. */
function odd({ shared }: Context): Promise<Odd> {
  return shared("odd ids", async (make) => {
    const collection = await make();
    const ids = [...ODD_IDS, ...NEAR_IDS];
    const written = batch(ids, floats(...ids.map((_, i) => padded(1, i))));
    expect(await collection.upsert(stream(written))).toEqual({ written: ids.length, failed: [] });
    return { collection, batch: written };
  });
}

async function idsIn(collection: Collection): Promise<string[]> {
  return [...(await fetched(collection.fetch())).keys()].sort();
}

export const ID_CASES: readonly ContractCase[] = [
  {
    name: "any text is an id, and comes back as it was",
    async run(context) {
      const { collection, batch: written } = await odd(context);
      expect((await collection.describe()).size).toBe(written.ids.length);
      const found = await fetched(collection.fetch());
      expect(found.size).toBe(written.ids.length);
      written.ids.forEach((id, i) => {
        expect(found.get(id)).toEqual({
          sampleId: `sample of ${id}`,
          vector: context.stored(written.vectors.row(i)),
        });
      });
    },
  },
  {
    name: "each id is fetched by itself, and all in the order asked",
    async run(context) {
      const { collection, batch: written } = await odd(context);
      const wanted = written.ids.toReversed();
      expect([...(await fetched(collection.fetch(select(wanted)))).keys()]).toEqual(wanted);
      const alone = written.ids.map(async (id) => fetched(collection.fetch(select([id]))));
      const found = await Promise.all(alone);
      expect(found.map((entries) => [...entries.keys()])).toEqual(written.ids.map((id) => [id]));
    },
  },
  {
    name: "each id selects itself",
    async run(context) {
      const { collection, batch: written } = await odd(context);
      const searches = written.ids.map((id) =>
        collection.search(floats(padded(1)), { k: 5, within: select([id]) }),
      );
      const found = await Promise.all(searches);
      expect(found.map(([hits]) => hits?.ids)).toEqual(written.ids.map((id) => [id]));
    },
  },
  {
    name: "an id that reads like a filter is the id of no entry",
    async run(context) {
      const { collection, batch: written } = await odd(context);
      const check = async (id: string) => {
        const within = select([id]);
        expect((await fetched(collection.fetch(within))).size, id).toBe(0);
        expect((await collection.search(floats(padded(1)), { k: 5, within }))[0]?.ids, id).toEqual([]);
        expect(await collection.delete(stream([id])), id).toEqual({ written: 0, failed: [] });
      };
      await Promise.all(INJECTIONS.map(check));
      expect((await collection.describe()).size).toBe(written.ids.length);
    },
  },
  {
    name: "deleting some ids leaves all others",
    async run({ empty }) {
      const collection = await empty();
      let left = [...ODD_IDS, ...NEAR_IDS];
      await collection.upsert(stream(batch(left, floats(...left.map((_, i) => padded(1, i))))));
      for (const round of [2, 1, 0]) {
        const gone = left.filter((_, i) => i % (round + 1) === round);
        expect(await collection.delete(stream(gone))).toEqual({ written: gone.length, failed: [] });
        left = left.filter((id) => !gone.includes(id));
        expect(await idsIn(collection)).toEqual(left.toSorted());
        expect((await collection.describe()).size).toBe(left.length);
      }
    },
  },
  {
    name: "ids that differ in case, a space or an accent are different entries",
    async run({ empty, stored }) {
      const collection = await empty();
      await collection.upsert(stream(batch(NEAR_IDS, floats(...NEAR_IDS.map((_, i) => padded(1, i))))));
      await collection.upsert(stream(batch(["Same"], floats(padded(9)))));
      await collection.delete(stream(["same "]));
      const found = await fetched(collection.fetch());
      expect([...found.keys()].sort()).toEqual(NEAR_IDS.filter((id) => id !== "same ").sort());
      NEAR_IDS.forEach((id, i) => {
        if (id === "same ") return;
        expect(found.get(id)?.vector).toEqual(
          stored(new Float32Array(id === "Same" ? padded(9) : padded(1, i))),
        );
      });
    },
  },
  {
    name: "the longest ids are kept apart",
    async run({ empty, limits }) {
      const collection = await empty();
      const longest = limits.idBytes ?? LONG;
      const same = "x".repeat(longest - 1);
      const ids = [`${same}a`, `${same}b`, "ü".repeat(Math.floor(longest / 2))];
      const written = batch(ids, floats(padded(1), padded(0, 1), padded(0, 0, 1)));
      expect(await collection.upsert(stream({ ...written, sampleIds: ["1", "2", "3"] }))).toEqual({
        written: 3,
        failed: [],
      });
      expect([...(await fetched(collection.fetch(select(ids)))).keys()]).toEqual(ids);
      const within = select(ids.slice(1));
      const [hits] = await collection.search(floats(padded(1, 0.5)), { k: 3, within });
      expect(hits?.ids).toEqual(ids.slice(1));
      expect((await collection.delete(stream([at(ids, 0)]))).written).toBe(1);
      expect(await idsIn(collection)).toEqual(ids.slice(1).sort());
    },
  },
  {
    name: "an id one byte too long is reported with the limit, the others written",
    needs: (_, { idBytes }) => idBytes !== undefined,
    async run({ empty, limits }) {
      const collection = await empty();
      const { idBytes = 0 } = limits;
      const tooLong = ["x".repeat(idBytes + 1), "ü".repeat(Math.floor(idBytes / 2) + 1)];
      const ids = ["first", ...tooLong, "last"];
      const rows = floats(...ids.map((_, i) => padded(1, i)));
      const report = await collection.upsert(stream({ ids, sampleIds: ["1", "2", "3", "4"], vectors: rows }));
      expect(report.written).toBe(2);
      expect(report.failed.map(({ id }) => id)).toEqual(tooLong);
      for (const { reason } of report.failed) expect(reason.replaceAll(",", "")).toContain(String(idBytes));
      expect(await idsIn(collection)).toEqual(["first", "last"]);
      const within = select([...tooLong, "last"]);
      expect([...(await fetched(collection.fetch(within))).keys()]).toEqual(["last"]);
      expect((await collection.search(floats(padded(1)), { k: 5, within }))[0]?.ids).toEqual(["last"]);
      expect(await collection.delete(stream(tooLong))).toEqual({ written: 0, failed: [] });
    },
  },
];
