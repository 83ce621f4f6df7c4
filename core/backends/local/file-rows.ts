/** Exact distances to rows that are read from the file, for an index whose rows are not in memory. */

import { exactValues, type RowView } from "./exact.ts";
import type { IndexFile } from "./file.ts";
import { type Header, rowBytes } from "./header.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { type Layout, layoutOf, Segment } from "./segment.ts";

/** Reads blocks into one piece of kernel memory, one at a time. */
export class FileRows {
  readonly #layout: Layout;
  readonly #segment: Segment;
  #file: IndexFile | undefined;
  #header: Header;

  constructor(kernel: Kernel, header: Header) {
    const layout = layoutOf(kernel, header.metric, rowBytes(header), header.rowsPerBlock);
    this.#layout = { ...layout, rowsPerSegment: header.rowsPerBlock };
    this.#segment = new Segment(kernel, this.#layout);
    this.#segment.grow(header.rowsPerBlock);
    this.#header = header;
  }

  /** The file in the state that `values` is to read; it must be called while the file is being read. */
  use(file: IndexFile, header: Header): void {
    this.#file = file;
    this.#header = header;
  }

  /** As `exactValues`; reads each block that holds one of the slots once. */
  values(vector: Uint8Array, slots: Uint32Array): Float64Array {
    const { rowsPerBlock } = this.#header;
    const order = Uint32Array.from(slots.keys()).sort((a, b) => (slots[a] ?? 0) - (slots[b] ?? 0));
    const values = new Float64Array(slots.length);
    const view: RowView = { layout: this.#layout, memories: [this.#segment.memory], thread: 0 };
    for (let start = 0; start < order.length; ) {
      const block = Math.floor((slots[order[start] ?? 0] ?? 0) / rowsPerBlock);
      let end = start;
      while (end < order.length && (slots[order[end] ?? 0] ?? 0) < (block + 1) * rowsPerBlock) end++;
      this.#load(block);
      const positions = order.subarray(start, end);
      const rows = Uint32Array.from(positions, (position) => (slots[position] ?? 0) - block * rowsPerBlock);
      exactValues(view, vector, rows).forEach((value, i) => {
        values[positions[i] ?? 0] = value;
      });
      start = end;
    }
    return values;
  }

  /** The vector of a slot, as its bytes, copied. */
  row(slot: number): Uint8Array {
    this.#load(Math.floor(slot / this.#header.rowsPerBlock));
    return this.#segment.row(slot % this.#header.rowsPerBlock).slice();
  }

  #load(block: number): void {
    const { rowsPerBlock, slots } = this.#header;
    const rows = Math.min(rowsPerBlock, slots - block * rowsPerBlock);
    if (this.#file === undefined) throw new Error(`Block ${block} cannot be read now`);
    this.#segment.setRows(0, this.#file.vectors(block, this.#header, rows));
  }
}
