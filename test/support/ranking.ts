/** The plain ranking of entries by their exact distances, which searches are held against. */

import { distanceOf, type Metric } from "../../core/backends/metric.ts";
import type { Matrix, VectorData } from "../../core/matrix.ts";

/** An entry and its distance. */
export interface Ranked {
  readonly id: string;
  readonly distance: number;
}

/** Entries by the distance of their rows, nearest first, ties by id. */
export function rankedBy(ids: readonly string[], distance: (row: number) => number): Ranked[] {
  return ids
    .map((id, row) => ({ id, distance: distance(row) }))
    .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1));
}

/** Entries by their distance to `query`. */
export function ranking(
  ids: readonly string[],
  vectors: Matrix<VectorData>,
  query: VectorData,
  metric: Metric = "cosine",
): Ranked[] {
  return rankedBy(ids, (row) => distanceOf(metric, query, vectors.row(row)));
}
