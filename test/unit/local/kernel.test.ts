/** The kernel computes the plain formulas, with SIMD and without, and its bytes are those of its source. */

import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Kernel, loadKernel } from "../../../core/backends/local/kernel/kernel.ts";
import { distanceOf, type Metric } from "../../../core/backends/metric.ts";
import { KERNELS, kernelModule } from "../../../tools/build-kernel.ts";

test.each(KERNELS)("building $files again gives the same bytes", async (kernel) => {
  const committed = new URL("kernel.wasm.ts", kernel.folder);
  expect(await readFile(committed, "utf8")).toBe(await kernelModule(kernel));
});

test("this machine has the SIMD kernel, and can do without", () => {
  expect(loadKernel().kind).toBe("shared");
  expect(loadKernel("simd").kind).toBe("simd");
  expect(loadKernel("scalar").kind).toBe("scalar");
});

const ROWS = 5;

/** Queries and rows of equal length, and where they lie in a kernel's memory. */
function laidOut(kind: Kernel["kind"], vectors: (Float32Array | Uint8Array)[]) {
  const memory = loadKernel(kind).allocate();
  const stride = Math.ceil((vectors[0]?.byteLength ?? 0) / 16) * 16;
  memory.grow((vectors.length + 8) * stride + 4096);
  const bytes = new Uint8Array(memory.buffer());
  vectors.forEach((vector, i) => {
    bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), 4096 + i * stride);
  });
  return { memory, stride, at: (i: number) => 4096 + i * stride };
}

function within(actual: number, expected: number, allowed: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(allowed);
}

const floatVectors = fc.integer({ min: 1, max: 70 }).chain((length) => {
  const vector = fc.float32Array({
    min: -1000,
    max: 1000,
    noNaN: true,
    minLength: length,
    maxLength: length,
  });
  return fc.array(vector, { minLength: ROWS + 4, maxLength: ROWS + 4 });
});
const bitVectors = fc.integer({ min: 1, max: 40 }).chain((length) => {
  const vector = fc.uint8Array({ minLength: length, maxLength: length });
  return fc.array(vector, { minLength: ROWS + 1, maxLength: ROWS + 1 });
});

describe.each(["shared", "simd", "scalar"] as const)("%s", (kind) => {
  test("inner products and squared distances", () => {
    fc.assert(
      fc.property(floatVectors, (vectors) => {
        const { memory, stride, at } = laidOut(kind, vectors);
        const { arithmetic } = memory;
        const out = () => new Float32Array(memory.buffer(), 0, ROWS * 4);
        const rows = vectors.slice(4);
        const [list, listed] = [new Uint32Array(memory.buffer(), 1024, ROWS), [4, 0, 2, 2, 1]];
        list.set(listed);
        arithmetic.exactDots(at(0), at(4), stride, 1024, ROWS, 2048);
        expect([...new Float64Array(memory.buffer(), 2048, ROWS)]).toEqual(
          listed.map((row) => arithmetic.exactDot(at(0), at(4 + row), stride)),
        );
        for (const [query, left] of vectors.slice(0, 4).entries()) {
          rows.forEach((row, i) => {
            const dot = -distanceOf("dotproduct", left, row);
            const size =
              rows.length +
              Math.sqrt(distanceOf("dotproduct", left, left) * distanceOf("dotproduct", row, row));
            const square = distanceOf("euclidean", left, row) ** 2;
            within(arithmetic.exactDot(at(query), at(4 + i), stride), dot, 1e-12 * size);
            within(
              arithmetic.exactSquaredDistance(at(query), at(4 + i), stride),
              square,
              1e-12 * (size + square),
            );
            arithmetic.dotProducts(at(query), at(4), stride, ROWS, 0);
            within(out()[i] ?? Number.NaN, dot, 1e-5 * size);
            arithmetic.dotProducts4(at(0), at(4), stride, ROWS, 0, ROWS * 4);
            within(out()[query * ROWS + i] ?? Number.NaN, dot, 1e-5 * size);
            arithmetic.squaredDistances(at(query), at(4), stride, ROWS, 0);
            within(out()[i] ?? Number.NaN, square, 1e-5 * (1e-30 + square));
          });
        }
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  test("bits", () => {
    fc.assert(
      fc.property(bitVectors, (vectors) => {
        const { memory, stride, at } = laidOut(kind, vectors);
        const { arithmetic } = memory;
        const kernels: Record<string, [Metric, (i: number) => number]> = {
          jaccardDistances: ["jaccard", (i) => arithmetic.jaccardDistance(at(0), at(1 + i), stride)],
          hammingDistances: ["hamming", (i) => arithmetic.hammingDistance(at(0), at(1 + i), stride)],
        };
        for (const [name, [metric, one]] of Object.entries(kernels)) {
          arithmetic[name as "jaccardDistances"](at(0), at(1), stride, ROWS, 0);
          const out = new Float32Array(memory.buffer(), 0, ROWS);
          vectors.slice(1).forEach((row, i) => {
            const expected = distanceOf(metric, vectors[0] ?? row, row);
            expect(one(i)).toBe(expected);
            expect(out[i]).toBe(Math.fround(expected));
          });
        }
      }),
      { seed: 2, numRuns: 60 },
    );
  });
});
