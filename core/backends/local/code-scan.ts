/** The first pass of a search: all codes against some queries, leaving the rows that may be hits. */

import { type Bounded, Candidates } from "./candidates.ts";
import { type CodeView, eachStretch, errorShare, SCAN_PANELS } from "./codes.ts";
import type { CodeArithmetic, KernelMemory } from "./kernel/kernel.ts";

/**
 * A query of the first pass. Keys are half the square of x less q.x, the smaller the nearer, for all metrics:
 * half the square is 0 unless the metric is euclidean, and cosine has unit vectors. Farthest first turns signs.
 */
export interface CodeQuery {
  readonly vector: Float32Array;
  /** Its length, or 1 where the metric has unit vectors. */
  readonly norm: number;
  /** Divides the vector: its length where the metric has unit vectors, else 1. */
  readonly divisor: number;
  /** Keys above this are never wanted. */
  readonly limit: number;
  /** Room for rounding of what all keys of this query have in common. */
  readonly margin: number;
}

export interface ScanPart {
  readonly queries: readonly CodeQuery[];
  readonly reverse: boolean;
  readonly k: number;
  /** 1 for the slots wanted; undefined for all that hold an entry. */
  readonly mask: Uint8Array | undefined;
  /** Slots from `from` up to `to` are looked at. */
  readonly from: number;
  readonly to: number;
}

/** For each query the slots of this part that may be among its k hits. */
export function scanCodes(view: CodeView, part: ScanPart): Bounded[] {
  const collectors = part.queries.map(({ limit, margin }) => new Candidates(part.k, limit, margin));
  let encoded: Encoded[] = [];
  let holder: KernelMemory<CodeArithmetic> | undefined;
  eachStretch(view, { ...part, most: SCAN_PANELS }, (memory, panel, count, first) => {
    if (holder !== memory)
      encoded = part.queries.map((query, i) => encodeQuery(view, memory, query, i, part));
    holder = memory;
    encoded.forEach((query, i) => {
      scanStretch(view, memory, query, { panel, count, first }, part, collectors[i] as Candidates);
    });
  });
  return collectors.map((collector) => collector.finish());
}

interface Encoded {
  readonly digits: number;
  readonly unit: number;
  readonly error: number;
}

function encodeQuery(
  { layout, thread, lost8 }: CodeView,
  memory: KernelMemory<CodeArithmetic>,
  { vector, norm, divisor }: CodeQuery,
  number: number,
  { reverse }: ScanPart,
): Encoded {
  const { length, roomBytes, workAt, factsAt, queriesAt } = layout;
  const room = thread * roomBytes;
  const source = new Float32Array(memory.buffer(), room, length);
  source.fill(0, vector.length);
  for (let i = 0; i < vector.length; i++)
    source[i] = reverse ? -(vector[i] as number) : (vector[i] as number);
  const digits = room + queriesAt + number * 2 * length;
  const lostAt = room + factsAt;
  const unit = memory.arithmetic.encodeQuery(room, length, room + workAt, digits, lostAt) / divisor;
  const lost = new Float32Array(memory.buffer(), lostAt, 1)[0] as number;
  return { digits, unit, error: errorShare(length, lost8, lost) * norm };
}

function scanStretch(
  { layout, thread }: CodeView,
  memory: KernelMemory<CodeArithmetic>,
  { digits, unit, error }: Encoded,
  { panel, count, first }: { panel: number; count: number; first: number },
  { reverse, mask }: ScanPart,
  collector: Candidates,
): void {
  const out = thread * layout.roomBytes + layout.resultsAt;
  const found = memory.arithmetic.scanPanels(
    digits,
    layout.length,
    unit,
    panel,
    count,
    first,
    error,
    reverse ? -1 : 1,
    -collector.limit,
    out,
  );
  if (found === 0) return;
  const slots = new Uint32Array(memory.buffer(), out, found * 3);
  const bounds = new Float32Array(memory.buffer(), out, found * 3);
  for (let at = 0; at < found * 3; at += 3) {
    const slot = slots[at] as number;
    if (mask !== undefined && mask[slot] !== 1) continue;
    collector.offer(slot, -(bounds[at + 1] as number), -(bounds[at + 2] as number));
  }
  collector.settle();
}
