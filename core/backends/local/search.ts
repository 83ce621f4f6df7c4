/** Exact search: a fast pass over the matrix or its codes finds candidates, a precise one ranks them. */

import type { VectorData } from "../../matrix.ts";
import { Candidates } from "./candidates.ts";
import { ROUNDING } from "./code-join.ts";
import type { CodeQuery } from "./code-scan.ts";
import { Crew } from "./crew.ts";
import { type Hits, type RankNames, type RankOptions, rankSorted } from "./rank.ts";
import type { Resident } from "./resident.ts";
import { QUERIES_PER_PASS } from "./segment.ts";
import type { Helpers } from "./threads.ts";

/** The slots a search may find: all of `mask`, of which there are `count`; `slots` lists them when few. */
export interface Allowed {
  /** Undefined for every slot that holds an entry. */
  readonly mask: Uint8Array | undefined;
  readonly count: number;
  readonly slots?: Uint32Array;
}

const EPSILON = 2 ** -24;
/** The smallest float32 above zero: what a product can lose by underflow. */
const TINY = 2 ** -149;
/** Above this the kernel's float32 sums may overflow, below the other products vanish. */
const LARGEST_SUM = 1e37;
const SMALLEST_NORM = 1e-18;
/** The same for the factors of codes, of which three are multiplied. */
const CODED_NORMS = { least: 1e-11, most: 1e11 };

/** Ties of candidates are in order by themselves only where the candidates come in the order of slots. */
function namesFor(resident: Resident, slots: Uint32Array): RankNames {
  for (let i = 1; i < slots.length; i++) {
    if ((slots[i] as number) < (slots[i - 1] as number)) return { ids: resident.ids };
  }
  return resident;
}

/** One set of hits per query, the queries given as rows of the collection's kind. */
export function searchResident(
  resident: Resident,
  queries: readonly VectorData[],
  allowed: Allowed,
  options: RankOptions,
  helpers?: Helpers,
): Hits[] {
  const crew = new Crew(resident, helpers);
  const hits: Hits[] = [];
  for (let first = 0; first < queries.length; first += QUERIES_PER_PASS) {
    const pass = queries.slice(first, first + QUERIES_PER_PASS);
    const norms = pass.map(length);
    const candidates = candidatesOf({ resident, crew, pass, norms }, allowed, options);
    candidates.forEach((slots, i) => {
      const parts = sortedParts(resident, crew, pass[i] as VectorData, norms[i] ?? 0, slots, options);
      hits.push(rankSorted(parts, namesFor(resident, slots), options));
    });
  }
  return hits;
}

interface Pass {
  readonly resident: Resident;
  readonly crew: Crew;
  readonly pass: readonly VectorData[];
  readonly norms: readonly number[];
}

/** For each query, slots that hold all its hits. */
function candidatesOf(work: Pass, allowed: Allowed, options: RankOptions): Uint32Array[] {
  const { resident, norms } = work;
  const { k, maxDistance, reverse } = options;
  // The farthest within a radius: which rows the radius cuts off only exact distances tell.
  const ring = reverse && maxDistance < Number.POSITIVE_INFINITY;
  const direct = k === null || 4 * k >= allowed.count || allowed.slots !== undefined || ring;
  if (!direct && resident.encoded && norms.every((norm) => codable(resident, norm))) {
    return codedCandidates(work, k, allowed, options);
  }
  const inMemory = resident.fileRows === undefined;
  if (!direct && inMemory && norms.every((norm) => inRange(resident, norm))) {
    return scannedCandidates(work, k, allowed, options);
  }
  const slots = slotsAllowed(allowed, resident);
  return norms.map(() => slots);
}

