/** A collection's vectors and ids in memory, kept in step with its file. */

import { NearsightError } from "../../errors.ts";
import { isBinaryMetric } from "../metric.ts";
import { type Codes, newCodes } from "./codes.ts";
import type { RowView } from "./exact.ts";
import type { Block, IndexFile } from "./file.ts";
import { FileRows } from "./file-rows.ts";
import { type Header, rowBytes } from "./header.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { type Layout, layoutOf, Segment } from "./segment.ts";

/** Rows that are encoded at once with a write, instead of when there is nothing else to do. */
const FEW_ROWS = 4096;

/** The matrix over all slots, in segments, and what belongs to each slot. */
export class Resident {
  /** Tells it from every other, those made for the same collection before or after included. */
  readonly serial = next++;
  readonly layout: Layout;
  /** Empty where the rows stay in the file. */
  readonly segments: Segment[] = [];
  /** The rows rounded to 8 bits; undefined for binary vectors and kernels without them. */
  codes: Codes | undefined;
  /** Reads rows while the file is being read; undefined where the rows are in memory. */
  readonly fileRows: FileRows | undefined;
  readonly ids: (string | null)[] = [];
  readonly sampleIds: string[] = [];
  /** 1 where a slot holds an entry. */
  live = new Uint8Array(0);
  /** Lengths of the vectors, shared with search threads, and their inverses; empty for binary vectors. */
  norms: Float64Array = new Float64Array(0);
  inverseNorms = new Float32Array(0);
  /** Bounds on the lengths of all vectors ever loaded, those of zeros aside. */
  minimumNorm = Number.POSITIVE_INFINITY;
  maximumNorm = 0;
  /** The state of the file that is held here. */
  version = 0;
  slots = 0;
  size = 0;
  /** Slots below this have codes. */
  #encoded = 0;
  /** Whether ids ascend in a state of the file, once it was asked. */
  #ascent: { readonly version: number; readonly ascends: boolean } | undefined;
  /** The state of the file in which the ids of each block were loaded last. */
  readonly #blockVersions: number[] = [];
  readonly #kernel: Kernel;
  readonly #rowsPerBlock: number;

  /** With `rowsInFile` only the codes are in memory, where the kernel has codes. */
  constructor(kernel: Kernel, header: Header, rowsInFile = false) {
    this.#kernel = kernel;
    this.#rowsPerBlock = header.rowsPerBlock;
    this.layout = layoutOf(kernel, header.metric, rowBytes(header), header.rowsPerBlock);
    if (!isBinaryMetric(header.metric)) this.codes = newCodes(kernel, header.metric, this.layout.stride);
    if (rowsInFile && this.codes !== undefined) this.fileRows = new FileRows(kernel, header);
  }

