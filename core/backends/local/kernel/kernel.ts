/** The distance kernel: WebAssembly SIMD where the machine has it, plain JavaScript elsewhere. */

import { compileWasm } from "../../../wasm.ts";
import { PLAIN_KERNEL_BASE64, SHARED_KERNEL_BASE64 } from "./kernel.wasm.ts";
import { scalarArithmetic } from "./scalar.ts";

/**
 * Distances between vectors that lie in one block of memory. Arguments are byte offsets; rows are `stride`
 * bytes apart, a multiple of 16. The plural functions write `count` float32 numbers to `out`.
 */
export interface Arithmetic {
  dotProducts(query: number, rows: number, stride: number, count: number, out: number): void;
  /** Four queries, `stride` apart, against each row; their results are `outStride` bytes apart. */
  dotProducts4(
    queries: number,
    rows: number,
    stride: number,
    count: number,
    out: number,
    outStride: number,
  ): void;
  squaredDistances(query: number, rows: number, stride: number, count: number, out: number): void;
  jaccardDistances(query: number, rows: number, stride: number, count: number, out: number): void;
  hammingDistances(query: number, rows: number, stride: number, count: number, out: number): void;
  /** The singular functions sum in double precision. */
  exactDot(a: number, b: number, stride: number): number;
  /** The same for one vector and the rows with the uint32 numbers at `list`; writes float64 to `out`. */
  exactDots(vector: number, rows: number, stride: number, list: number, count: number, out: number): void;
  exactSquaredDistance(a: number, b: number, stride: number): number;
  jaccardDistance(a: number, b: number, stride: number): number;
  hammingDistance(a: number, b: number, stride: number): number;
}

/** Arithmetic on vectors rounded to 8 bits, which only the SIMD kernel has; `codes.as` and `join.as` say what each does. */
export interface CodeArithmetic extends Arithmetic {
  encodeRow(
    source: number,
    length: number,
    unit: number,
    panel: number,
    lane: number,
    norm: number,
    relative: boolean,
    euclidean: boolean,
    work: number,
    losses: number,
  ): void;
  clearRow(length: number, panel: number, lane: number): void;
  encodeQuery(source: number, length: number, work: number, digits: number, lost: number): number;
  queryOfRow(length: number, panel: number, lane: number, to: number): void;
  scanPanels(
    digits: number,
    length: number,
    unit: number,
    panel: number,
    count: number,
    first: number,
    error: number,
    sign: number,
    limit: number,
    out: number,
  ): number;
  joinPanels(
    queries: number,
    queryCount: number,
    length: number,
    unit: number,
    panel: number,
    count: number,
    out: number,
  ): number;
}

/** A block of memory that grows, and the arithmetic on it. */
export interface KernelMemory<Functions extends Arithmetic = Arithmetic> {
  readonly arithmetic: Functions;
  /** What other threads need to see the same block; undefined where they cannot. */
  readonly shared: WebAssembly.Memory | undefined;
  /** The memory as it is now; growing replaces this object. */
  buffer(): ArrayBufferLike;
  /** Makes the memory at least this large, keeping what it holds; RangeError if the system has no more. */
  grow(bytes: number): void;
}

/** Makes blocks of memory of at most `maximumBytes` each. */
export interface Kernel {
  readonly kind: "shared" | "simd" | "scalar";
  readonly maximumBytes: number;
  allocate(): KernelMemory;
  /** A block with the arithmetic on codes as well; undefined where there is none. */
  readonly allocateCodes: (() => KernelMemory<CodeArithmetic>) | undefined;
}

const PAGE_BYTES = 65_536;
/** A WebAssembly memory ends at 4 GiB; smaller pieces leave every offset a small integer for the engine. */
const SIMD_BYTES = 1 << 30;
/** Plain memory cannot grow in place without slowing its readers down, so it comes in small whole pieces. */
const SCALAR_BYTES = 64 << 20;

/** The best kernel of this machine that is no better than `best`. */
export function loadKernel(best: Kernel["kind"] = "shared"): Kernel {
  const shared = best === "shared" ? compileWasm(SHARED_KERNEL_BASE64) : undefined;
  if (shared !== undefined) return simdKernel(shared, true);
  const plain = best === "scalar" ? undefined : compileWasm(PLAIN_KERNEL_BASE64);
  return plain === undefined ? scalarKernel() : simdKernel(plain, false);
}

/** Another thread's view of a shared block of memory. */
export function attach(memory: WebAssembly.Memory): KernelMemory<CodeArithmetic> {
  sharedModule ??= compileWasm(SHARED_KERNEL_BASE64);
  if (sharedModule === undefined) throw new Error("The thread lacks what the thread that called it has");
  return kernelMemory(sharedModule, memory, true);
}

let sharedModule: WebAssembly.Module | undefined;

function simdKernel(module: WebAssembly.Module, shared: boolean): Kernel {
  const allocate = () =>
    kernelMemory(
      module,
      new WebAssembly.Memory({ initial: 1, maximum: SIMD_BYTES / PAGE_BYTES, shared }),
      shared,
    );
  return {
    kind: shared ? "shared" : "simd",
    maximumBytes: SIMD_BYTES,
    allocate,
    allocateCodes: allocate,
  };
}

function kernelMemory(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  shared: boolean,
): KernelMemory<CodeArithmetic> {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return {
    arithmetic: instance.exports as unknown as CodeArithmetic,
    shared: shared ? memory : undefined,
    buffer: () => memory.buffer,
    grow(bytes) {
      const missing = bytes - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    },
  };
}

function scalarKernel(): Kernel {
  return {
    kind: "scalar",
    maximumBytes: SCALAR_BYTES,
    allocate() {
      // Untouched pages of a new buffer cost address space only.
      const buffer = new ArrayBuffer(SCALAR_BYTES);
      return {
        arithmetic: scalarArithmetic(buffer),
        shared: undefined,
        buffer: () => buffer,
        grow(bytes) {
          if (bytes > SCALAR_BYTES)
            throw new RangeError(`Expected at most ${SCALAR_BYTES} bytes but found ${bytes}`);
        },
      };
    },
    allocateCodes: undefined,
  };
}
