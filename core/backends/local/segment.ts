/** One piece of the matrix in kernel memory: room for queries and results, then rows. */

import type { VectorData } from "../../matrix.ts";
import type { Metric } from "../metric.ts";
import { MOST_THREADS } from "./codes.ts";
import type { Kernel, KernelMemory } from "./kernel/kernel.ts";

/** Queries that share one pass over the matrix. */
export const QUERIES_PER_PASS = 16;
/** A chunk of rows stays in the second-level cache while the queries of a pass go over it. */
const CHUNK_BYTES = 256 * 1024;

/** Rows of which a search thread has the exact values computed at once. */
export const LISTED_ROWS = 256;
/** A uint32 number of a row, and a float64 value. */
const LISTED_BYTES = 12;

/** The sizes all segments of a matrix share. */
export interface Layout {
  readonly metric: Metric;
  /** Bytes of one vector, and of one row padded to 16. */
  readonly rowBytes: number;
  readonly stride: number;
  readonly chunkRows: number;
  /** Room of each search thread: for one vector, and for `LISTED_ROWS` numbers of rows and what is found for them. */
  readonly threadRoomsAt: number;
  readonly threadRoomBytes: number;
  readonly rowsAt: number;
  readonly rowsPerSegment: number;
}

/** The layout for vectors of `rowBytes`; a segment holds whole blocks of `rowsPerBlock`. */
export function layoutOf(kernel: Kernel, metric: Metric, rowBytes: number, rowsPerBlock: number): Layout {
  const stride = Math.ceil(rowBytes / 16) * 16;
  const chunkRows = Math.max(32, Math.min(2048, Math.floor(CHUNK_BYTES / stride)));
  const threadRoomsAt = Math.ceil((QUERIES_PER_PASS * (stride + chunkRows * 4)) / 64) * 64;
  const threadRoomBytes = Math.ceil((stride + LISTED_ROWS * LISTED_BYTES) / 64) * 64;
  const rowsAt = threadRoomsAt + MOST_THREADS * threadRoomBytes;
  const blocks = Math.max(1, Math.floor((kernel.maximumBytes - rowsAt) / (stride * rowsPerBlock)));
  return {
    metric,
    rowBytes,
    stride,
    chunkRows,
    threadRoomsAt,
    threadRoomBytes,
    rowsAt,
    rowsPerSegment: blocks * rowsPerBlock,
  };
}

/** Rows numbered from 0 within the segment. */
export class Segment {
  readonly memory: KernelMemory;
  readonly #layout: Layout;

  constructor(kernel: Kernel, layout: Layout) {
    this.memory = kernel.allocate();
    this.#layout = layout;
    this.grow(0);
  }

  /** Makes room for this many rows in all. */
  grow(rows: number): void {
    this.memory.grow(this.#layout.rowsAt + rows * this.#layout.stride);
  }

  /** Copies rows in, one after the other from `first`. */
  setRows(first: number, rows: Uint8Array): void {
    const { rowBytes, stride } = this.#layout;
    const bytes = new Uint8Array(this.memory.buffer());
    if (rowBytes === stride) {
      bytes.set(rows, this.#rowAt(first));
      return;
    }
    for (let row = 0; row * rowBytes < rows.length; row++) {
      bytes.set(rows.subarray(row * rowBytes, (row + 1) * rowBytes), this.#rowAt(first + row));
    }
  }

  /** The bytes of a row, as a view that growing ends. */
  row(row: number): Uint8Array {
    return new Uint8Array(this.memory.buffer(), this.#rowAt(row), this.#layout.rowBytes);
  }

  /** Puts queries, at most `QUERIES_PER_PASS` of them, where the kernel finds them. */
  setQueries(queries: readonly VectorData[]): void {
    const { stride } = this.#layout;
    const bytes = new Uint8Array(this.memory.buffer());
    queries.forEach((query, i) => {
      bytes.set(new Uint8Array(query.buffer, query.byteOffset, query.byteLength), i * stride);
    });
  }

  /**
   * The kernel's raw values of the first `queries` queries against `count` rows: inner products for cosine
   * and dotproduct, squared distances for euclidean, else distances. Views that the next call overwrites.
   */
  values(queries: number, first: number, count: number): Float32Array[] {
    const { stride, chunkRows } = this.#layout;
    const outputs: Float32Array[] = [];
    const outStride = chunkRows * 4;
    for (let query = 0; query < queries; ) {
      query += this.#valuesFrom(query, queries - query, this.#rowAt(first), count, outStride);
    }
    for (let query = 0; query < queries; query++) {
      const out = QUERIES_PER_PASS * stride + query * outStride;
      outputs.push(new Float32Array(this.memory.buffer(), out, count));
    }
    return outputs;
  }

  /** The inner product of a row with itself in double precision. */
  squaredNorm(row: number): number {
    const at = this.#rowAt(row);
    return this.memory.arithmetic.exactDot(at, at, this.#layout.stride);
  }

  #rowAt(row: number): number {
    return this.#layout.rowsAt + row * this.#layout.stride;
  }

  /** Runs the kernel for one query, or for four at once; gives the number of queries done. */
  #valuesFrom(query: number, left: number, rows: number, count: number, outStride: number): number {
    const { metric, stride } = this.#layout;
    const { arithmetic } = this.memory;
    const at = query * stride;
    const out = QUERIES_PER_PASS * stride + query * outStride;
    const products = metric === "cosine" || metric === "dotproduct";
    if (products && left >= 4) {
      arithmetic.dotProducts4(at, rows, stride, count, out, outStride);
      return 4;
    }
    if (products) arithmetic.dotProducts(at, rows, stride, count, out);
    else if (metric === "euclidean") arithmetic.squaredDistances(at, rows, stride, count, out);
    else if (metric === "jaccard") arithmetic.jaccardDistances(at, rows, stride, count, out);
    else arithmetic.hammingDistances(at, rows, stride, count, out);
    return 1;
  }
}
