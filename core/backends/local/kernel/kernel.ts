/** The distance kernel: WebAssembly SIMD where the machine has it, plain JavaScript elsewhere. */

import { Buffer } from "node:buffer";
import { KERNEL_BASE64 } from "./kernel.wasm.ts";
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
  exactSquaredDistance(a: number, b: number, stride: number): number;
  jaccardDistance(a: number, b: number, stride: number): number;
  hammingDistance(a: number, b: number, stride: number): number;
}

/** A block of memory that grows, and the arithmetic on it. */
export interface KernelMemory {
  readonly arithmetic: Arithmetic;
  /** The memory as it is now; growing replaces this object. */
  buffer(): ArrayBuffer;
  /** Makes the memory at least this large, keeping what it holds; RangeError if the system has no more. */
  grow(bytes: number): void;
}

/** Makes blocks of memory of at most `maximumBytes` each. */
export interface Kernel {
  readonly kind: "simd" | "scalar";
  readonly maximumBytes: number;
  allocate(): KernelMemory;
}

const PAGE_BYTES = 65_536;
/** A WebAssembly memory ends at 4 GiB; smaller pieces leave every offset a small integer for the engine. */
const SIMD_BYTES = 1 << 30;
/** Plain memory cannot grow in place without slowing its readers down, so it comes in small whole pieces. */
const SCALAR_BYTES = 64 << 20;

/** The best kernel of this machine; `scalar` skips WebAssembly. */
export function loadKernel(scalar = false): Kernel {
  const module = scalar ? undefined : compileSimd();
  return module === undefined ? scalarKernel() : simdKernel(module);
}

function compileSimd(): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(Buffer.from(KERNEL_BASE64, "base64"));
  } catch {
    return undefined; // no WebAssembly (--jitless), or a processor without SIMD
  }
}

function simdKernel(module: WebAssembly.Module): Kernel {
  return {
    kind: "simd",
    maximumBytes: SIMD_BYTES,
    allocate() {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: SIMD_BYTES / PAGE_BYTES });
      const instance = new WebAssembly.Instance(module, { env: { memory } });
      return {
        arithmetic: instance.exports as unknown as Arithmetic,
        buffer: () => memory.buffer as ArrayBuffer,
        grow(bytes) {
          const missing = bytes - memory.buffer.byteLength;
          if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
        },
      };
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
        buffer: () => buffer,
        grow(bytes) {
          if (bytes > SCALAR_BYTES)
            throw new RangeError(`Expected at most ${SCALAR_BYTES} bytes but found ${bytes}`);
        },
      };
    },
  };
}
