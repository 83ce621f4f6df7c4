/** Sorts hits by distance, ties by id, and cuts them to k. */

/** Slots with their distances, in order. */
export interface Hits {
  readonly slots: Uint32Array;
  readonly distances: Float32Array;
}

export interface RankOptions {
  readonly k: number | null;
  readonly reverse: boolean;
  readonly maxDistance: number;
  /** Leaves out the hits up to this one. */
  readonly after?: { readonly distance: number; readonly id: string } | undefined;
}

/** Below this, comparing is faster than counting digits. */
const WORTH_RADIX = 512;
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** The first `k` of `hits`, nearest first or farthest first, without those beyond `maxDistance`. */
export function rank(hits: Hits, ids: readonly (string | null)[], options: RankOptions): Hits {
  const near = past(within(hits, options.maxDistance), ids, options);
  const order = sortOrder(near.distances, options.reverse);
  orderTies(order, near, ids);
  const count = Math.min(options.k ?? order.length, order.length);
  const slots = new Uint32Array(count);
  const distances = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    slots[i] = near.slots[order[i] as number] as number;
    distances[i] = near.distances[order[i] as number] as number;
  }
  return { slots, distances };
}

function within(hits: Hits, maxDistance: number): Hits {
  if (maxDistance === Number.POSITIVE_INFINITY) return hits;
  // Compared in float32, so that a distance read from an earlier answer includes its own entry.
  const limit = Math.fround(maxDistance);
  const slots = hits.slots.filter((_, i) => (hits.distances[i] as number) <= limit);
  return { slots, distances: hits.distances.filter((distance) => distance <= limit) };
}

/** The hits that come after a given one. */
function past(hits: Hits, ids: readonly (string | null)[], { after, reverse }: RankOptions): Hits {
  if (after === undefined) return hits;
  const keep = Uint32Array.from(hits.slots.keys()).filter((i) => {
    const distance = hits.distances[i] as number;
    if (distance !== after.distance) return reverse ? distance < after.distance : distance > after.distance;
    return (ids[hits.slots[i] as number] ?? "") > after.id;
  });
  return {
    slots: keep.map((i) => hits.slots[i] as number),
    distances: Float32Array.from(keep, (i) => hits.distances[i] as number),
  };
}

/** Positions in ascending (or descending) order, by radix sort: linear, where comparing is slow at a million. */
function sortOrder(distances: Float32Array, reverse: boolean): Uint32Array {
  const count = distances.length;
  const keys = orderedKeys(distances, reverse);
  if (count < WORTH_RADIX) {
    return Uint32Array.from(distances.keys()).sort((a, b) => (keys[a] as number) - (keys[b] as number));
  }
  let from = new Uint32Array(count);
  let order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  const starts = new Uint32Array(DIGITS);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    [from, order] = [order, from];
    starts.fill(0);
    for (let i = 0; i < count; i++) takeOne(starts, digit(keys[i] as number, shift));
    let start = 0;
    for (let value = 0; value < DIGITS; value++) {
      const size = starts[value] as number;
      starts[value] = start;
      start += size;
    }
    for (let i = 0; i < count; i++) {
      const position = from[i] as number;
      order[takeOne(starts, digit(keys[position] as number, shift))] = position;
    }
  }
  return order;
}

function digit(key: number, shift: number): number {
  return (key >>> shift) & (DIGITS - 1);
}

/** Adds one to a counter and gives what it was. */
function takeOne(counters: Uint32Array, at: number): number {
  const value = counters[at] as number;
  counters[at] = value + 1;
  return value;
}

/** Float32 bits as integers of the same order: negative numbers flipped whole, others in their sign. */
function orderedKeys(distances: Float32Array, reverse: boolean): Uint32Array {
  const bits = new Uint32Array(distances.buffer, distances.byteOffset, distances.length);
  return bits.map((value) => {
    const key = value >>> 31 === 1 ? ~value : value ^ 0x80000000;
    return reverse ? ~key : key;
  });
}

/** Brings runs of equal distances into the order of their ids, compared by code units. */
function orderTies(order: Uint32Array, hits: Hits, ids: readonly (string | null)[]): void {
  const idAt = (position: number) => ids[hits.slots[position] as number] ?? "";
  for (let start = 0; start < order.length; ) {
    const distance = hits.distances[order[start] as number];
    let end = start + 1;
    while (end < order.length && hits.distances[order[end] as number] === distance) end++;
    if (end - start > 1) {
      order.subarray(start, end).sort((a, b) => {
        const [left, right] = [idAt(a), idAt(b)];
        return left < right ? -1 : left > right ? 1 : 0;
      });
    }
    start = end;
  }
}
