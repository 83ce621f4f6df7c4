/** Exact distances of a vector to rows in memory, in double precision. */

import type { Metric } from "../metric.ts";
import type { KernelMemory } from "./kernel/kernel.ts";
import { type Layout, LISTED_ROWS } from "./segment.ts";

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
  const { stride, rowsPerSegment, threadRoomsAt, threadRoomBytes } = view.layout;
  const vectorAt = threadRoomsAt + view.thread * threadRoomBytes;
  const placed = new Set<KernelMemory>();
  const values = new Float64Array(slots.length);
  for (let start = 0; start < slots.length; ) {
    const segment = Math.floor((slots[start] as number) / rowsPerSegment);
    const memory = view.memories[segment] as KernelMemory;
    if (!placed.has(memory)) {
      placed.add(memory);
      new Uint8Array(memory.buffer(), vectorAt, stride).fill(0, vector.length);
      new Uint8Array(memory.buffer(), vectorAt, stride).set(vector);
    }
    start = listedValues(view, vectorAt, slots, start, values);
  }
  return values;
}

/** As `exactValues` for a vector that lies in the only segment. */
export function exactValuesAt(view: RowView, vectorAt: number, slots: Uint32Array): Float64Array {
  const values = new Float64Array(slots.length);
  for (let start = 0; start < slots.length; ) start = listedValues(view, vectorAt, slots, start, values);
  return values;
}

/** The values of the next slots that lie in the same segment; gives where it ended. */
function listedValues(
  { layout, memories, thread }: RowView,
  vectorAt: number,
  slots: Uint32Array,
  start: number,
  values: Float64Array,
): number {
  const { metric, stride, rowsAt, rowsPerSegment, threadRoomsAt, threadRoomBytes } = layout;
  const segment = Math.floor((slots[start] as number) / rowsPerSegment);
  const [least, most] = [segment * rowsPerSegment, (segment + 1) * rowsPerSegment];
  const memory = memories[segment] as KernelMemory;
  const listAt = threadRoomsAt + thread * threadRoomBytes + stride;
  const list = new Uint32Array(memory.buffer(), listAt, LISTED_ROWS);
  let count = 0;
  for (; count < LISTED_ROWS && start + count < slots.length; count++) {
    const slot = slots[start + count] as number;
    if (slot < least || slot >= most) break;
    list[count] = slot - least;
  }
  if (metric === "cosine" || metric === "dotproduct") {
    const out = listAt + LISTED_ROWS * 4;
    memory.arithmetic.exactDots(vectorAt, rowsAt, stride, listAt, count, out);
    values.set(new Float64Array(memory.buffer(), out, count), start);
  } else {
    for (let i = 0; i < count; i++) {
      const row = rowsAt + (list[i] as number) * stride;
      values[start + i] = exactValue(memory, metric, vectorAt, row, stride);
    }
  }
  return start + count;
}

/** The value of two vectors of one memory, given by their offsets. */
function exactValue(
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

/** The distances that are reported for exact values of a vector and the slots, given all lengths. */
export function distancesFrom(
  metric: Metric,
  values: Float64Array,
  norm: number,
  norms: Float64Array,
  slots: Uint32Array,
): Float32Array {
  const distances = new Float32Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    const value = values[i] as number;
    if (metric === "cosine") distances[i] = cosineDistance(value / (norm * (norms[slots[i] as number] ?? 0)));
    // Rounding may leave -0, which would sort before 0.
    else if (metric === "dotproduct") distances[i] = Math.fround(0 - value) + 0;
    else distances[i] = metric === "euclidean" ? Math.sqrt(value) : value;
  }
  return distances;
}

/**
 * The cosine is rounded to float32 before it is taken from 1: doubles, and copies that differ by a factor,
 * then get the same distance, 0, and their order is that of their ids rather than of rounding noise.
 */
function cosineDistance(cosine: number): number {
  return 1 - Math.fround(Math.max(-1, Math.min(1, cosine)));
}
