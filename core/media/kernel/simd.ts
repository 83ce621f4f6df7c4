/** The passes of resampling in WebAssembly: lays a picture out in the kernel's memory, some rows at a time. */

import type { RgbImage } from "../image.ts";
import type { Passes } from "./passes.ts";
import type { Weights } from "./weights.ts";

/** What `resample.as` exports; all arguments are byte offsets and counts. */
interface ResampleKernel {
  across(
    source: number,
    sourceStride: number,
    rows: number,
    offsets: number,
    weights: number,
    columns: number,
    quads: number,
    target: number,
    targetStride: number,
  ): void;
  down(rows: number, stride: number, weights: number, pairs: number, target: number, length: number): void;
}

/** Weights as the kernel wants them: in groups, of which the low parts come first, then the high ones. */
interface PackedWeights {
  readonly values: Int16Array;
  /** Groups per output position. */
  readonly groups: number;
}

/** Where things lie in the kernel's memory, in bytes. */
interface Layout {
  readonly offsets: number;
  readonly columnWeights: number;
  readonly rowWeights: number;
  /** Some rows of the picture, and how many at most. */
  readonly source: number;
  readonly pieceRows: number;
  /** Rows that were resampled across, `stride` bytes apart. */
  readonly across: number;
  readonly stride: number;
  /** One finished row. */
  readonly output: number;
  readonly end: number;
}

const PAGE_BYTES = 65_536;

/** A picture goes through in pieces of this size, which stay in the processor's cache. */
const PIECE_BYTES = 256 * 1024;

/** More memory than this, for a picture out of the common, is given back: WebAssembly's own does not shrink. */
const KEPT_BYTES = 16 * 1024 * 1024;

/** The kernel reads and writes so many bytes at a time, beyond the end too. */
const LANES = 16;

/** Weights of a group: as many as the kernel multiplies at a time. */
const QUAD = 4;
const PAIR = 2;

/** Passes that share one memory. */
export function simdPasses(module: WebAssembly.Module): Passes {
  let memory: WebAssembly.Memory | undefined;
  let kernel: ResampleKernel | undefined;
  return (image, columns, rows) => {
    memory ??= new WebAssembly.Memory({ initial: 1 });
    kernel ??= new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as ResampleKernel;
    const pixels = resample(kernel, memory, image, columns, rows);
    if (memory.buffer.byteLength > KEPT_BYTES) memory = kernel = undefined;
    return pixels;
  };
}

function resample(
  kernel: ResampleKernel,
  memory: WebAssembly.Memory,
  image: RgbImage,
  columns: Weights,
  rows: Weights,
): Uint8Array {
  const quads = packed(columns, QUAD);
  const pairs = packed(rows, PAIR);
  const at = layOut(image, columns, quads, pairs);
  const missing = at.end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  const bytes = new Uint8Array(memory.buffer);
  new Int32Array(memory.buffer, at.offsets).set(columns.first.map((column) => column * 3));
  new Int16Array(memory.buffer, at.columnWeights).set(quads.values);
  new Int16Array(memory.buffer, at.rowWeights).set(pairs.values);

  const rowBytes = image.width * 3;
  const width = columns.first.length;
  const height = rows.first.length;
  const length = width * 3;
  const pixels = new Uint8Array(height * length);
  const end = endOf(rows, height - 1);
  // Rows of the picture that lie resampled in memory: from `kept` up to `next`.
  let kept = rows.first[0] ?? 0;
  let next = kept;
  const place = (row: number) => at.across + (row - kept) * at.stride;
  for (let row = 0; row < height; row++) {
    const first = rows.first[row] as number;
    while (next < endOf(rows, row)) {
      // No later row needs what lies before the first one of this row.
      bytes.copyWithin(at.across, place(first), place(next));
      kept = first;
      next = Math.max(next, first);
      const count = Math.min(at.pieceRows, end - next);
      bytes.set(image.data.subarray(next * rowBytes, (next + count) * rowBytes), at.source);
      const [target, { groups }] = [place(next), quads];
      kernel.across(
        at.source,
        rowBytes,
        count,
        at.offsets,
        at.columnWeights,
        width,
        groups,
        target,
        at.stride,
      );
      next += count;
    }
    const weights = at.rowWeights + row * pairs.groups * PAIR * 4;
    kernel.down(place(first), at.stride, weights, pairs.groups, at.output, length);
    pixels.set(bytes.subarray(at.output, at.output + length), row * length);
  }
  return pixels;
}

function layOut(image: RgbImage, columns: Weights, quads: PackedWeights, pairs: PackedWeights): Layout {
  let end = 0;
  const take = (bytes: number) => {
    const start = end;
    end += Math.ceil(bytes / LANES) * LANES;
    return start;
  };
  const rowBytes = image.width * 3;
  const pieceRows = Math.max(1, Math.min(image.height, Math.floor(PIECE_BYTES / rowBytes)));
  const stride = Math.ceil((columns.first.length * 3 + 1) / LANES) * LANES;
  const mostRows = pairs.groups * PAIR;
  return {
    offsets: take(columns.first.byteLength),
    columnWeights: take(quads.values.byteLength),
    rowWeights: take(pairs.values.byteLength),
    // Groups can reach beyond the last pixel, with weights of 0; so can pairs below.
    source: take(pieceRows * rowBytes + quads.groups * QUAD * 3 + LANES),
    pieceRows,
    across: take((pieceRows + 2 * mostRows) * stride),
    stride,
    output: take(stride),
    end,
  };
}

/** By the weights they were packed from, and by the size of a group. */
const known: Readonly<Record<number, WeakMap<Weights, PackedWeights>>> = {
  [QUAD]: new WeakMap(),
  [PAIR]: new WeakMap(),
};

function packed(weights: Weights, size: number): PackedWeights {
  const found = known[size]?.get(weights) ?? pack(weights, size);
  known[size]?.set(weights, found);
  return found;
}

/** Splits each weight into its lowest 15 bits and the rest. */
function pack({ first, count, values, stride }: Weights, size: number): PackedWeights {
  const groups = Math.ceil(count.reduce((most, taps) => Math.max(most, taps), 1) / size);
  const packed = new Int16Array(first.length * groups * size * 2);
  for (let i = 0; i < first.length; i++) {
    const taps = count[i] as number;
    for (let tap = 0; tap < taps; tap++) {
      const weight = values[i * stride + tap] as number;
      const at = (i * groups + Math.floor(tap / size)) * size * 2 + (tap % size);
      packed[at] = weight & 0x7fff;
      packed[at + size] = weight >> 15;
    }
  }
  return { values: packed, groups };
}

function endOf({ first, count }: Weights, row: number): number {
  return (first[row] as number) + (count[row] as number);
}
