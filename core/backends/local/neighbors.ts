/** The neighbours of every entry, some entries at a time: codes find the pairs, exact distances rank them. */

import type { VectorData } from "../../matrix.ts";
import { isBinaryMetric } from "../metric.ts";
import type { JoinQuery } from "./code-join.ts";
import { JOIN_QUERIES } from "./codes.ts";
import { Crew } from "./crew.ts";
import { distancesFrom } from "./exact.ts";
import { packEntries, packHits } from "./packed.ts";
import { PairStore } from "./pair-store.ts";
import type { NeighborsAnswer } from "./protocol.ts";
import { type Hits, rank } from "./rank.ts";
import type { Resident } from "./resident.ts";
import { type Allowed, codable, codeLimits, searchResident, slotsAllowed } from "./search.ts";
import { QUERIES_PER_PASS } from "./segment.ts";
import type { Joined } from "./tasks.ts";
import type { Helpers } from "./threads.ts";

/** A part ends with the entry that reaches one of these, so that searches and aborts get in between. */
const PART_HITS = 1 << 16;
const PART_ENTRIES = 4096;
const PART_MS = 200;
/** The first entries show how many neighbours there are, so they are few. */
const FIRST_BATCH = 8;

export interface WalkOptions {
  readonly k: number | null;
  readonly maxDistance: number;
  /** Pairs that may wait for their other side. */
  readonly mostPairs?: number;
}

interface Neighborhood {
  readonly slot: number;
  readonly hits: Hits;
}

/** One walk over all entries in the order of their slots. */
export class NeighborWalk {
  readonly #k: number | null;
  readonly #maxDistance: number;
  readonly #mostPairs: number | undefined;
  /** Slots below this are done. */
  #from = 0;
  /** Done but not handed out. */
  #ready: Neighborhood[] = [];
  #batch = FIRST_BATCH;
  #version: number | undefined;
  #slots: Uint32Array = new Uint32Array(0);
  /**
   * While there is one, each pair is looked for only from its earlier slot, and kept here for the later one.
   * Without it, for the k nearest and after a write in between, each entry is compared with all.
   */
  #pairs: PairStore | undefined;

  constructor({ k, maxDistance, mostPairs }: WalkOptions) {
    this.#mostPairs = mostPairs;
    this.#k = k;
    this.#maxDistance = maxDistance;
  }

  /** The next entries with their neighbours. */
  next(resident: Resident, allowed: Allowed, helpers?: Helpers): NeighborsAnswer {
    const end = performance.now() + PART_MS;
    resident.encodeMore();
    this.#follow(resident, allowed);
    const step = this.#coded(resident) ? this.#joinBatch : this.#searchBatch;
    const crew = new Crew(resident, helpers);
    let hits = this.#ready.reduce((sum, { hits }) => sum + hits.slots.length, 0);
    while (this.#left > 0 && hits < PART_HITS && this.#ready.length < PART_ENTRIES) {
      hits += step.call(this, resident, allowed, crew);
      if (performance.now() > end) break;
    }
    return this.#answer(resident);
  }

