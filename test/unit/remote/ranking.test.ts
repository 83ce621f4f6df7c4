/** Hits that come in parts, put in order. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { METRICS } from "../../../core/backends/metric.ts";
import { pagesOf } from "../../../core/backends/parts.ts";
import { inOrder, rankEntries, startRanking, within } from "../../../core/backends/remote/ranking.ts";
import { matrix, type VectorData } from "../../../core/matrix.ts";
import { entries, joined, stream, vectors } from "../../contract/context.ts";
import { referenceBackend } from "../../contract/reference-backend.ts";

const hits = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3000 });

test("the first k of all hits come in order, ties by id, whatever the parts they came in", () => {
  fc.assert(
    fc.property(
      hits,
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 700 }),
      (given, k, reverse, step) => {
        const ids = given.map((_, i) => `id${(i * 7919) % 10007}`);
        const ranking = startRanking({ k, reverse });
        for (let first = 0; first < given.length; first += step) {
          const part = ids.slice(first, first + step);
          ranking.add(part, part, given.slice(first, first + step));
        }
        const sign = reverse ? -1 : 1;
        const expected = ids
          .map((id, i) => ({ id, distance: given[i] ?? 0 }))
          .sort((a, b) => sign * (a.distance - b.distance) || (a.id < b.id ? -1 : 1))
          .slice(0, k);
        const found = ranking.columns();
        expect(found.ids).toEqual(expected.map(({ id }) => id));
        expect([...found.distances]).toEqual(expected.map(({ distance }) => distance));
      },
    ),
    { numRuns: 50 },
  );
});

test("hits beyond maxDistance and without a distance are left out; one at it exactly is kept", () => {
  const ranking = startRanking({ k: null, maxDistance: 0.1 });
  ranking.add(["a", "b", "c", "d"], ["a", "b", "c", "d"], [0.1, 0.2, Number.NaN, Math.fround(0.1)]);
  expect(ranking.columns().ids).toEqual(["a", "d"]);
});

test("a ranking that is read may be added to", () => {
  const ranking = startRanking({ k: 2 });
  ranking.add(["b"], ["B"], [2]);
  expect(ranking.columns().ids).toEqual(["b"]);
  ranking.add(["a", "c"], ["A", "C"], [1, 3]);
  expect(ranking.columns()).toMatchObject({ ids: ["a", "b"], sampleIds: ["A", "B"] });
});

describe("hits of one answer", () => {
  const found = (ids: string[], distances: number[]) => ({
    ids,
    sampleIds: ids.map((id) => `of ${id}`),
    distances: Float32Array.from(distances),
  });

  test("are put in order where equal ones are not by id", () => {
    expect(inOrder(found(["b", "a", "c"], [1, 1, 2]))).toEqual(found(["a", "b", "c"], [1, 1, 2]));
    expect(inOrder(found(["b", "a"], [2, 1]))).toEqual(found(["a", "b"], [1, 2]));
    const sorted = found(["a", "b"], [1, 2]);
    expect(inOrder(sorted)).toBe(sorted);
  });

  test("are cut at maxDistance", () => {
    expect(within(found(["a", "b", "c"], [1, 2, 3]), 2)).toEqual(found(["a", "b"], [1, 2]));
    expect(within(found(["a"], [1]), 0.5).ids).toEqual([]);
    expect(within(found(["a"], [1]), undefined).ids).toEqual(["a"]);
  });

  test("come in pages", () => {
    const pages = [...pagesOf(found(["a", "b", "c"], [1, 2, 3]), 2)];
    expect(pages).toEqual([found(["a", "b"], [1, 2]), found(["c"], [3])]);
    expect([...pagesOf(found([], []), 2)]).toEqual([]);
  });
});

test.each(METRICS)("entries are ranked by %s as the reference ranks them", async (metric) => {
  const written = entries(200, metric, 3);
  const oracle = await referenceBackend().create({ name: "o", dimension: written.vectors.dimension, metric });
  await oracle.upsert(stream(written));
  const query = vectors(1, metric, 4);
  for (const options of [{ k: 7 }, { k: null }, { k: 9, reverse: true }]) {
    const [expected] = await oracle.search(query, options);
    const found = await rankEntries(oracle.fetch(), query, metric, options);
    expect(found.ids).toEqual(expected?.ids);
  }
});

test("a query is not changed", async () => {
  const query = matrix<VectorData>(new Float32Array([1, 2]), 2);
  await joined(pagesOf(await rankEntries(stream(), query, "cosine", { k: 1 }), 1) as never);
  expect([...query.data]).toEqual([1, 2]);
});
