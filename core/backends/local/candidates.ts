/** Collects the rows that may be among the k nearest, from distances that are only nearly right. */

/** How far a key may lie from the true one: `absolute + relative * |key|`. */
export interface KeyError {
  readonly absolute: number;
  readonly relative: number;
}

/**
 * Holds every slot whose true key can be among the `k` smallest, and few others: the threshold follows the
 * k-th smallest key seen, widened by the error on both sides, so that ranking the rest exactly loses nothing.
 */
export class Candidates {
  readonly #k: number;
  readonly #error: KeyError;
  #keys: Float32Array;
  #slots: Uint32Array;
  #count = 0;
  #limit: number;

  /** Keys above `limit` are never wanted. */
  constructor(k: number, error: KeyError, limit: number) {
    this.#k = k;
    this.#error = error;
    this.#limit = limit;
    const capacity = Math.max(1024, 4 * k);
    this.#keys = new Float32Array(capacity);
    this.#slots = new Uint32Array(capacity);
  }

  /** Offers the keys of the slots from `first` on; only those with a 1 in `allowed` count. */
  add(keys: Float32Array, first: number, allowed: Uint8Array): void {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      if (!(key <= this.#limit) || allowed[first + i] !== 1) continue;
      if (this.#count === this.#keys.length) {
        this.#shrink();
        if (!(key <= this.#limit)) continue;
      }
      this.#keys[this.#count] = key;
      this.#slots[this.#count++] = first + i;
    }
  }

  /** The slots left, in no useful order. */
  finish(): Uint32Array {
    if (this.#count > this.#k) this.#shrink();
    return this.#slots.slice(0, this.#count);
  }

  #shrink(): void {
    const sorted = this.#keys.slice(0, this.#count).sort();
    const last = sorted[this.#k - 1] ?? Number.POSITIVE_INFINITY;
    const slack = 3 * (this.#error.absolute + this.#error.relative * Math.abs(last));
    this.#limit = Math.min(this.#limit, last + slack);
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      const key = this.#keys[i] as number;
      if (key > this.#limit) continue;
      this.#keys[kept] = key;
      this.#slots[kept++] = this.#slots[i] as number;
    }
    this.#count = kept;
    if (kept > this.#keys.length / 2) this.#enlarge();
  }

  // Many rows as near as the k-th one, doubles of each other for example, all have to be kept.
  #enlarge(): void {
    const keys = new Float32Array(this.#keys.length * 2);
    const slots = new Uint32Array(this.#slots.length * 2);
    keys.set(this.#keys);
    slots.set(this.#slots);
    this.#keys = keys;
    this.#slots = slots;
  }
}
