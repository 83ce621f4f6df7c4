/** A collection's vectors rounded to 8 bits, in kernel memory that all search threads see. */

import type { Metric } from "../metric.ts";
import type { CodeArithmetic, Kernel, KernelMemory } from "./kernel/kernel.ts";

/** Rows of a panel; `kernel/codes.as` says how they lie. */
export const PANEL_ROWS = 16;
/** Parts of each vector that are compared first, where vectors are long enough for that to pay. */
const HEADS = 3;
const LEAST_WITH_HEADS = 128;
const FACTOR_BYTES = (4 + 2 * HEADS) * 4 * PANEL_ROWS;
const [SCALE_AT, TAILS_AT, HEAD_BYTES] = [0, 320, 128];
/** Queries that are joined at once: with one panel they fill the first-level cache at 512 numbers. */
export const JOIN_QUERIES = 64;
/** What a 7-bit query takes besides its codes: float32 scale, error and limit, and the length of each tail. */
export const QUERY_FACTOR_BYTES = (3 + HEADS) * 4;
/** Panels of one call of the kernel; between calls the limit is brought up to date. */
export const SCAN_PANELS = 256;
export const JOIN_PANELS = 16;
const RESULT_BYTES = 12;
const RESULTS = Math.max(SCAN_PANELS * PANEL_ROWS, JOIN_QUERIES * JOIN_PANELS * PANEL_ROWS);
/** Threads that search one collection at once have room for so many queries and results. */
export const MOST_THREADS = 8;

/** Where things lie; plain data, so that it can be sent to other threads. */
export interface CodeLayout {
  readonly relative: boolean;
  readonly euclidean: boolean;
  /** Numbers of a vector, padded with zeros. */
  readonly length: number;
  /** Says where heads end; `kernel/codes.as` tells how. 0 for no heads. */
  readonly unit: number;
  readonly panelBytes: number;
  readonly panelsAt: number;
  readonly panelsPerSegment: number;
  /** Room of one thread, and what lies where in it. */
  readonly roomBytes: number;
  readonly workAt: number;
  readonly factsAt: number;
  readonly queriesAt: number;
  readonly resultsAt: number;
}

/** The codes as one thread sees them. */
export interface CodeView {
  readonly layout: CodeLayout;
  readonly memories: readonly KernelMemory<CodeArithmetic>[];
  /** Number of the thread, which says what room is its own. */
  readonly thread: number;
  /** The largest shares of a vector's length that rounding to 8 and to 7 bits took. */
  readonly lost8: number;
  readonly lost7: number;
}

/** A slot's panel: the memory it lies in, its offset there, and the row in it. */
export interface PanelPlace {
  readonly memory: KernelMemory<CodeArithmetic>;
  readonly panel: number;
  readonly lane: number;
}

function codeLayoutOf(metric: Metric, stride: number, maximumBytes: number): CodeLayout {
  const length = Math.ceil(stride / 64) * 16;
  const unit = length < LEAST_WITH_HEADS ? 0 : Math.ceil(length / 16 / 4) * 4;
  const panelBytes = length * PANEL_ROWS + FACTOR_BYTES;
  const [workAt, factsAt] = [length * 4, length * 8];
  const queriesAt = factsAt + 64;
  const resultsAt = queriesAt + JOIN_QUERIES * (length + QUERY_FACTOR_BYTES);
  const roomBytes = Math.ceil((resultsAt + RESULTS * RESULT_BYTES) / 64) * 64;
  const panelsAt = roomBytes * MOST_THREADS;
  return {
    relative: metric === "cosine",
    euclidean: metric === "euclidean",
    length,
    unit,
    panelBytes,
    panelsAt,
    panelsPerSegment: Math.max(4, Math.floor((maximumBytes - panelsAt) / panelBytes)),
    roomBytes,
    workAt,
    factsAt,
    queriesAt,
    resultsAt,
  };
}

/** Makes the codes and keeps them. */
export class Codes implements CodeView {
  readonly layout: CodeLayout;
  readonly memories: KernelMemory<CodeArithmetic>[] = [];
  readonly thread = 0;
  lost8 = 0;
  lost7 = 0;
  readonly #allocate: () => KernelMemory<CodeArithmetic>;

  constructor(allocate: () => KernelMemory<CodeArithmetic>, layout: CodeLayout) {
    this.#allocate = allocate;
    this.layout = layout;
  }

