/** Exact values of the pairs that a join of codes left, as few of them as the k nearest allow. */

import { type Bounded, nthSmallest } from "./candidates.ts";
import { type JoinPart, type JoinQuery, ROUNDING } from "./code-join.ts";
import { exactValues, exactValuesAt, type RowView } from "./exact.ts";
import type { KernelMemory } from "./kernel/kernel.ts";

/** Below so many candidates for each neighbour wanted, looking at some of them first does not pay. */
const WORTH_TWO_STEPS = 2;

interface Valued {
  readonly slots: Uint32Array;
  readonly values: Float64Array;
}

/**
 * Possible neighbours of a row with their exact values. Those that seem nearest go first: their exact values
 * are a sharper limit than the bounds of codes, and rule out most of the others.
 */
export function joinedExactly(
  rows: RowView,
  { k, norms }: Pick<JoinPart, "k" | "norms">,
  query: JoinQuery,
  { slots, lower, upper }: Bounded,
): Valued {
  if (k === null || slots.length < k * WORTH_TWO_STEPS) return valued(rows, query.slot, slots);
  const last = nthSmallest(upper.slice(), k - 1);
  const first = valued(
    rows,
    query.slot,
    slots.filter((_, i) => (upper[i] as number) <= last),
  );
  const limit = largestKey(rows, query, norms, first);
  const rest = valued(
    rows,
    query.slot,
    slots.filter((_, i) => (upper[i] as number) > last && !((lower[i] as number) > limit)),
  );
  const all = new Uint32Array(first.slots.length + rest.slots.length);
  all.set(first.slots);
  all.set(rest.slots, first.slots.length);
  const values = new Float64Array(all.length);
  values.set(first.values);
  values.set(rest.values, first.values.length);
  return { slots: all, values };
}

/** The largest key, as `CodeQuery` describes keys, with room for what rounding the distances may change. */
function largestKey(
  { layout: { metric } }: RowView,
  { slot, margin }: JoinQuery,
  norms: Float64Array,
  { slots, values }: Valued,
): number {
  const norm = norms[slot] as number;
  const half = metric === "euclidean" ? (norm * norm) / 2 : 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < slots.length; i++) {
    const value = values[i] as number;
    let key = -value;
    if (metric === "cosine") key = -value / (norm * (norms[slots[i] as number] as number));
    if (metric === "euclidean") key = value / 2 - half;
    if (!(key <= most)) most = key;
  }
  return most + margin + ROUNDING * (Math.abs(most) + (metric === "cosine" ? 1 : half));
}

/** Exact values of a row and others. */
function valued(view: RowView, slot: number, slots: Uint32Array): Valued {
  const { rowsAt, rowsPerSegment, stride, rowBytes } = view.layout;
  const at = rowsAt + (slot % rowsPerSegment) * stride;
  if (view.memories.length === 1) return { slots, values: exactValuesAt(view, at, slots) };
  const memory = view.memories[Math.floor(slot / rowsPerSegment)] as KernelMemory;
  return { slots, values: exactValues(view, new Uint8Array(memory.buffer(), at, rowBytes), slots) };
}
