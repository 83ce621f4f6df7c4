/** Sorts hits by distance, ties by id, and cuts them to k; parts may be sorted by threads of their own. */

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

/** The ids of slots. */
export interface RankNames {
  readonly ids: readonly (string | null)[];
  /** True where the later of two slots has the larger id: ties are in order then while slots are. */
  readonly ascending?: boolean;
}

/** Below this, comparing is faster than counting digits. */
const WORTH_RADIX = 512;
/** Up to so many equal distances are put in order one by one. */
const FEW_TIES = 16;
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** The first `k` of `hits`, nearest first or farthest first, without those beyond `maxDistance`. */
export function rank(hits: Hits, names: RankNames, options: RankOptions): Hits {
  return rankSorted([sortHits(hits, options)], names, options);
}

/** The same of parts that `sortHits` has sorted, whose slots follow each other. */
export function rankSorted(parts: readonly Hits[], names: RankNames, options: RankOptions): Hits {
  const sorted = past(
    parts.reduce((first, second) => merged(first, second, options)),
    names.ids,
    options,
  );
  if (names.ascending !== true) orderTies(sorted, names.ids);
  const { slots, distances } = sorted;
  const { k } = options;
  if (k === null || k >= slots.length) return sorted;
  return { slots: slots.slice(0, k), distances: distances.slice(0, k) };
}

/** Hits in new arrays in order of distance, equal ones as they were, without those beyond `maxDistance`. */
export function sortHits(hits: Hits, options: Pick<RankOptions, "reverse" | "maxDistance">): Hits {
  const near = within(hits, options.maxDistance);
  return near.slots.length < WORTH_RADIX ? compared(near, options) : counted(near, options);
}

/** Two sorted parts as one; of equal distances those of the first part come first. */
function merged(first: Hits, second: Hits, { reverse }: Pick<RankOptions, "reverse">): Hits {
  const [size, otherSize] = [first.slots.length, second.slots.length];
  const slots = new Uint32Array(size + otherSize);
  const distances = new Float32Array(size + otherSize);
  const sign = reverse ? -1 : 1;
  let at = 0;
  let other = 0;
  for (; at < size && other < otherSize; ) {
    const own = first.distances[at] as number;
    const next = second.distances[other] as number;
    const to = at + other;
    const takesOther = sign * next < sign * own;
    distances[to] = takesOther ? next : own;
    slots[to] = (takesOther ? second.slots[other++] : first.slots[at++]) as number;
  }
  const [rest, from] = at < size ? [first, at] : [second, other];
  slots.set(rest.slots.subarray(from), at + other);
  distances.set(rest.distances.subarray(from), at + other);
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

/** Hits in order of distance, by comparing. */
function compared({ slots, distances }: Hits, { reverse }: Pick<RankOptions, "reverse">): Hits {
  const keys = orderedKeys(distances, reverse);
  const order = Uint32Array.from(keys.keys()).sort((a, b) => (keys[a] as number) - (keys[b] as number));
  return {
    slots: order.map((position) => slots[position] as number),
    distances: Float32Array.from(order, (position) => distances[position] as number),
  };
}

/** The same by radix sort: linear, where comparing is slow at a million. */
function counted(hits: Hits, { reverse }: Pick<RankOptions, "reverse">): Hits {
  const { length } = hits.slots;
  let keys = orderedKeys(hits.distances, reverse);
  let slots: Uint32Array = hits.slots.slice();
  let otherKeys = new Uint32Array(length);
  let otherSlots: Uint32Array = new Uint32Array(length);
  for (const [digit, starts] of digitStarts(keys).entries()) {
    const shift = digit * DIGIT_BITS;
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

/** For each digit, where the keys with each of its values start in their order. */
function digitStarts(keys: Uint32Array): readonly Uint32Array[] {
  const counts = new Uint32Array(3 * DIGITS);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    const low = key & (DIGITS - 1);
    const middle = DIGITS + ((key >>> DIGIT_BITS) & (DIGITS - 1));
    const high = 2 * DIGITS + (key >>> (2 * DIGIT_BITS));
    counts[low] = (counts[low] as number) + 1;
    counts[middle] = (counts[middle] as number) + 1;
    counts[high] = (counts[high] as number) + 1;
  }
  return [0, 1, 2].map((digit) => startsOf(counts.subarray(digit * DIGITS, (digit + 1) * DIGITS)));
}

/** Turns how many there are of each value into where they start, in place. */
function startsOf(counts: Uint32Array): Uint32Array {
  let start = 0;
  for (let value = 0; value < counts.length; value++) {
    const count = counts[value] as number;
    counts[value] = start;
    start += count;
  }
  return counts;
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
