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
/** Up to so many equal distances are put in order one by one. */
const FEW_TIES = 16;
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** The first `k` of `hits`, nearest first or farthest first, without those beyond `maxDistance`. */
export function rank(hits: Hits, ids: readonly (string | null)[], options: RankOptions): Hits {
  const near = past(within(hits, options.maxDistance), ids, options);
  const sorted = near.slots.length < WORTH_RADIX ? compared(near, options) : counted(near, options);
  orderTies(sorted, ids);
  const count = Math.min(options.k ?? sorted.slots.length, sorted.slots.length);
  return { slots: sorted.slots.slice(0, count), distances: sorted.distances.slice(0, count) };
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

/** Hits in order of distance, by comparing. */
function compared({ slots, distances }: Hits, { reverse }: RankOptions): Hits {
  const keys = orderedKeys(distances, reverse);
  const order = Uint32Array.from(keys.keys()).sort((a, b) => (keys[a] as number) - (keys[b] as number));
  return {
    slots: order.map((position) => slots[position] as number),
    distances: Float32Array.from(order, (position) => distances[position] as number),
  };
}

/** The same by radix sort: linear, where comparing is slow at a million. */
function counted(hits: Hits, { reverse }: RankOptions): Hits {
  const { length } = hits.slots;
  let keys = orderedKeys(hits.distances, reverse);
  let slots: Uint32Array = hits.slots.slice();
  let otherKeys = new Uint32Array(length);
  let otherSlots: Uint32Array = new Uint32Array(length);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    const starts = digitStarts(keys, shift);
    // Keys and slots move together, so that all reading is in order.
    for (let i = 0; i < length; i++) {
      const key = keys[i] as number;
      const value = (key >>> shift) & (DIGITS - 1);
      const to = starts[value] as number;
      starts[value] = to + 1;
      otherKeys[to] = key;
      otherSlots[to] = slots[i] as number;
    }
    [keys, otherKeys] = [otherKeys, keys];
    [slots, otherSlots] = [otherSlots, slots];
  }
  for (let i = 0; i < length; i++) keys[i] = flipped(keys[i] as number, reverse, true);
  return { slots, distances: new Float32Array(keys.buffer, 0, length) };
}

/** Where the keys with each value of a digit start in their order. */
function digitStarts(keys: Uint32Array, shift: number): Uint32Array {
  const starts = new Uint32Array(DIGITS);
  for (let i = 0; i < keys.length; i++) {
    const value = ((keys[i] as number) >>> shift) & (DIGITS - 1);
    starts[value] = (starts[value] as number) + 1;
  }
  let start = 0;
  for (let value = 0; value < DIGITS; value++) {
    const size = starts[value] as number;
    starts[value] = start;
    start += size;
  }
  return starts;
}

/** Float32 bits as integers of the same order. */
function orderedKeys(distances: Float32Array, reverse: boolean): Uint32Array<ArrayBuffer> {
  const keys = new Uint32Array(distances.length);
  const bits = new Uint32Array(distances.buffer, distances.byteOffset, distances.length);
  for (let i = 0; i < bits.length; i++) keys[i] = flipped(bits[i] as number, reverse, false);
  return keys;
}

/** Bits of a float32 as an ordered key, or `back`: negative numbers are flipped whole, others in their sign. */
function flipped(bits: number, reverse: boolean, back: boolean): number {
  const value = back && reverse ? ~bits : bits;
  const key = value >>> 31 === (back ? 0 : 1) ? ~value : value ^ 0x80000000;
  return reverse && !back ? ~key : key;
}

/** Brings runs of equal distances into the order of their ids, compared by code units. */
function orderTies({ slots, distances }: Hits, ids: readonly (string | null)[]): void {
  for (let start = 0; start < slots.length; ) {
    const distance = distances[start];
    let end = start + 1;
    while (end < slots.length && distances[end] === distance) end++;
    if (end - start > FEW_TIES) {
      slots.subarray(start, end).sort((a, b) => (isBefore(ids, a, b) ? -1 : isBefore(ids, b, a) ? 1 : 0));
    } else if (end - start > 1) insertionSort(slots, start, end, ids);
    start = end;
  }
}

/** Most ties are of a few hits, which often are in order already. */
function insertionSort(
  slots: Uint32Array,
  start: number,
  end: number,
  ids: readonly (string | null)[],
): void {
  for (let i = start + 1; i < end; i++) {
    const slot = slots[i] as number;
    let to = i;
    for (; to > start && isBefore(ids, slot, slots[to - 1] as number); to--)
      slots[to] = slots[to - 1] as number;
    slots[to] = slot;
  }
}

function isBefore(ids: readonly (string | null)[], a: number, b: number): boolean {
  return (ids[a] ?? "") < (ids[b] ?? "");
}
