/** Exact answers to tell the recall of an approximate search by. */

import type { Matrix } from "../../core/matrix.ts";

/** The share of the k nearest that was found: unit vectors, by cosine, among `rows` where they are given. */
export function recallOf(
  found: readonly number[],
  vectors: Matrix,
  query: Float32Array,
  {
    k,
    rows = Array.from({ length: vectors.rows }, (_, row) => row),
  }: { k: number; rows?: readonly number[] },
): number {
  const cosines = Float64Array.from(rows, (row) => product(vectors.row(row), query));
  const best = cosines.toSorted().at(-Math.min(k, rows.length)) ?? Number.NEGATIVE_INFINITY;
  const wanted = new Set(rows.filter((_, i) => (cosines[i] ?? 0) >= best - TIE));
  const hits = found.filter((row) => wanted.has(row)).length;
  return hits / Math.min(k, rows.length);
}

/** Servers compute in float32: which of two this near comes first says nothing. */
const TIE = 1e-7;

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
