/** What hits are compared with, and the comparison: number, order, sample ids, distances and recall. */

import { expect } from "vitest";
import type { Columns } from "../../core/backends/backend.ts";

/** What is true of an entry and a query, or undefined for an id that was never written. */
export type Truth = (id: string) => { readonly sampleId: string; readonly distance: number } | undefined;

/** The hits of one query beside those of the oracle. */
export interface Answer {
  readonly actual: Columns;
  readonly expected: Columns;
  readonly truth: Truth;
}

/** How closely answers are compared. */
export interface Closeness {
  /** Largest error of a distance, relative to its size where that is above 1. */
  readonly tolerance: number;
  /** Share of true hits an approximate search has to find; exact ones find all. */
  readonly recall: number;
}

/** Rounding of float32 in a server: entries this much farther, relative to sizes above 1, are as near. */
const ROUNDING = 1e-6;

/** Fails unless the hits are as they should be; recall is counted over all the answers together. */
export function compareHits(
  answers: readonly Answer[],
  { reverse, tolerance, recall }: Closeness & { reverse: boolean },
): void {
  let [found, wanted] = [0, 0];
  for (const answer of answers) {
    checkEntries(answer, tolerance);
    expectOrder(answer.actual, reverse);
    if (recall === 1) checkPositions(answer, tolerance);
    found += trueHits(answer, reverse);
    wanted += answer.expected.ids.length;
  }
  if (wanted > 0) expect(found / wanted, "recall").toBeGreaterThanOrEqual(recall);
}

/** As many hits as there should be, each an entry that exists, once, with its sample and its distance. */
function checkEntries({ actual, expected, truth }: Answer, tolerance: number): void {
  expect(actual.ids.length, "number of hits").toBe(expected.ids.length);
  expect(actual.sampleIds.length, "number of sample ids").toBe(actual.ids.length);
  expect(actual.distances.length, "number of distances").toBe(actual.ids.length);
  expect(new Set(actual.ids).size, "hits without doubles").toBe(actual.ids.length);
  actual.ids.forEach((id, i) => {
    const known = truth(id);
    if (known === undefined)
      throw new Error(`Expected only ids that were written but found ${JSON.stringify(id)}`);
    // Many hits: only what differs is put into words.
    if (actual.sampleIds[i] !== known.sampleId)
      expect(actual.sampleIds[i], `sample id of ${id}`).toBe(known.sampleId);
    expectClose(actual.distances[i], known.distance, tolerance, `distance of ${id}`);
  });
}

/** Position by position: what is near enough to change places there has nearly the same distance. */
function checkPositions({ actual, expected }: Answer, tolerance: number): void {
  expected.distances.forEach((distance, i) => {
    expectClose(actual.distances[i], distance, tolerance, `distance at position ${i}`);
  });
}

/** Hits no farther than the last one there should be (no nearer if reversed). */
function trueHits({ actual, expected, truth }: Answer, reverse: boolean): number {
  const last = expected.distances.at(-1) ?? 0;
  const sign = reverse ? -1 : 1;
  const slack = ROUNDING * Math.max(1, Math.abs(last));
  return actual.ids.filter((id) => sign * ((truth(id)?.distance ?? Number.NaN) - last) <= slack).length;
}

function expectClose(
  actual: number | undefined,
  expected: number | undefined,
  tolerance: number,
  what: string,
): void {
  const error = Math.abs((actual ?? Number.NaN) - (expected ?? Number.NaN));
  const allowed = tolerance * Math.max(1, Math.abs(expected ?? 0));
  if (!(error <= allowed))
    throw new Error(`Expected ${what} to be ${expected} within ${allowed} but found ${actual}`);
}

/** Fails unless hits are sorted, ties by id. */
export function expectOrder({ ids, distances }: Columns, reverse = false): void {
  for (let i = 1; i < ids.length; i++) {
    const step = (at(distances, i) - at(distances, i - 1)) * (reverse ? -1 : 1);
    const right = step > 0 || (step === 0 && at(ids, i - 1) < at(ids, i));
    if (!right)
      throw new Error(`Expected hits in order, ties by id, but hit ${i} (${ids[i]}) comes too late`);
  }
}

/** What is true of the hits of a whole ranking. */
export function truthOf({ ids, sampleIds, distances }: Columns): Truth {
  const places = new Map(ids.map((id, i) => [id, i]));
  return (id) => {
    const place = places.get(id);
    if (place === undefined) return undefined;
    return { sampleId: at(sampleIds, place), distance: at(distances, place) };
  };
}

/** The hits from `start` to before `end`. */
export function between({ ids, sampleIds, distances }: Columns, start: number, end?: number): Columns {
  return {
    ids: ids.slice(start, end),
    sampleIds: sampleIds.slice(start, end),
    distances: distances.slice(start, end),
  };
}

/** The one element of a list that is expected to have it. */
export function at<Value>(values: ArrayLike<Value>, index: number): Value {
  const value = values[index];
  if (value === undefined)
    throw new Error(`Expected an element at ${index} but found ${values.length} elements`);
  return value;
}
