/** Finds the duplicates within a threshold, in memory that grows with the entries and not with the pairs. */

import type { Batch, Collection, NeighborOptions } from "../../backends/backend.ts";
import { takeBatch } from "../../backends/parts.ts";
import type { ComparingOptions } from "../../dataset/duplicates-port.ts";
import { throwIfAborted } from "../../errors.ts";
import type { OpenIndex } from "../open-index.ts";
import { getVectors, selectIds } from "../query/fetch-vectors.ts";
import { type EntryRows, type PlacedNeighborhoods, placesOf } from "./entry-rows.ts";
import { neighborhoodsOf, searchNeighbors } from "./neighbors.ts";
import { Partition } from "./partition.ts";

/** Entries searched for in one call where each may spare searches for the next. */
const SEARCHES_AT_ONCE = 16;

/** Entries whose vectors are read at a time. */
const ENTRIES_PER_READ = 1_000;

/** Neighbours that may wait for their turn, of 8 bytes each. */
const MOST_WAITING = 16_000_000;

/** Where entries have more neighbours than this on average, searching for the kept ones alone is less work. */
const DENSE = 200;
const DENSE_AFTER = 1_000_000;

/**
 * Goes through the rows in order, keeps each that no kept one has within `thresh`, and gives the others to the
 * kept one nearest to them. FiftyOne's greedy choice; see `docs/duplicates.md`.
 */
export async function partitionWithin(
  index: OpenIndex,
  rows: EntryRows,
  thresh: number,
  options: ComparingOptions,
): Promise<Partition> {
  const partition = new Partition(rows.ids.length);
  const collection = await index.collection();
  if (collection !== null) {
    const decided =
      collection.neighbors === undefined ? 0 : await takeStream(index, rows, thresh, partition, options);
    await takeSearches(index, collection, rows, thresh, partition, decided, options);
  }
  partition.keepRest();
  options.progress?.(progressOf(rows.ids.length, rows));
  return partition;
}

/**
 * Takes the neighbours as the backend gives them. Those that come before their turn wait; where too many would,
 * or entries have very many neighbours, it ends early. Returns the place before which all is decided.
 */
async function takeStream(
  index: OpenIndex,
  rows: EntryRows,
  thresh: number,
  partition: Partition,
  options: ComparingOptions,
): Promise<number> {
  const queue = new Queue(partition);
  let seen = 0;
  let entries = 0;
  const wanted = { k: null, maxDistance: thresh, signal: options.signal };
  for await (const part of neighborhoodsOf(index, rows, wanted)) {
    queue.add(part);
    seen += part.neighbors.length;
    entries += part.places.length;
    options.progress?.(progressOf(entries, rows));
    if (queue.waiting > MOST_WAITING || (seen > DENSE_AFTER && seen > DENSE * entries)) return queue.next;
  }
  return queue.finish();
}

/** Searches in order for each entry that is no duplicate yet, from place `start` on. */
async function takeSearches(
  index: OpenIndex,
  collection: Collection,
  rows: EntryRows,
  thresh: number,
  partition: Partition,
  start: number,
  options: ComparingOptions,
): Promise<void> {
  if (start >= rows.ids.length) return;
  const backend = await index.backend();
  const within = rows.isWhole ? undefined : selectIds(rows.ids);
  const wanted: NeighborOptions = { k: null, maxDistance: thresh, within, signal: options.signal };
  for (let first = start; first < rows.ids.length; first += ENTRIES_PER_READ) {
    // In the order of the rows, which decides who is kept, and not in that of the backend.
    const batch = await getVectors(collection, rows.ids.slice(first, first + ENTRIES_PER_READ));
    for (const open of openParts(batch, rows, partition)) {
      throwIfAborted(options.signal);
      const part = placesOf(rows, await searchNeighbors(backend, collection, open, wanted));
      part.places.forEach((place, i) => {
        partition.take(place, part.neighbors, part.distances, part.starts[i] ?? 0, part.starts[i + 1] ?? 0);
      });
      options.progress?.(progressOf(part.places.at(-1) ?? 0, rows));
    }
  }
}

/** Entries of a batch in small parts, each without those that the parts before have made duplicates. */
function* openParts(batch: Batch, rows: EntryRows, partition: Partition): Generator<Batch> {
  let open: number[] = [];
  for (let i = 0; i < batch.ids.length; i++) {
    const place = rows.places.get(batch.ids[i] ?? "");
    if (place !== undefined && !partition.isDuplicate(place)) open.push(i);
    if (open.length === 0 || (open.length < SEARCHES_AT_ONCE && i < batch.ids.length - 1)) continue;
    yield takeBatch(batch, open);
    open = [];
  }
}

/** Neighbours that came before it was their entry's turn. */
class Queue {
  /** Place before which all entries are decided. */
  next = 0;
  /** Neighbours that wait. */
  waiting = 0;
  readonly #partition: Partition;
  readonly #arrived: Uint8Array;
  readonly #held = new Map<number, { neighbors: Uint32Array; distances: Float32Array }>();

  constructor(partition: Partition) {
    this.#partition = partition;
    this.#arrived = new Uint8Array(partition.nearest.length);
  }

  add({ places, starts, neighbors, distances }: PlacedNeighborhoods): void {
    places.forEach((place, i) => {
      const [start, end] = [starts[i] ?? 0, starts[i + 1] ?? 0];
      this.#arrived[place] = 1;
      if (place === this.next) {
        this.#partition.take(place, neighbors, distances, start, end);
        this.next++;
        this.#advance();
      } else if (end > start && !this.#partition.isDuplicate(place)) {
        this.#held.set(place, {
          neighbors: neighbors.slice(start, end),
          distances: distances.slice(start, end),
        });
        this.waiting += end - start;
      }
    });
  }

  /** Decides the rest: an entry that never came is not in the collection and has no neighbours. */
  finish(): number {
    this.#arrived.fill(1);
    this.#advance();
    return this.next;
  }

  #advance(): void {
    while (this.#arrived[this.next] === 1) {
      const { neighbors, distances } = this.#held.get(this.next) ?? NOTHING_HELD;
      this.#held.delete(this.next);
      this.waiting -= neighbors.length;
      this.#partition.take(this.next, neighbors, distances, 0, neighbors.length);
      this.next++;
    }
  }
}

const NOTHING_HELD = { neighbors: new Uint32Array(0), distances: new Float32Array(0) };

function progressOf(done: number, { ids }: EntryRows) {
  return { phase: "neighbors", done, total: ids.length, failed: 0 };
}
