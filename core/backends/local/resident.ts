/** A collection's vectors and ids in memory, kept in step with its file. */

import { NearsightError } from "../../errors.ts";
import { isBinaryMetric } from "../metric.ts";
import type { Block, IndexFile } from "./file.ts";
import { type Header, rowBytes } from "./header.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { type Layout, layoutOf, Segment } from "./segment.ts";

/** The matrix over all slots, in segments, and what belongs to each slot. */
export class Resident {
  readonly layout: Layout;
  readonly segments: Segment[] = [];
  readonly ids: (string | null)[] = [];
  readonly sampleIds: string[] = [];
  /** 1 where a slot holds an entry. */
  live = new Uint8Array(0);
  /** Lengths of the vectors, and their inverses; empty for binary vectors. */
  norms = new Float64Array(0);
  inverseNorms = new Float32Array(0);
  /** Bounds on the lengths of all vectors ever loaded. */
  minimumNorm = Number.POSITIVE_INFINITY;
  maximumNorm = 0;
  /** The state of the file that is held here. */
  version = 0;
  slots = 0;
  size = 0;
  readonly #kernel: Kernel;
  readonly #rowsPerBlock: number;

  constructor(kernel: Kernel, header: Header) {
    this.#kernel = kernel;
    this.#rowsPerBlock = header.rowsPerBlock;
    this.layout = layoutOf(kernel, header.metric, rowBytes(header), header.rowsPerBlock);
    this.segments.push(new Segment(kernel, this.layout));
  }

  /** Loads the blocks written since the last call. Runs inside the file's `read`. */
  refresh(file: IndexFile, header: Header): void {
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
    }
    if (this.size !== header.size) {
      throw file.corrupt(`Expected ${header.size} entries but found ${this.size}`);
    }
    this.version = header.version;
  }

  segmentOf(slot: number): Segment {
    return this.segments[Math.floor(slot / this.layout.rowsPerSegment)] as Segment;
  }

  /** The bytes of a slot's vector, as a view that the next refresh ends. */
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
    });
  }

  #loadVectors(first: number, block: Block, vectors: Uint8Array): void {
    const segment = this.segmentOf(first);
    const row = first % this.layout.rowsPerSegment;
    segment.setRows(row, vectors);
    if (isBinaryMetric(this.layout.metric)) return;
    block.ids.forEach((id, i) => {
      if (id === null) return;
      const norm = Math.sqrt(segment.squaredNorm(row + i));
      this.norms[first + i] = norm;
      this.inverseNorms[first + i] = 1 / norm;
      this.minimumNorm = Math.min(this.minimumNorm, norm);
      this.maximumNorm = Math.max(this.maximumNorm, norm);
    });
  }

  #grow(file: IndexFile, slots: number): void {
    const { rowsPerSegment } = this.layout;
    try {
      for (let i = 0; i * rowsPerSegment < slots; i++) {
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
    this.norms = enlarged(this.norms, new Float64Array(capacity));
    this.inverseNorms = enlarged(this.inverseNorms, new Float32Array(capacity));
  }
}

function enlarged<Values extends Uint8Array | Float64Array | Float32Array>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}
