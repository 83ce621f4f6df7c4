/** Number columns that grow row by row: a million rows are never held as objects. */

const FIRST_ROWS = 1024;

/** `count` columns; null is NaN. */
export class NumberColumns {
  #columns: Float64Array<ArrayBuffer>[];
  #rows = 0;

  constructor(count: number) {
    this.#columns = Array.from({ length: count }, () => new Float64Array(FIRST_ROWS));
  }

  add(row: readonly unknown[]): void {
    if (this.#rows === this.#columns[0]?.length) this.#columns = this.#columns.map(doubled);
    let i = 0;
    for (const column of this.#columns) {
      const value = row[i++] ?? null;
      column[this.#rows] = value === null ? Number.NaN : Number(value);
    }
    this.#rows++;
  }

  /** Arrays of their own, as long as there are rows. */
  finish(): Float64Array<ArrayBuffer>[] {
    return this.#columns.map((column) => column.slice(0, this.#rows));
  }
}

function doubled(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
