/** Exact search over the matrix in memory: a fast pass finds candidates, a precise one ranks them. */

import type { VectorData } from "../../matrix.ts";
import { Candidates, type KeyError } from "./candidates.ts";
import { type Hits, type RankOptions, rank } from "./rank.ts";
import type { Resident } from "./resident.ts";
import { QUERIES_PER_PASS } from "./segment.ts";

/** The slots a search may find: all of `mask`, of which there are `count`; `slots` lists them when few. */
export interface Allowed {
  readonly mask: Uint8Array;
  readonly count: number;
  readonly slots?: Uint32Array;
}

const EPSILON = 2 ** -24;
/** The smallest float32 above zero: what a product can lose by underflow. */
const TINY = 2 ** -149;
/** Above this the kernel's float32 sums may overflow, below the other products vanish. */
const LARGEST_SUM = 1e37;
const SMALLEST_NORM = 1e-18;

/** One set of hits per query, the queries given as rows of the collection's kind. */
export function searchResident(
  resident: Resident,
  queries: readonly VectorData[],
  allowed: Allowed,
  options: RankOptions,
): Hits[] {
  const hits: Hits[] = [];
  for (let first = 0; first < queries.length; first += QUERIES_PER_PASS) {
    const pass = queries.slice(first, first + QUERIES_PER_PASS);
    for (const segment of resident.segments) segment.setQueries(pass);
    const norms = pass.map(length);
    const candidates = candidatesOf(resident, norms, allowed, options);
    candidates.forEach((slots, query) => {
      const distances = exactDistances(resident, query, norms[query] ?? 0, slots);
      hits.push(rank({ slots, distances }, resident.ids, options));
    });
  }
  return hits;
}

/** For each query, slots that hold all its hits. */
function candidatesOf(
  resident: Resident,
  norms: number[],
  allowed: Allowed,
  options: RankOptions,
): Uint32Array[] {
  const { k, maxDistance, reverse } = options;
  // The farthest within a radius: which rows the radius cuts off only exact distances tell.
  const ring = reverse && maxDistance < Number.POSITIVE_INFINITY;
  const direct = k === null || 4 * k >= allowed.count || allowed.slots !== undefined || ring;
  if (direct || !norms.every((norm) => inRange(resident, norm))) {
    const slots = allowed.slots ?? slotsOf(allowed, resident.slots);
    return norms.map(() => slots);
  }
  const collectors = norms.map((norm) => {
    const error = keyError(resident, norm);
    return new Candidates(k, error, keyLimit(resident, error, options));
  });
  scan(resident, norms, reverse, (query, keys, first) => collectors[query]?.add(keys, first, allowed.mask));
  return collectors.map((collector) => collector.finish());
}

/** Goes over the matrix once and hands out sort keys: the smaller, the earlier the hit. */
function scan(
  resident: Resident,
  norms: readonly number[],
  reverse: boolean,
  take: (query: number, keys: Float32Array, first: number) => void,
): void {
  const { rowsPerSegment, chunkRows } = resident.layout;
  resident.segments.forEach((segment, number) => {
    const start = number * rowsPerSegment;
    const end = Math.min(rowsPerSegment, resident.slots - start);
    for (let row = 0; row < end; row += chunkRows) {
      const values = segment.values(norms.length, row, Math.min(chunkRows, end - row));
      values.forEach((keys, query) => {
        toKeys(resident, keys, start + row, norms[query] ?? 1, reverse);
        take(query, keys, start + row);
      });
    }
  });
}

/** Turns the kernel's values into keys, in place. Euclidean keys stay squared. */
function toKeys(
  resident: Resident,
  values: Float32Array,
  first: number,
  norm: number,
  reverse: boolean,
): void {
  const { metric } = resident.layout;
  const sign = reverse ? -1 : 1;
  if (metric === "cosine") {
    const { inverseNorms } = resident;
    const scale = sign / norm;
    for (let i = 0; i < values.length; i++) {
      values[i] = sign - (values[i] as number) * (inverseNorms[first + i] as number) * scale;
    }
  } else if ((metric === "dotproduct") !== reverse) {
    for (let i = 0; i < values.length; i++) values[i] = -(values[i] as number);
  }
}

/** Bounds on what float32 sums of this length lose, with room for rounding the reported distance. */
function keyError(resident: Resident, norm: number): KeyError {
  const { metric, stride } = resident.layout;
  const numbers = stride / 4;
  const sum = (numbers / 4 + 16) * EPSILON;
  if (metric === "cosine") {
    return { absolute: sum + (numbers * TINY) / (norm * resident.minimumNorm), relative: 4 * EPSILON };
  }
  if (metric === "dotproduct") {
    return { absolute: sum * norm * resident.maximumNorm + numbers * TINY, relative: 4 * EPSILON };
  }
  if (metric === "euclidean") return { absolute: numbers * TINY, relative: 2 * sum };
  return { absolute: 4 * EPSILON, relative: 4 * EPSILON };
}

/** The largest key within `maxDistance`. */
function keyLimit(resident: Resident, error: KeyError, { maxDistance }: RankOptions): number {
  if (maxDistance === Number.POSITIVE_INFINITY) return maxDistance;
  const square = resident.layout.metric === "euclidean" && maxDistance > 0;
  const key = square ? maxDistance * maxDistance : maxDistance;
  return key + 3 * (error.absolute + error.relative * Math.abs(key));
}

function inRange(resident: Resident, norm: number): boolean {
  const { metric } = resident.layout;
  const { minimumNorm, maximumNorm } = resident;
  if (metric === "cosine" && !(minimumNorm > SMALLEST_NORM && norm > SMALLEST_NORM)) return false;
  if (metric === "cosine" || metric === "dotproduct") return norm * maximumNorm < LARGEST_SUM;
  return metric !== "euclidean" || (norm + maximumNorm) ** 2 < LARGEST_SUM;
}

/** Distances in double precision, rounded once. */
function exactDistances(resident: Resident, query: number, norm: number, slots: Uint32Array): Float32Array {
  const { metric, rowsPerSegment } = resident.layout;
  const distances = new Float32Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    const segment = resident.segmentOf(slot);
    const row = slot % rowsPerSegment;
    if (metric === "cosine") {
      distances[i] = cosineDistance(segment.exactDot(query, row) / (norm * (resident.norms[slot] as number)));
    } else if (metric === "dotproduct") distances[i] = 0 - segment.exactDot(query, row);
    else distances[i] = segment.exactDistance(query, row);
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

function slotsOf(allowed: Allowed, slots: number): Uint32Array {
  const list = new Uint32Array(allowed.count);
  let count = 0;
  for (let slot = 0; slot < slots; slot++) if (allowed.mask[slot] === 1) list[count++] = slot;
  return list.subarray(0, count);
}

function length(query: VectorData): number {
  let sum = 0;
  for (const value of query) sum += value * value;
  return Math.sqrt(sum);
}
