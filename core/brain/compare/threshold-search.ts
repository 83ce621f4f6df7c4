/** Finds the threshold that leaves a wanted number of entries, from one pass over the nearest neighbours. */

import type { Backend, Collection, NeighborOptions } from "../../backends/backend.ts";
import type { ComparingOptions } from "../../dataset/duplicates-port.ts";
import { throwIfAborted } from "../../errors.ts";
import type { OpenIndex } from "../open-index.ts";
import { getVectors, selectIds } from "../query/fetch-vectors.ts";
import { type EntryRows, placesOf } from "./entry-rows.ts";
import { neighborhoodsOf, searchNeighbors } from "./neighbors.ts";
import { Partition } from "./partition.ts";

/** Neighbours kept in memory, of 8 bytes each, and how many of them for one entry. */
const MOST_NEIGHBORS = 16_000_000;
const FEWEST_EACH = 16;
const MOST_EACH = 64;
/** Where one entry in `n` is kept, kept ones have some multiple of `n` neighbours: lists for this many of them. */
const EACH_PER_SHARE = 4;

/** The nearest neighbours of each entry: by place, `each` of them from `place * each` on. */
interface NearestLists {
  readonly each: number;
  readonly counts: Uint32Array;
  readonly neighbors: Uint32Array;
  readonly distances: Float32Array;
}

/** A threshold and what it makes of the entries. */
export interface Threshold {
  readonly thresh: number;
  readonly partition: Partition;
}

/**
 * The threshold at which at most `wanted` entries are kept, and as near to that number as bisection comes: equal
 * distances can make several entries duplicates at once. The pairs are compared once, for the lists; each
 * threshold tried goes over the lists, and searches again only for kept entries with more neighbours than listed.
 * `wanted` is from 1 to one less than there are entries.
 */
export async function thresholdFor(
  index: OpenIndex,
  rows: EntryRows,
  wanted: number,
  options: ComparingOptions,
): Promise<Threshold | null> {
  const collection = await index.collection();
  if (collection === null) return null;
  const lists = await nearestLists(index, rows, wanted, options);
  const search = { backend: await index.backend(), collection, rows, lists, signal: options.signal };
  let low = lowest(lists, rows.ids.length - wanted);
  let high = await partitionBy(search, low, wanted);
  if (high !== null) return { thresh: low, partition: high };
  let best = Number.POSITIVE_INFINITY;
  for (let step = firstStep(lists, low); ; step *= 2) {
    throwIfAborted(options.signal);
    const thresh = Math.fround(high === null ? low + step : (low + best) / 2);
    // Entries that are not in the collection have no neighbour however far one looks.
    if (high === null && !Number.isFinite(thresh)) {
      const partition = await partitionBy(search, low, rows.ids.length);
      return partition === null ? null : { thresh: low, partition };
    }
    // No float32 number lies between any more.
    if (high !== null && (thresh <= low || thresh >= best)) return { thresh: best, partition: high };
    const partition = await partitionBy(search, thresh, wanted);
    if (partition === null) low = thresh;
    else [best, high] = [thresh, partition];
    if (partition?.kept === wanted) return { thresh, partition };
  }
}

async function nearestLists(
  index: OpenIndex,
  rows: EntryRows,
  wanted: number,
  options: ComparingOptions,
): Promise<NearestLists> {
  const size = rows.ids.length;
  const useful = Math.max(FEWEST_EACH, Math.ceil((EACH_PER_SHARE * size) / wanted));
  const fitting = Math.max(1, Math.floor(MOST_NEIGHBORS / size));
  const each = Math.min(useful, fitting, MOST_EACH, size - 1);
  const lists: NearestLists = {
    each,
    counts: new Uint32Array(size),
    neighbors: new Uint32Array(size * each),
    distances: new Float32Array(size * each),
  };
  let done = 0;
  for await (const part of neighborhoodsOf(index, rows, { k: each, signal: options.signal })) {
    part.places.forEach((place, i) => {
      const [start, end] = [part.starts[i] ?? 0, part.starts[i + 1] ?? 0];
      lists.counts[place] = end - start;
      lists.neighbors.set(part.neighbors.subarray(start, end), place * each);
      lists.distances.set(part.distances.subarray(start, end), place * each);
    });
    done += part.places.length;
    options.progress?.({ phase: "neighbors", done, total: size, failed: 0 });
  }
  return lists;
}

/** Below this fewer than `duplicates` entries have any neighbour, so no fewer can be left out. */
function lowest({ each, counts, distances }: NearestLists, duplicates: number): number {
  const nearest = Float32Array.from(counts, (count, place) =>
    count === 0 ? Number.POSITIVE_INFINITY : (distances[place * each] ?? 0),
  ).sort();
  return nearest[duplicates - 1] ?? Number.POSITIVE_INFINITY;
}

/** To the end of a middling list, or a little further. */
function firstStep({ each, counts, distances }: NearestLists, low: number): number {
  const ends = Float32Array.from(counts, (count, place) => distances[place * each + count - 1] ?? low).sort();
  const middle = ends[Math.floor(ends.length / 2)] ?? low;
  return Math.max(middle - low, 1e-6, Math.abs(low) * 1e-6);
}

interface Search {
  readonly backend: Backend;
  readonly collection: Collection;
  readonly rows: EntryRows;
  readonly lists: NearestLists;
  readonly signal: AbortSignal | undefined;
}

/** What a threshold makes of the entries, or null as soon as more than `most` are kept. */
async function partitionBy(search: Search, thresh: number, most: number): Promise<Partition | null> {
  const { lists, rows } = search;
  const partition = new Partition(rows.ids.length);
  for (let place = 0; place < rows.ids.length; place++) {
    if (partition.isDuplicate(place)) continue;
    if (partition.kept === most) return null;
    const start = place * lists.each;
    const end = firstBeyond(lists.distances, thresh, start, start + (lists.counts[place] ?? 0));
    if (end - start < lists.each) partition.take(place, lists.neighbors, lists.distances, start, end);
    else await takeAll(search, partition, place, thresh);
  }
  return partition;
}

/** All neighbours within the threshold, where the list ends before it. */
async function takeAll(search: Search, partition: Partition, place: number, thresh: number): Promise<void> {
  const { backend, collection, rows, signal } = search;
  throwIfAborted(signal);
  const batch = await getVectors(collection, [rows.ids[place] ?? ""]);
  const within = rows.isWhole ? undefined : selectIds(rows.ids);
  const wanted: NeighborOptions = { k: null, maxDistance: thresh, within, signal };
  const part = placesOf(rows, await searchNeighbors(backend, collection, batch, wanted));
  partition.take(place, part.neighbors, part.distances, 0, part.neighbors.length);
}

/** The first position from `start` on with a distance above the threshold. */
function firstBeyond(distances: Float32Array, thresh: number, start: number, end: number): number {
  let position = start;
  while (position < end && (distances[position] ?? 0) <= thresh) position++;
  return position;
}
