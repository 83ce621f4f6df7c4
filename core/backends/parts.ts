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
export function* pagesOf({ ids, sampleIds, distances }: Columns, size: number): Generator<Columns> {
  for (let first = 0; first < ids.length; first += size) {
    yield {
      ids: ids.slice(first, first + size),
      sampleIds: sampleIds.slice(first, first + size),
      distances: distances.slice(first, first + size),
    };
  }
}
