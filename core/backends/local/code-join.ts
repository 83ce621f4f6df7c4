/** The first pass of finding neighbours: the codes of some rows against those of many. */

import { type Bounded, Candidates } from "./candidates.ts";
import {
  type CodeView,
  eachStretch,
  errorShare,
  factorsOf,
  JOIN_PANELS,
  placeOf,
  QUERY_FACTOR_BYTES,
} from "./codes.ts";
import type { CodeArithmetic, KernelMemory } from "./kernel/kernel.ts";

/** What rounding takes from a limit or from half the square of a query. */
export const ROUNDING = 2e-6;
/** Of the limit among a query's factors. */
const LIMIT_AT = 8;

/** A row whose neighbours are wanted; keys as in `code-scan.ts`. */
export interface JoinQuery {
  readonly slot: number;
  /** Its length, or 1 where the metric has unit vectors. */
  readonly norm: number;
  /** Keys above this are never wanted. */
  readonly limit: number;
  /** Room for rounding of what all keys of this query have in common. */
  readonly margin: number;
}

export interface JoinPart {
  /** At most `JOIN_QUERIES`. */
  readonly queries: readonly JoinQuery[];
  /** So many neighbours of each; null for all within its limit. */
  readonly k: number | null;
  /** Lengths of the vectors by slot, shared. */
  readonly norms: Float64Array;
  /** Only the slots after a query's own: each pair is then found once. */
  readonly later: boolean;
  /** 1 for the slots wanted; undefined for all that hold an entry. */
  readonly mask: Uint8Array | undefined;
  /** Slots up to here are looked at. */
  readonly to: number;
}

/** For each query the slots that may be its neighbours; bounds only where so many of each are wanted. */
export function joinCodes(view: CodeView, part: JoinPart): Bounded[] {
  const { queries, k, later } = part;
  const collectors = queries.map(({ limit, margin }) =>
    k === null ? new Everything() : new Candidates(k, limit, margin),
  );
  const from = later ? Math.min(...queries.map(({ slot }) => slot)) : 0;
  let holder: KernelMemory<CodeArithmetic> | undefined;
  eachStretch(view, { from, to: part.to, most: JOIN_PANELS }, (memory, panel, count, first) => {
    if (holder !== memory) placeQueries(view, memory, queries);
    holder = memory;
    setLimits(view, memory, part, collectors);
    joinStretch(view, memory, { panel, count, first }, part, collectors);
  });
  return collectors.map((collector) => collector.finish());
}

const NO_BOUNDS = new Float32Array(0);

type Collector = Candidates | Everything;

/** Slots without end. */
class Everything {
  #slots = new Uint32Array(16);
  #count = 0;

  offer(slot: number): void {
    if (this.#count === this.#slots.length) {
      const larger = new Uint32Array(this.#count * 2);
      larger.set(this.#slots);
      this.#slots = larger;
    }
    this.#slots[this.#count++] = slot;
  }

  finish(): Bounded {
    return { slots: this.#slots.slice(0, this.#count), lower: NO_BOUNDS, upper: NO_BOUNDS };
  }
}

/** Writes the queries where this memory's kernel finds them. */
function placeQueries(
  view: CodeView,
  target: KernelMemory<CodeArithmetic>,
  queries: readonly JoinQuery[],
): void {
  const { length } = view.layout;
  const share = errorShare(length, view.lost8, view.lost7);
  for (let i = 0; i < evenCount(queries); i++) {
    // An odd one is joined twice, and its second results are never looked at.
    const { slot, norm } = queries[Math.min(i, queries.length - 1)] as JoinQuery;
    const at = queryAt(view, i);
    const { memory, panel, lane } = placeOf(view, slot);
    memory.arithmetic.queryOfRow(length, panel, lane, at);
    if (memory !== target) {
      new Uint8Array(target.buffer(), at, length).set(new Uint8Array(memory.buffer(), at, length));
    }
    const { scale, tails } = factorsOf(view, slot);
    const factors = new Float32Array(target.buffer(), at + length, QUERY_FACTOR_BYTES / 4);
    factors.set([scale, share * norm, Infinity, ...tails]);
  }
}

function setLimits(
  view: CodeView,
  memory: KernelMemory<CodeArithmetic>,
  { queries }: JoinPart,
  collectors: readonly Collector[],
): void {
  queries.forEach(({ limit }, i) => {
    const collector = collectors[i];
    const now = collector instanceof Candidates ? collector.limit : limit;
    new Float32Array(memory.buffer(), queryAt(view, i) + view.layout.length + LIMIT_AT, 1)[0] = -now;
  });
}

function joinStretch(
  view: CodeView,
  memory: KernelMemory<CodeArithmetic>,
  { panel, count, first }: { panel: number; count: number; first: number },
  { queries, later, mask }: JoinPart,
  collectors: readonly Collector[],
): void {
  const { length, unit, roomBytes, resultsAt } = view.layout;
  const out = view.thread * roomBytes + resultsAt;
  const start = queryAt(view, 0);
  const found = memory.arithmetic.joinPanels(start, evenCount(queries), length, unit, panel, count, out);
  if (found === 0) return;
  const pairs = new Uint32Array(memory.buffer(), out, found * 3);
  const bounds = new Float32Array(memory.buffer(), out, found * 3);
  for (let at = 0; at < found * 3; at += 3) {
    const pair = pairs[at] as number;
    const query = queries[pair >>> 16];
    const slot = first + (pair & 0xffff);
    if (query === undefined || slot === query.slot || (later && slot < query.slot)) continue;
    if (mask !== undefined && mask[slot] !== 1) continue;
    collectors[pair >>> 16]?.offer(slot, -(bounds[at + 1] as number), -(bounds[at + 2] as number));
  }
  for (const collector of collectors) if (collector instanceof Candidates) collector.settle();
}

function queryAt({ layout, thread }: CodeView, number: number): number {
  return thread * layout.roomBytes + layout.queriesAt + number * (layout.length + QUERY_FACTOR_BYTES);
}

function evenCount(queries: readonly JoinQuery[]): number {
  return queries.length + (queries.length & 1);
}
