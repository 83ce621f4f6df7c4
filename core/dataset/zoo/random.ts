/** A small seeded random generator in 32-bit integer arithmetic: the same numbers in every JavaScript engine. */

/** Draws whole numbers and choices from one seeded stream. */
export interface Random {
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** True in `percent` of 100 calls. */
  chance(percent: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** A shuffled copy. */
  shuffle<T>(list: readonly T[]): T[];
}

/** Mulberry32: 32 bits of state, a period of 2^32. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** A generator whose whole sequence follows from `seed`, a 32-bit integer. */
export function createRandom(seed: number): Random {
  const next = mulberry32(seed);
  const below = (count: number): number => Math.floor((next() / 2 ** 32) * count);
  const random: Random = {
    between: (low, high) => low + below(high - low + 1),
    chance: (percent) => below(100) < percent,
    pick: (list) => list[below(list.length)] as (typeof list)[number],
    shuffle: (list) => {
      const copy = [...list];
      for (let index = copy.length - 1; index > 0; index--) {
        const other = below(index + 1);
        const held = copy[index] as (typeof copy)[number];
        copy[index] = copy[other] as (typeof copy)[number];
        copy[other] = held;
      }
      return copy;
    },
  };
  return random;
}