/** Candidates by a pass over the codes. */
function codedCandidates(
  { resident, crew, pass, norms }: Pass,
  k: number,
  { mask }: Allowed,
  { reverse, maxDistance }: RankOptions,
): Uint32Array[] {
  const queries = pass.map((vector, i): CodeQuery => {
    const limits = codeLimits(resident, norms[i] as number, maxDistance);
    const relative = resident.layout.metric === "cosine";
    return { vector: vector as Float32Array, divisor: relative ? (norms[i] as number) : 1, ...limits };
  });
  return crew.scan({ queries, reverse, k, mask }).map((parts, i) => {
    const { limit, margin } = queries[i] as CodeQuery;
    if (parts.length === 1 && parts[0] !== undefined) return parts[0].slots;
    const all = new Candidates(k, limit, margin);
    for (const { slots, lower, upper } of parts) {
      slots.forEach((slot, at) => {
        all.offer(slot, lower[at] as number, upper[at] as number);
      });
    }
    return all.finish().slots;
  });
}

/** What a radius and a vector's length mean for its keys, which `CodeQuery` describes. */
export function codeLimits(
  { layout: { metric } }: Resident,
  norm: number,
  maxDistance: number,
): { norm: number; limit: number; margin: number } {
  const half = metric === "euclidean" ? (norm * norm) / 2 : 0;
  const margin = ROUNDING * half;
  let limit = maxDistance;
  if (maxDistance < Number.POSITIVE_INFINITY) {
    if (metric === "cosine") limit = maxDistance - 1;
    if (metric === "euclidean") limit = Math.max(0, maxDistance) ** 2 / 2 - half;
    // The radius is compared in float32, as the distance is.
    limit += ROUNDING * (Math.abs(limit) + (metric === "cosine" ? 1 : half));
  }
  return { norm: metric === "cosine" ? 1 : norm, limit, margin };
}

/** Whether codes bound the keys of a vector of this length. */
export function codable({ minimumNorm, maximumNorm }: Resident, norm: number): boolean {
  const { least, most } = CODED_NORMS;
  return minimumNorm > least && maximumNorm < most && (norm === 0 || norm > least) && norm < most;
}

/** Candidates by a pass over the matrix. */
function scannedCandidates(
  { resident, pass, norms }: Pass,
  k: number,
  allowed: Allowed,
  options: RankOptions,
): Uint32Array[] {
  for (const segment of resident.segments) segment.setQueries(pass);
  const mask = allowed.mask ?? resident.live;
  const errors = norms.map((norm) => keyError(resident, norm));
  const collectors = errors.map((error) => new Candidates(k, keyLimit(resident, error, options)));
  scan(resident, norms, options.reverse, (query, keys, first) => {
    const { absolute, relative } = errors[query] as KeyError;
    const collector = collectors[query] as Candidates;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      const width = 1.5 * (absolute + relative * Math.abs(key));
      if (key - width <= collector.limit && mask[first + i] === 1) {
        collector.offer(first + i, key - width, key + width);
      }
    }
    collector.settle();
  });
  return collectors.map((collector) => collector.finish().slots);
}

/** How far a key may lie from the true one: `absolute + relative * |key|`. */
interface KeyError {
  readonly absolute: number;
  readonly relative: number;
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

/** Slots sorted by distances in double precision, rounded once. */
function sortedParts(
  { norms }: Resident,
  crew: Crew,
  query: VectorData,
  norm: number,
  slots: Uint32Array,
  { reverse, maxDistance }: RankOptions,
): Hits[] {
  const vector = new Uint8Array(query.buffer, query.byteOffset, query.byteLength);
  return crew.sort({ vector, norm, norms, slots, reverse, maxDistance });
}

/** The slots a search may find, in order. */
export function slotsAllowed(allowed: Allowed, resident: Resident): Uint32Array {
  if (allowed.slots !== undefined) return allowed.slots;
  const mask = allowed.mask ?? resident.live;
  // Shared, so that search threads need no copy.
  const list = new Uint32Array(new SharedArrayBuffer(allowed.count * 4));
  let count = 0;
  for (let slot = 0; slot < resident.slots; slot++) if (mask[slot] === 1) list[count++] = slot;
  return list.subarray(0, count);
}

/**
 * A query's length, summed in the order in which the kernel sums that of a row: the distance of two entries is
 * then the same whichever of them is the query.
 */
function length(query: VectorData): number {
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < query.length; i++) {
    const value = query[i] as number;
    sums[i % 4] = (sums[i % 4] as number) + value * value;
  }
  const [a = 0, b = 0, c = 0, d = 0] = sums;
  return Math.sqrt(a + c + (b + d));
}
