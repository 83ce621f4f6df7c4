/** A view of 100,000 ids, all of them in the index, against an exact ranking; alike for every backend on a server. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend, Collection } from "../../core/backends/backend.ts";
import { type Answer, between, compareHits, truthOf } from "../contract/answers.ts";
import { at, entries, fetched, select, stream, vectors } from "../contract/context.ts";
import { referenceBackend } from "../contract/reference-backend.ts";

const DIMENSION = 4;
const VIEW = 100_000;
const ALL = 100_200;
/** Every so-manieth entry is not in the view. */
const LEFT_OUT = 501;
const TOLERANCE = 1e-5;

export interface LargeViewOptions {
  connect(): Backend;
  /** Share of the nearest that a search for a few of them finds; whole rankings are exact. */
  readonly recall: number;
}

/** Declares the tests; the server is that of the project. */
export function testLargeView({ connect, recall }: LargeViewOptions): void {
  describe("a view of 100,000 ids that are all there", () => {
    const written = entries(ALL, "euclidean", 61, "e", DIMENSION);
    const query = vectors(1, "euclidean", 62, DIMENSION);
    const chosen = written.ids.filter((_, row) => row % LEFT_OUT !== LEFT_OUT - 1);
    const within = select(chosen, "all but a few");
    let backend: Backend;
    let collection: Collection;
    let ranking: Answer["expected"];

    beforeAll(async () => {
      expect(chosen).toHaveLength(VIEW);
      backend = connect();
      const spec = { name: `large_view_${process.pid}`, dimension: DIMENSION, metric: "euclidean" } as const;
      collection = await backend.create(spec);
      expect(await collection.upsert(stream(written))).toEqual({ written: ALL, failed: [] });
      const oracle = await referenceBackend().create(spec);
      await oracle.upsert(stream(written));
      ranking = at(await oracle.search(query, { k: null, within }), 0);
    });
    afterAll(async () => {
      await collection.drop();
      await backend.close();
    });

    test.each([
      ["the nearest 10", { k: 10 }, recall],
      ["the nearest 1,000", { k: 1000 }, recall],
      ["the nearest 20,000", { k: 20_000 }, 1],
      ["the farthest 10", { k: 10, reverse: true }, 1],
      ["all in order", { k: null }, 1],
    ] as const)("is searched right for %s", async (_name, options, least) => {
      const reverse = "reverse" in options;
      const actual = at(await collection.search(query, { ...options, within }), 0);
      const expected = reverse ? reversed(ranking) : ranking;
      const answer = {
        actual,
        expected: between(expected, 0, options.k ?? VIEW),
        truth: truthOf(ranking),
      };
      compareHits([answer], { reverse, tolerance: TOLERANCE, recall: least });
    });

    test("is read whole, each entry once", async () => {
      const found = await fetched(collection.fetch(within));
      expect([...found.keys()]).toEqual(chosen);
      const row = 77_777;
      expect(found.get(at(written.ids, row))).toEqual({
        sampleId: written.sampleIds[row],
        vector: written.vectors.row(row),
      });
    });
  });
}

function reversed({ ids, sampleIds, distances }: Answer["expected"]): Answer["expected"] {
  return {
    ids: ids.toReversed(),
    sampleIds: sampleIds.toReversed(),
    distances: distances.toReversed(),
  };
}