  /** Makes room for this many slots in all; RangeError if the system has no more memory. */
  grow(slots: number): void {
    const { panelsPerSegment, panelsAt, panelBytes } = this.layout;
    const panels = Math.ceil(slots / PANEL_ROWS);
    for (let i = 0; i * panelsPerSegment < panels; i++) {
      const memory = this.memories[i] ?? this.#allocate();
      const held = Math.min(panelsPerSegment, panels - i * panelsPerSegment);
      memory.grow(panelsAt + held * panelBytes);
      this.memories[i] = memory;
    }
    // Fresh memory is all zeros, which reads as a row of zeros.
    for (let slot = slots; slot < panels * PANEL_ROWS; slot++) this.clear(slot);
  }

  /** Encodes the vector of a slot, given as its bytes; gives its length. */
  encode(slot: number, vector: Uint8Array): number {
    const { length, unit, relative, euclidean, workAt, factsAt } = this.layout;
    const { memory, panel, lane } = placeOf(this, slot);
    const { arithmetic } = memory;
    const source = new Uint8Array(memory.buffer(), 0, length * 4);
    source.set(vector);
    source.fill(0, vector.length);
    const norm = Math.sqrt(arithmetic.exactDot(0, 0, length * 4));
    const losses = new Float32Array(memory.buffer(), factsAt, 2);
    losses.fill(0);
    arithmetic.encodeRow(0, length, unit, panel, lane, norm, relative, euclidean, workAt, factsAt);
    this.lost8 = Math.max(this.lost8, losses[0] as number);
    this.lost7 = Math.max(this.lost7, losses[1] as number);
    return norm;
  }

  /** Takes a slot out of every search. */
  clear(slot: number): void {
    const { memory, panel, lane } = placeOf(this, slot);
    memory.arithmetic.clearRow(this.layout.length, panel, lane);
  }
}

/** The codes of a collection with this kernel; undefined where it has no arithmetic for them. */
export function newCodes(kernel: Kernel, metric: Metric, stride: number): Codes | undefined {
  if (kernel.allocateCodes === undefined) return undefined;
  return new Codes(kernel.allocateCodes, codeLayoutOf(metric, stride, kernel.maximumBytes));
}

export function placeOf({ layout, memories }: CodeView, slot: number): PanelPlace {
  const panel = Math.floor(slot / PANEL_ROWS);
  const segment = Math.floor(panel / layout.panelsPerSegment);
  return {
    memory: memories[segment] as KernelMemory<CodeArithmetic>,
    panel: layout.panelsAt + (panel % layout.panelsPerSegment) * layout.panelBytes,
    lane: slot % PANEL_ROWS,
  };
}

/** The scale of a slot's codes and the lengths of its tails. */
export function factorsOf(view: CodeView, slot: number): { scale: number; tails: number[] } {
  const { memory, panel, lane } = placeOf(view, slot);
  const factors = new DataView(memory.buffer(), panel + view.layout.length * PANEL_ROWS + lane * 4);
  const tails = Array.from({ length: HEADS }, (_, i) => factors.getFloat32(TAILS_AT + i * HEAD_BYTES, true));
  return { scale: factors.getFloat32(SCALE_AT, true), tails };
}

/** Runs `work` on stretches of at most `most` panels that lie in one memory, from slot `from` up to `to`. */
export function eachStretch(
  { layout, memories }: CodeView,
  { from, to, most }: { from: number; to: number; most: number },
  work: (
    memory: KernelMemory<CodeArithmetic>,
    panel: number,
    count: number,
    firstSlot: number,
    segment: number,
  ) => void,
): void {
  const { panelsPerSegment, panelsAt, panelBytes } = layout;
  const end = Math.ceil(to / PANEL_ROWS);
  for (let panel = Math.floor(from / PANEL_ROWS); panel < end; ) {
    const segment = Math.floor(panel / panelsPerSegment);
    const inside = panel % panelsPerSegment;
    const count = Math.min(most, end - panel, panelsPerSegment - inside);
    const memory = memories[segment] as KernelMemory<CodeArithmetic>;
    work(memory, panelsAt + inside * panelBytes, count, panel * PANEL_ROWS, segment);
    panel += count;
  }
}

/**
 * What an inner product of vectors of so many numbers may be off by, as a share of the product of their lengths.
 * q.x - q'.x' = (q - q').x' + q.(x - x'), and no x' is longer than x by more than what x lost. The rest is for
 * float32: the rotation, the distance that is reported, and sums of codes that are taken from each other.
 */
export function errorShare(length: number, lostOfRow: number, lostOfQuery: number): number {
  return lostOfQuery * (1 + lostOfRow) + lostOfRow + 4e-6 + 3e-7 * Math.sqrt(length);
}
