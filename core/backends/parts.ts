/** Parts of batches and of rankings. */

import { takeRows } from "../matrix.ts";
import type { Batch, Columns } from "./backend.ts";

/** Some entries of a batch. */
export function takeBatch(batch: Batch, rows: readonly number[]): Batch {
  const { fields } = batch;
  return {
    ids: rows.map((row) => batch.ids[row] ?? ""),
    sampleIds: rows.map((row) => batch.sampleIds[row] ?? ""),
    vectors: takeRows(batch.vectors, rows),
    ...(fields === undefined ? {} : { fields: rows.map((row) => fields[row] ?? null) }),
  };
}

/** A ranking in pages of at most `size` hits. */
export function* pagesOf(ranking: Columns, size: number): Generator<Columns> {
  for (let first = 0; first < ranking.ids.length; first += size) yield takeHits(ranking, first, first + size);
}

/** The hits of a ranking from place `start` up to `end`. */
export function takeHits({ ids, sampleIds, distances }: Columns, start: number, end: number): Columns {
  return {
    ids: ids.slice(start, end),
    sampleIds: sampleIds.slice(start, end),
    distances: distances.slice(start, end),
  };
}
