/** Milvus: no id can change the condition it is part of, on a real server. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Collection } from "../../core/backends/backend.ts";
import { milvusBackend } from "../../core/backends/milvus/milvus.ts";
import { batch, fetched, floats, padded, select, stream } from "../contract/context.ts";
import { milvusServer } from "../support/servers.ts";

const backend = milvusBackend(milvusServer());
let collection: Collection;

beforeAll(async () => {
  await (await backend.open("injection").catch(() => undefined))?.drop();
  collection = await backend.create({ name: "injection", dimension: 8, metric: "euclidean" });
  const kept = ["kept 1", "kept 2", "kept 3"];
  await collection.upsert(stream(batch(kept, floats(...kept.map((_, i) => padded(i))))));
});
afterAll(async () => {
  await collection.drop();
  await backend.close();
});

const PIECES = [
  '"',
  "'",
  "\\",
  "\n",
  "\r",
  "]",
  ",",
  " or ",
  "pk",
  '!= ""',
  "\0",
  "\t",
  "ü",
  "猫",
  "{a}",
  "$0",
  "x",
];
const ids = fc
  .array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(""));

test.each(['x"] or pk != "" or pk in ["x', '" or pk like "%', "\\", '\\" or true or "'])(
  "%j selects, finds and deletes nothing but itself",
  async (id) => {
    expect((await fetched(collection.fetch(select([id])))).size).toBe(0);
    expect(await collection.delete(stream([id]))).toEqual({ written: 0, failed: [] });
    const [hits] = await collection.search(floats(padded(1)), { k: 10, within: select([id]) });
    expect(hits?.ids).toEqual([]);
    expect((await collection.describe()).size).toBe(3);
  },
);

test("any id is written, selected and deleted alone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(ids, { minLength: 5, maxLength: 30 }), async (given) => {
      await collection.upsert(stream(batch(given, floats(...given.map((_, i) => padded(i, 1))))));
      expect([...(await fetched(collection.fetch(select(given)))).keys()]).toEqual(given);
      expect(await collection.delete(stream(given))).toEqual({ written: given.length, failed: [] });
      expect((await collection.describe()).size).toBe(3);
    }),
    { numRuns: 10 },
  );
});
