/** Ids and batches cut into what a server takes. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { takeBatch } from "../../../core/backends/parts.ts";
import { idChunks, parts } from "../../../core/backends/remote/chunks.ts";
import { matrix } from "../../../core/matrix.ts";

async function* pages<Page>(...given: Page[]): AsyncIterable<Page> {
  yield* given;
}

async function collected<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  return Array.fromAsync(values);
}

test("ids come in lists of the given size, each once, in their order", async () => {
  const chunks = idChunks(pages(["a", "b"], [], ["a", "c", "d", "b", "e"]), 2);
  expect(await collected(chunks)).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  expect(await collected(idChunks(pages<string[]>(), 2))).toEqual([]);
});

test("lists are cut by bytes as well, and an id that is longer comes alone", async () => {
  const chunks = idChunks(pages(["aaa", "ü", "ü", "猫", "x".repeat(9), "b"]), 10, 5);
  expect(await collected(chunks)).toEqual([["aaa", "ü"], ["猫"], ["x".repeat(9)], ["b"]]);
});

test("no id is lost or doubled, and no list is too long", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.string({ maxLength: 6 }))),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 12 }),
      async (given, size, bytes) => {
        const chunks = await collected(idChunks(pages(...given), size, bytes));
        expect(chunks.flat()).toEqual([...new Set(given.flat())]);
        for (const chunk of chunks) {
          expect(chunk.length).toBeLessThanOrEqual(size);
          const length = chunk.reduce((sum, id) => sum + Buffer.byteLength(id), 0);
          expect(chunk.length === 1 || length <= bytes).toBe(true);
        }
      },
    ),
  );
});

const batch = {
  ids: ["a", "b", "a", "c", "d"],
  sampleIds: ["1", "2", "3", "4", "5"],
  vectors: matrix(new Float32Array([1, 1, 2, 2, 3, 3, 4, 4, 5, 5]), 2),
};

test("of doubled ids of a batch the last is kept, and parts keep within rows and bytes", () => {
  const found = [...parts(batch, { rows: 3, bytes: 1000 })];
  expect(found.map(({ ids }) => ids)).toEqual([["b", "a", "c"], ["d"]]);
  expect(found.map(({ sampleIds }) => sampleIds)).toEqual([["2", "3", "4"], ["5"]]);
  expect(found.map(({ vectors }) => [...vectors.data])).toEqual([
    [2, 2, 3, 3, 4, 4],
    [5, 5],
  ]);
  expect([...parts(batch, { rows: 9, bytes: 16 })].map(({ ids }) => ids)).toEqual([
    ["b", "a"],
    ["c", "d"],
  ]);
});

test("a row larger than the limit is a part of its own, and an empty batch has none", () => {
  expect([...parts(batch, { rows: 9, bytes: 1 })]).toHaveLength(4);
  const empty = { ids: [], sampleIds: [], vectors: matrix(new Float32Array(0), 2) };
  expect([...parts(empty, { rows: 9, bytes: 100 })]).toEqual([]);
});

test("entries that are taken are copies", () => {
  const taken = takeBatch(batch, [1]);
  taken.vectors.data.fill(9);
  expect(batch.vectors.row(1)).toEqual(new Float32Array([2, 2]));
});
