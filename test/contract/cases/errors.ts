/** Contract: what is refused, with which code, and what stays as it was. */

import { expect } from "vitest";
import type { Batch } from "../../../core/backends/backend.ts";
import type { ContractCase } from "../backend-contract.ts";
import { batch, entries, expectCode, fetched, floats, joined, padded, stream, vectors } from "../context.ts";

export const ERROR_CASES: readonly ContractCase[] = [
  {
    name: "each call on a dropped collection is INDEX_NOT_FOUND",
    async run({ make }) {
      const collection = await make();
      await collection.drop();
      const query = floats(padded(1));
      await expectCode(() => collection.describe(), "INDEX_NOT_FOUND");
      await expectCode(() => collection.search(query, { k: 1 }), "INDEX_NOT_FOUND");
      await expectCode(() => joined(collection.scan(query, {})), "INDEX_NOT_FOUND");
      await expectCode(() => collection.upsert(stream(batch(["a"], query))), "INDEX_NOT_FOUND");
      await expectCode(() => collection.delete(stream(["a"])), "INDEX_NOT_FOUND");
    },
  },
  {
    name: "vectors of another dimension are DIMENSION_MISMATCH",
    async run({ empty }) {
      const collection = await empty();
      await expectCode(() => collection.search(floats([1, 2, 3]), { k: 1 }), "DIMENSION_MISMATCH");
      await expectCode(
        () => collection.upsert(stream(batch(["a"], floats([1, 2, 3])))),
        "DIMENSION_MISMATCH",
      );
      expect((await collection.describe()).size).toBe(0);
    },
  },
  {
    name: "a wrong batch ends the upsert; those before it are kept",
    async run({ empty }) {
      const collection = await empty();
      const parts = stream(entries(10, "cosine", 1), batch(["bad"], floats([1, 2])));
      await expectCode(() => collection.upsert(parts), "DIMENSION_MISMATCH");
      expect((await collection.describe()).size).toBe(10);
    },
  },
  {
    name: "bits for a float32 collection are refused",
    async run({ empty }) {
      const collection = await empty();
      const bits = vectors(1, "hamming", 1);
      await expectCode(() => collection.upsert(stream(batch(["a"], bits))), "INVALID_ARGUMENT");
      await expectCode(() => collection.search(bits, { k: 1 }), "INVALID_ARGUMENT");
    },
  },
  {
    name: "numbers for a collection of bits are refused",
    needs: ({ vectorTypes, metrics }) => vectorTypes.includes("bits") && metrics.includes("hamming"),
    async run({ empty }) {
      const collection = await empty("hamming");
      await expectCode(() => collection.search(vectors(1, "cosine", 1, 64), { k: 1 }), "INVALID_ARGUMENT");
    },
  },
  {
    name: "ids and vectors of different number are INVALID_ARGUMENT",
    async run({ empty }) {
      const collection = await empty();
      const good = entries(3, "cosine", 1);
      await expectCode(() => collection.upsert(stream({ ...good, ids: ["a", "b"] })), "INVALID_ARGUMENT");
      await expectCode(() => collection.upsert(stream({ ...good, sampleIds: ["a"] })), "INVALID_ARGUMENT");
      expect((await collection.describe()).size).toBe(0);
    },
  },
  {
    name: "a signal that has fired is ABORTED and nothing is done",
    async run({ empty }) {
      const collection = await empty();
      await collection.upsert(stream(batch(["a"], floats(padded(1)))));
      const signal = AbortSignal.abort(new Error("enough"));
      await expectCode(() => collection.upsert(stream(entries(5, "cosine", 1)), { signal }), "ABORTED");
      await expectCode(() => collection.delete(stream(["a"]), { signal }), "ABORTED");
      await expectCode(() => collection.search(floats(padded(1)), { k: 1, signal }), "ABORTED");
      expect((await collection.describe()).size).toBe(1);
    },
  },
  {
    name: "a signal between batches ends the upsert and keeps what was written",
    async run({ empty }) {
      const collection = await empty();
      const controller = new AbortController();
      let closed = false;
      async function* parts(): AsyncIterable<Batch> {
        try {
          yield entries(4, "cosine", 1, "first");
          controller.abort();
          yield entries(4, "cosine", 2, "second");
        } finally {
          closed = true;
        }
      }
      await expectCode(() => collection.upsert(parts(), { signal: controller.signal }), "ABORTED");
      expect(closed).toBe(true);
      expect([...(await fetched(collection.fetch())).keys()].every((id) => id.startsWith("first"))).toBe(
        true,
      );
    },
  },
  {
    name: "an error of the stream reaches the caller; what came before is kept",
    async run({ empty }) {
      const collection = await empty();
      async function* parts(): AsyncIterable<Batch> {
        yield entries(6, "cosine", 1);
        throw new RangeError("the source broke");
      }
      await expect(collection.upsert(parts())).rejects.toThrow("the source broke");
      expect((await collection.describe()).size).toBe(6);
    },
  },
];
