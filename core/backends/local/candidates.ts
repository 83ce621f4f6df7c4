/** Collects the rows that may be among the k nearest, from keys that are only nearly right. */

/**
 * Holds every slot whose true key can be among the `k` smallest, and few others. Each key is given as the bounds
 * it lies between: k rows have keys of at most the k-th smallest upper bound, so a row whose lower bound is
 * above that one cannot be wanted.
 */
export class Candidates {
  readonly #k: number;
  readonly #margin: number;
  #lower: Float32Array;
  #upper: Float32Array;
  #slots: Uint32Array;
  #count = 0;
  /** Kept when the limit was last brought up to date. */
  #settled = 0;
  #limit: number;

  /** Lower bounds above `limit` are never wanted; `margin` is added to what the k-th key allows. */
  constructor(k: number, limit: number, margin = 0) {
    this.#k = k;
    this.#margin = margin;
    this.#limit = limit;
    const capacity = Math.max(1024, 4 * k);
    this.#lower = new Float32Array(capacity);
    this.#upper = new Float32Array(capacity);
    this.#slots = new Uint32Array(capacity);
  }

  /** The largest lower bound that is still of use. */
  get limit(): number {
    return this.#limit;
  }

  /** Offers a slot whose key lies between `lower` and `upper`. */
  offer(slot: number, lower: number, upper: number): void {
    if (!(lower <= this.#limit)) return;
    if (this.#count === this.#slots.length) {
      this.tighten();
      if (!(lower <= this.#limit)) return;
    }
    this.#lower[this.#count] = lower;
    this.#upper[this.#count] = upper;
    this.#slots[this.#count++] = slot;
  }

  /** Tightens once so many have come in that sorting them pays. */
  settle(): void {
    if (this.#count - this.#settled > Math.max(128, this.#k)) this.tighten();
  }

  /** Lowers the limit to what the keys seen so far allow, and lets go of what lies above. */
  tighten(): void {
    if (this.#count <= this.#k) return;
    const last = nthSmallest(this.#upper.slice(0, this.#count), this.#k - 1);
    this.#limit = Math.min(this.#limit, last + this.#margin);
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      const lower = this.#lower[i] as number;
      if (lower > this.#limit) continue;
      this.#lower[kept] = lower;
      this.#upper[kept] = this.#upper[i] as number;
      this.#slots[kept++] = this.#slots[i] as number;
    }
    this.#count = kept;
    this.#settled = kept;
    if (kept > this.#slots.length / 2) this.#enlarge();
  }

  /** What is left, in no useful order. */
  finish(): Bounded {
    this.tighten();
    return {
      slots: this.#slots.slice(0, this.#count),
      lower: this.#lower.slice(0, this.#count),
      upper: this.#upper.slice(0, this.#count),
    };
  }

  // Many rows as near as the k-th one, doubles of each other for example, all have to be kept.
  #enlarge(): void {
    this.#lower = enlarged(this.#lower, new Float32Array(this.#lower.length * 2));
    this.#upper = enlarged(this.#upper, new Float32Array(this.#upper.length * 2));
    this.#slots = enlarged(this.#slots, new Uint32Array(this.#slots.length * 2));
  }
}

/** Slots with bounds on their keys. */
export interface Bounded {
  readonly slots: Uint32Array;
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

/** The value that sorting would put at position `n`; reorders the values. Linear, where sorting is not. */
export function nthSmallest(values: Float32Array, n: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1] as number;
    let [left, right] = [low, high];
    while (left <= right) {
      while ((values[left] as number) < pivot) left++;
      while ((values[right] as number) > pivot) right--;
      if (left > right) break;
      const value = values[left] as number;
      values[left++] = values[right] as number;
      values[right--] = value;
    }
    if (n <= right) high = right;
    else if (n >= left) low = left;
    else break;
  }
  return values[n] as number;
}

function enlarged<Values extends Float32Array | Uint32Array>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}
