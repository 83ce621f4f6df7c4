/** Exact distances of a vector to rows in memory, in double precision. */

import type { Metric } from "../metric.ts";
import type { KernelMemory } from "./kernel/kernel.ts";
import type { Layout } from "./segment.ts";

/** Rows as one thread sees them. */
export interface RowView {
  readonly layout: Layout;
  readonly memories: readonly KernelMemory[];
  /** Number of the thread, which says what room is its own. */
  readonly thread: number;
}

/**
 * What the kernel finds between a vector, given as its bytes, and each slot's row: inner products for cosine and
 * dotproduct, squared distances for euclidean, else distances. Their order does not matter to the last bit.
 */
export function exactValues(view: RowView, vector: Uint8Array, slots: Uint32Array): Float64Array {
  const { stride, rowsAt, rowsPerSegment, threadRowsAt, metric } = view.layout;
  const vectorAt = threadRowsAt + view.thread * stride;
  const placed = new Set<KernelMemory>();
  const values = new Float64Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    const segment = Math.floor(slot / rowsPerSegment);
    const memory = view.memories[segment] as KernelMemory;
    if (!placed.has(memory)) {
      placed.add(memory);
      new Uint8Array(memory.buffer(), vectorAt, stride).fill(0, vector.length);
      new Uint8Array(memory.buffer(), vectorAt, stride).set(vector);
    }
    const row = rowsAt + (slot - segment * rowsPerSegment) * stride;
    values[i] = exactValue(memory, metric, vectorAt, row, stride);
  }
  return values;
}

/** The value of two vectors of one memory, given by their offsets. */
export function exactValue(
  { arithmetic }: KernelMemory,
  metric: Metric,
  a: number,
  b: number,
  stride: number,
): number {
  if (metric === "cosine" || metric === "dotproduct") return arithmetic.exactDot(a, b, stride);
  if (metric === "euclidean") return arithmetic.exactSquaredDistance(a, b, stride);
  return metric === "jaccard"
    ? arithmetic.jaccardDistance(a, b, stride)
    : arithmetic.hammingDistance(a, b, stride);
}

/** The distance that is reported for an exact value of two vectors of these lengths. */
export function distanceFrom(metric: Metric, value: number, normA: number, normB: number): number {
  if (metric === "cosine") return cosineDistance(value / (normA * normB));
  if (metric === "dotproduct") return 0 - value;
  return metric === "euclidean" ? Math.sqrt(value) : value;
}

/**
 * The cosine is rounded to float32 before it is taken from 1: doubles, and copies that differ by a factor,
 * then get the same distance, 0, and their order is that of their ids rather than of rounding noise.
 */
function cosineDistance(cosine: number): number {
  return 1 - Math.fround(Math.max(-1, Math.min(1, cosine)));
}
