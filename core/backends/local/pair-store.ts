/** Pairs found from one side that wait for the other side's turn. */

/** So many pairs may wait: 100 MB. */
const MOST_PAIRS = 1 << 23;
const NONE = -1;

/** For each slot a list of neighbours with their distances, all lists in the same arrays. */
export class PairStore {
  readonly #heads: Int32Array;
  #next = new Int32Array(1024);
  #others = new Uint32Array(1024);
  #distances = new Float32Array(1024);
  #used = 0;
  #free = NONE;
  readonly #most: number;

  constructor(slots: number, most = MOST_PAIRS) {
    this.#heads = new Int32Array(slots).fill(NONE);
    this.#most = most;
  }

  /** Keeps `other` for `slot`; false if there is no more room. */
  add(slot: number, other: number, distance: number): boolean {
    let at = this.#free;
    if (at !== NONE) this.#free = this.#next[at] as number;
    else {
      if (this.#used === this.#most) return false;
      if (this.#used === this.#next.length) this.#enlarge();
      at = this.#used++;
    }
    this.#others[at] = other;
    this.#distances[at] = distance;
    this.#next[at] = this.#heads[slot] as number;
    this.#heads[slot] = at;
    return true;
  }

  /** Hands out what was kept for a slot, and forgets it. */
  take(slot: number, each: (other: number, distance: number) => void): void {
    let at = this.#heads[slot] as number;
    this.#heads[slot] = NONE;
    while (at !== NONE) {
      each(this.#others[at] as number, this.#distances[at] as number);
      const next = this.#next[at] as number;
      this.#next[at] = this.#free;
      this.#free = at;
      at = next;
    }
  }

  #enlarge(): void {
    const size = this.#next.length * 2;
    this.#next = enlarged(this.#next, new Int32Array(size));
    this.#others = enlarged(this.#others, new Uint32Array(size));
    this.#distances = enlarged(this.#distances, new Float32Array(size));
  }
}

function enlarged<Values extends Int32Array | Uint32Array | Float32Array>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}
