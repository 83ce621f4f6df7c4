/** All vectors of some entries in one matrix, and the distances from one of them to all. */

import { distanceOf, isBinaryMetric, type Metric } from "../../backends/metric.ts";
import { throwIfAborted } from "../../errors.ts";
import { type Matrix, matrix, rowLength, type VectorData } from "../../matrix.ts";
import { warnOfLost } from "../lost.ts";
import type { OpenIndex } from "../open-index.ts";
import { selectIds } from "../query/fetch-vectors.ts";
import type { EntryRows } from "./entry-rows.ts";

/** Vectors by row; `places[row]` is the entry's place. */
export interface VectorRows {
  readonly places: readonly number[];
  readonly vectors: Matrix<VectorData>;
}

/** Reads the vectors of the rows, in their order: `rows * dimension * 4` bytes for float32. */
export async function vectorRows(
  index: OpenIndex,
  rows: EntryRows,
  signal: AbortSignal | undefined,
): Promise<VectorRows> {
  const { metric, dimension } = index.run.config;
  const collection = await index.collection();
  const isBits = isBinaryMetric(metric as Metric);
  const length = rowLength(isBits ? new Uint8Array(0) : new Float32Array(0), dimension ?? 0);
  const size = collection === null ? 0 : rows.ids.length * length;
  const data: VectorData = isBits ? new Uint8Array(size) : new Float32Array(size);
  const isThere = new Uint8Array(rows.ids.length);
  if (collection !== null) {
    // A server gives them in whatever order: each goes to its own place.
    for await (const { ids, vectors } of collection.fetch(selectIds(rows.ids))) {
      throwIfAborted(signal);
      for (const [row, id] of ids.entries()) {
        const place = rows.places.get(id);
        if (place === undefined) continue;
        data.set(vectors.row(row), place * length);
        isThere[place] = 1;
      }
    }
  }
  const places = [...isThere.keys()].filter((place) => isThere[place] === 1);
  if (collection !== null && places.length < rows.ids.length) {
    warnOfLost(
      index,
      rows.ids.filter((_, place) => isThere[place] === 0),
    );
    // Rows close up over the gaps.
    for (const [row, place] of places.entries()) {
      data.copyWithin(row * length, place * length, (place + 1) * length);
    }
  }
  return { places, vectors: matrix(data.subarray(0, places.length * length) as VectorData, dimension ?? 0) };
}

/** Writes the distance of each row to row `from` into `into`. */
export type DistancesFrom = (from: number, into: Float64Array) => void;

/** The metric's distances among the rows of one matrix, in double precision. */
export function distancesAmong(metric: Metric, vectors: Matrix<VectorData>): DistancesFrom {
  const { data, rows, dimension } = vectors;
  if (data instanceof Uint8Array) {
    return (from, into) => {
      for (let row = 0; row < rows; row++)
        into[row] = distanceOf(metric, vectors.row(from), vectors.row(row));
    };
  }
  if (metric === "euclidean") {
    return (from, into) => {
      for (let row = 0; row < rows; row++) into[row] = Math.sqrt(squaredDistance(data, from, row, dimension));
    };
  }
  const norms = Float64Array.from({ length: rows }, (_, row) =>
    metric === "cosine" ? Math.sqrt(product(data, row, row, dimension)) : 1,
  );
  const shift = metric === "cosine" ? 1 : 0;
  return (from, into) => {
    const norm = norms[from] ?? 1;
    for (let row = 0; row < rows; row++) {
      into[row] = shift - product(data, from, row, dimension) / (norm * (norms[row] ?? 1));
    }
  };
}

// Four sums at once: the loops below are where the time goes.

function product(data: Float32Array, a: number, b: number, dimension: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const [start, other] = [a * dimension, b * dimension];
  let i = 0;
  for (; i + 3 < dimension; i += 4) {
    s0 += (data[start + i] as number) * (data[other + i] as number);
    s1 += (data[start + i + 1] as number) * (data[other + i + 1] as number);
    s2 += (data[start + i + 2] as number) * (data[other + i + 2] as number);
    s3 += (data[start + i + 3] as number) * (data[other + i + 3] as number);
  }
  for (; i < dimension; i++) s0 += (data[start + i] as number) * (data[other + i] as number);
  return s0 + s1 + s2 + s3;
}

/** Squared euclidean distance of two rows of one array. */
function squaredDistance(data: Float32Array, a: number, b: number, dimension: number): number {
  return squaredDistanceTo(data, a, data, b, dimension);
}

/** Squared euclidean distance of row `a` of one array and row `b` of another. */
export function squaredDistanceTo(
  data: Float32Array,
  a: number,
  others: Float32Array | Float64Array,
  b: number,
  dimension: number,
): number {
  let [s0, s1] = [0, 0];
  const [start, other] = [a * dimension, b * dimension];
  let i = 0;
  for (; i + 1 < dimension; i += 2) {
    const d0 = (data[start + i] as number) - (others[other + i] as number);
    const d1 = (data[start + i + 1] as number) - (others[other + i + 1] as number);
    s0 += d0 * d0;
    s1 += d1 * d1;
  }
  if (i < dimension) s0 += ((data[start + i] as number) - (others[other + i] as number)) ** 2;
  return s0 + s1;
}