  get #left(): number {
    return this.#slots.length - lowerBound(this.#slots, this.#from);
  }

  /** Takes note of writes since the last part. */
  #follow(resident: Resident, allowed: Allowed): void {
    if (this.#version === resident.version) return;
    // What is not handed out yet may name entries that are gone.
    this.#from = this.#ready[0]?.slot ?? this.#from;
    this.#ready = [];
    const fresh = this.#version === undefined && this.#k === null;
    this.#pairs = fresh ? new PairStore(resident.slots, this.#mostPairs) : undefined;
    this.#version = resident.version;
    this.#slots = slotsAllowed(allowed, resident);
  }

  #coded(resident: Resident): boolean {
    return resident.encoded && codable(resident, resident.maximumNorm);
  }

  /** Entries by a pass over the codes for each thread; gives the number of their neighbours. */
  #joinBatch(resident: Resident, allowed: Allowed, crew: Crew): number {
    const start = lowerBound(this.#slots, this.#from);
    const mask = allowed.slots === undefined ? allowed.mask : maskOf(allowed.slots, resident.slots);
    const parts = Array.from({ length: crew.threads }, (_, i) => {
      const first = start + i * this.#batch;
      const slots = this.#slots.subarray(first, first + this.#batch);
      const queries = Array.from(slots, (slot): JoinQuery => {
        const norm = resident.norms[slot] as number;
        return { slot, ...codeLimits(resident, norm, this.#maxDistance) };
      });
      const { norms } = resident;
      return { queries, k: this.#k, norms, later: this.#pairs !== undefined, mask, to: resident.slots };
    }).filter(({ queries }) => queries.length > 0);
    const joined = crew.join(parts).flat();
    const slots = this.#slots.subarray(start, start + joined.length);
    let hits = 0;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const found = this.#exact(resident, crew, slot, joined[i] as Joined);
      hits += this.#finish(resident, slot, found);
      // Without its pairs the rest of the batch is half done: it is done again, against all.
      if (!this.#keep(slot, found)) break;
    }
    this.#adapt(hits);
    return hits;
  }

  /** Entries by one search each, where there are no codes; gives the number of their neighbours. */
  #searchBatch(resident: Resident, allowed: Allowed): number {
    this.#pairs = undefined;
    const start = lowerBound(this.#slots, this.#from);
    const slots = this.#slots.subarray(start, start + Math.min(this.#batch, QUERIES_PER_PASS));
    const queries = Array.from(slots, (slot) => vectorOf(resident, slot));
    // One more, because each entry finds itself, unless many others are as near.
    const k = this.#k === null ? null : this.#k + 1;
    const options = { k, reverse: false, maxDistance: this.#maxDistance };
    let hits = 0;
    searchResident(resident, queries, allowed, options).forEach((found, i) => {
      hits += this.#finish(resident, slots[i] as number, found);
    });
    this.#adapt(hits);
    return hits;
  }

  /** Possible neighbours with their distances. */
  #exact(resident: Resident, crew: Crew, slot: number, { slots, values }: Joined): Hits {
    const { metric } = resident.layout;
    const limit = Math.fround(this.#maxDistance);
    const exact = values ?? crew.values(bytesOf(resident, slot), slots);
    const norm = resident.norms[slot] as number;
    const distances = distancesFrom(metric, exact, norm, resident.norms, slots);
    if (this.#k !== null) return { slots, distances };
    const near = Uint32Array.from(slots.keys()).filter((i) => (distances[i] as number) <= limit);
    return {
      slots: near.map((i) => slots[i] as number),
      distances: Float32Array.from(near, (i) => distances[i] as number),
    };
  }

  /** Keeps an entry's pairs for their other sides; false if there is no room, and none are kept any more. */
  #keep(slot: number, { slots, distances }: Hits): boolean {
    const pairs = this.#pairs;
    if (pairs === undefined) return true;
    if (slots.every((other, i) => pairs.add(other, slot, distances[i] as number))) return true;
    this.#pairs = undefined;
    return false;
  }

  /** Ranks what was found for an entry together with what was kept for it; gives their number. */
  #finish(resident: Resident, slot: number, found: Hits): number {
    const slots: number[] = [];
    const distances: number[] = [];
    const take = (other: number, distance: number): void => {
      if (other === slot) return;
      slots.push(other);
      distances.push(distance);
    };
    found.slots.forEach((other, i) => {
      take(other, found.distances[i] as number);
    });
    this.#pairs?.take(slot, take);
    const all = { slots: Uint32Array.from(slots), distances: Float32Array.from(distances) };
    const options = { k: this.#k, reverse: false, maxDistance: this.#maxDistance };
    // Pairs come in the order they were found, not in that of slots: ties are put in order by ids.
    const hits = rank(all, { ids: resident.ids }, options);
    this.#ready.push({ slot, hits });
    this.#from = slot + 1;
    return hits.slots.length;
  }

  #adapt(hits: number): void {
    if (hits > PART_HITS) this.#batch = Math.max(1, this.#batch >> 1);
    else if (hits < PART_HITS / 4) this.#batch = Math.min(JOIN_QUERIES, this.#batch * 2);
  }

  #answer(resident: Resident): NeighborsAnswer {
    let [count, hits] = [0, 0];
    while (count < this.#ready.length && (count === 0 || hits < PART_HITS)) {
      hits += this.#ready[count]?.hits.slots.length ?? 0;
      count++;
    }
    const part = this.#ready.splice(0, count);
    const all: Hits = { slots: new Uint32Array(hits), distances: new Float32Array(hits) };
    const starts = new Uint32Array(count + 1);
    part.forEach(({ hits: { slots, distances } }, i) => {
      const at = starts[i] as number;
      all.slots.set(slots, at);
      all.distances.set(distances, at);
      starts[i + 1] = at + slots.length;
    });
    const slots = part.map(({ slot }) => slot);
    return {
      entries: packEntries(resident, slots),
      starts,
      neighbors: packHits(resident, all),
      done: this.#ready.length === 0 && this.#left === 0,
    };
  }
}

/** The position of the first value that is not below `least`, in ascending values. */
function lowerBound(values: Uint32Array, least: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function maskOf(slots: Uint32Array, length: number): Uint8Array {
  const mask = new Uint8Array(length);
  for (const slot of slots) mask[slot] = 1;
  return mask;
}

function bytesOf(resident: Resident, slot: number): Uint8Array {
  return resident.fileRows === undefined ? resident.row(slot) : resident.fileRows.row(slot);
}

function vectorOf(resident: Resident, slot: number): VectorData {
  const bytes = bytesOf(resident, slot).slice();
  return isBinaryMetric(resident.layout.metric) ? bytes : new Float32Array(bytes.buffer);
}