  /** Loads the blocks written since the last call. Runs inside the file's `read`. */
  refresh(file: IndexFile, header: Header): void {
    this.fileRows?.use(file, header);
    if (this.version === header.version) return;
    this.#grow(file, header.slots);
    for (const block of file.changedBlocks(this.version)) {
      const first = block.block * this.#rowsPerBlock;
      if (block.block < 0 || first + block.ids.length > header.slots) {
        throw file.corrupt(`Expected ${header.slots} slots but block ${block.block} goes beyond`);
      }
      if (block.vectorsVersion > this.version) {
        this.#loadVectors(first, block, file.vectors(block.block, header, block.ids.length));
      }
      this.#loadEntries(first, block);
      this.#blockVersions[block.block] = header.version;
    }
    if (this.size !== header.size) {
      throw file.corrupt(`Expected ${header.size} entries but found ${this.size}`);
    }
    this.version = header.version;
    if (this.fileRows !== undefined) this.#encoded = this.slots;
    else if (this.#encoded > 0 && this.slots - this.#encoded <= FEW_ROWS) this.encodeMore();
  }

  /** True once all rows have codes. */
  get encoded(): boolean {
    return this.codes !== undefined && this.#encoded === this.slots;
  }

  /** Gives codes to rows that have none, for some milliseconds or to the end; true while there is more to do. */
  encodeMore(milliseconds = Number.POSITIVE_INFINITY): boolean {
    const { codes } = this;
    if (codes === undefined || this.encoded) return false;
    const end = performance.now() + milliseconds;
    try {
      codes.grow(this.slots);
    } catch {
      this.codes = undefined; // there is memory for the rows alone, and they can be searched without
      return false;
    }
    while (this.#encoded < this.slots && performance.now() < end) {
      const stop = Math.min(this.slots, this.#encoded + 64);
      for (; this.#encoded < stop; this.#encoded++) {
        if (this.live[this.#encoded] === 1) codes.encode(this.#encoded, this.row(this.#encoded));
        else codes.clear(this.#encoded);
      }
    }
    return !this.encoded;
  }

  /** True where the later of two slots has the larger id, by code units: as where ids were made one after another. */
  get ascending(): boolean {
    if (this.#ascent?.version !== this.version) {
      this.#ascent = { version: this.version, ascends: ascends(this.ids) };
    }
    return this.#ascent.ascends;
  }

  /** The stretches of slots whose ids were loaded after that state of the file. */
  changedSince(version: number): { from: number; to: number }[] {
    const stretches: { from: number; to: number }[] = [];
    for (let from = 0; from < this.slots; from += this.#rowsPerBlock) {
      if ((this.#blockVersions[from / this.#rowsPerBlock] ?? 0) <= version) continue;
      const to = Math.min(this.slots, from + this.#rowsPerBlock);
      const last = stretches.at(-1);
      if (last?.to === from) last.to = to;
      else stretches.push({ from, to });
    }
    return stretches;
  }

  /** The rows as the engine's own thread sees them; undefined where they stay in the file. */
  get rows(): RowView | undefined {
    if (this.fileRows !== undefined) return undefined;
    return { layout: this.layout, memories: this.segments.map(({ memory }) => memory), thread: 0 };
  }

  /** What it takes in memory, its ids aside. */
  get bytes(): number {
    const memories = [...this.segments.map(({ memory }) => memory), ...(this.codes?.memories ?? [])];
    return memories.reduce((sum, memory) => sum + memory.buffer().byteLength, this.norms.byteLength * 1.5);
  }

  segmentOf(slot: number): Segment {
    return this.segments[Math.floor(slot / this.layout.rowsPerSegment)] as Segment;
  }

  /** The bytes of a slot's vector in memory, as a view that the next refresh ends. */
  row(slot: number): Uint8Array {
    return this.segmentOf(slot).row(slot % this.layout.rowsPerSegment);
  }

  #loadEntries(first: number, block: Block): void {
    block.ids.forEach((id, i) => {
      const slot = first + i;
      const live = id === null ? 0 : 1;
      this.size += live - (this.live[slot] ?? 0);
      this.live[slot] = live;
      this.ids[slot] = id;
      this.sampleIds[slot] = block.sampleIds[i] ?? "";
      if (live === 0 && (slot < this.#encoded || this.fileRows !== undefined)) this.codes?.clear(slot);
    });
  }

  #loadVectors(first: number, block: Block, vectors: Uint8Array): void {
    const segment = this.fileRows === undefined ? this.segmentOf(first) : undefined;
    const row = first % this.layout.rowsPerSegment;
    segment?.setRows(row, vectors);
    if (isBinaryMetric(this.layout.metric)) return;
    block.ids.forEach((id, i) => {
      if (id === null) return;
      const slot = first + i;
      let norm = segment === undefined ? 0 : Math.sqrt(segment.squaredNorm(row + i));
      if (segment === undefined || slot < this.#encoded) {
        const { rowBytes: bytes } = this.layout;
        norm = this.codes?.encode(slot, vectors.subarray(i * bytes, (i + 1) * bytes)) ?? norm;
      }
      this.norms[slot] = norm;
      this.inverseNorms[slot] = 1 / norm;
      if (norm > 0) this.minimumNorm = Math.min(this.minimumNorm, norm);
      this.maximumNorm = Math.max(this.maximumNorm, norm);
    });
  }

  #grow(file: IndexFile, slots: number): void {
    const { rowsPerSegment } = this.layout;
    try {
      if (this.fileRows !== undefined || this.#encoded > 0) this.codes?.grow(slots);
      for (let i = 0; this.fileRows === undefined && i * rowsPerSegment < slots; i++) {
        this.segments[i] ??= new Segment(this.#kernel, this.layout);
        this.segments[i]?.grow(Math.min(rowsPerSegment, slots - i * rowsPerSegment));
      }
    } catch (cause) {
      throw new NearsightError({
        code: "LIMIT_EXCEEDED",
        message: `Expected memory for the ${slots} vectors of index '${file.name}' but the system has no more`,
        hint: "Give the process more memory, or move the index to a server backend with copyRun()",
        details: { index: file.name, slots, bytes: slots * this.layout.stride },
        cause,
      });
    }
    this.slots = slots;
    if (this.live.length >= slots) return;
    // Room for half as much again, so that an index that grows slowly is not copied at each step.
    const capacity = this.live.length === 0 ? slots : Math.ceil(slots * 1.5);
    this.live = enlarged(this.live, new Uint8Array(capacity));
    if (isBinaryMetric(this.layout.metric)) return;
    this.norms = enlarged(this.norms, new Float64Array(new SharedArrayBuffer(capacity * 8)));
    this.inverseNorms = enlarged(this.inverseNorms, new Float32Array(capacity));
  }
}

let next = 1;

function ascends(ids: readonly (string | null)[]): boolean {
  let last: string | null = null;
  for (const id of ids) {
    if (id === null) continue;
    if (last !== null && id <= last) return false;
    last = id;
  }
  return true;
}

function enlarged<Values extends Uint8Array | Float64Array | Float32Array>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}
