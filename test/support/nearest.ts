/** What is nearest to a query by plain arithmetic, and the comparison of answers with it. */

import { expect } from "vitest";
import { distanceOf, type Metric } from "../../core/backends/metric.ts";
import { type Ranked, rankedBy } from "./ranking.ts";

/** Vectors by the ids of their entries. */
export type Entries = ReadonlyMap<string, Float32Array>;

interface Limits {
  readonly k?: number;
  readonly reverse?: boolean;
  readonly within?: readonly string[];
}

/** Largest error of a distance, relative to its size where that is above 1. */
const TOLERANCE = 1e-4;

/** The entries by their exact distance from the query. */
export function nearest(
  entries: Entries,
  metric: Metric,
  query: Float32Array,
  { k, reverse, within }: Limits = {},
): Ranked[] {
  const ids = within ?? [...entries.keys()];
  const ranked = rankedBy(ids, (row) => distanceOf(metric, query, vectorOf(entries, ids[row] ?? "")));
  return (reverse === true ? ranked.reverse() : ranked).slice(0, k);
}

export function vectorOf(entries: Entries, id: string): Float32Array {
  const vector = entries.get(id);
  if (vector === undefined) throw new Error(`Expected a vector of ${id} but found none`);
  return vector;
}

/** The mean of the vectors of some entries. */
export function meanOf(entries: Entries, ids: readonly string[]): Float32Array {
  const vectors = ids.map((id) => vectorOf(entries, id));
  return vectorOf(entries, ids[0] ?? "").map(
    (_, i) => vectors.reduce((sum, vector) => sum + (vector[i] ?? 0), 0) / vectors.length,
  );
}

/** Fails unless the hits are these entries in this order, with these distances. */
export function expectNearest(hits: readonly Ranked[], expected: readonly Ranked[]): void {
  expect(hits.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  expectDistances(
    hits.map(({ distance }) => distance),
    expected.map(({ distance }) => distance),
    TOLERANCE,
  );
}

/** Fails unless each is as far as expected, to `tolerance` relative to sizes above 1. */
export function expectDistances(
  found: readonly number[],
  expected: readonly number[],
  tolerance = TOLERANCE,
): void {
  expect(found).toHaveLength(expected.length);
  const worst = found.map((value, i) => {
    const right = expected[i] ?? Number.NaN;
    return Math.abs(value - right) / Math.max(1, Math.abs(right));
  });
  expect(Math.max(0, ...worst)).toBeLessThanOrEqual(tolerance);
}
