/** The distance kernel in plain JavaScript, for machines without WebAssembly SIMD. */

import type { Arithmetic } from "./kernel.ts";

/** The arithmetic of `kernel.as` over the given memory. */
export function scalarArithmetic(buffer: ArrayBuffer): Arithmetic {
  const floats = new Float32Array(buffer);
  const words = new Uint32Array(buffer);
  const doubles = new Float64Array(buffer);

  function dot(a: number, b: number, length: number): number {
    let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
    for (let i = 0; i < length; i += 4) {
      sum0 += at(floats, a + i) * at(floats, b + i);
      sum1 += at(floats, a + i + 1) * at(floats, b + i + 1);
      sum2 += at(floats, a + i + 2) * at(floats, b + i + 2);
      sum3 += at(floats, a + i + 3) * at(floats, b + i + 3);
    }
    return sum0 + sum1 + (sum2 + sum3);
  }

  function squared(a: number, b: number, length: number): number {
    let [sum0, sum1] = [0, 0];
    for (let i = 0; i < length; i += 2) {
      const difference0 = at(floats, a + i) - at(floats, b + i);
      const difference1 = at(floats, a + i + 1) - at(floats, b + i + 1);
      sum0 += difference0 * difference0;
      sum1 += difference1 * difference1;
    }
    return sum0 + sum1;
  }

  function jaccard(a: number, b: number, length: number): number {
    let both = 0;
    let either = 0;
    for (let i = 0; i < length; i++) {
      both += ones(at(words, a + i) & at(words, b + i));
      either += ones(at(words, a + i) | at(words, b + i));
    }
    return either === 0 ? 0 : 1 - both / either;
  }

  function hamming(a: number, b: number, length: number): number {
    let differing = 0;
    for (let i = 0; i < length; i++) differing += ones(at(words, a + i) ^ at(words, b + i));
    return differing;
  }

  type OfTwo = (a: number, b: number, length: number) => number;
  const single = (of: OfTwo) => (a: number, b: number, stride: number) => of(a / 4, b / 4, stride / 4);
  const plural = (of: OfTwo) => (query: number, rows: number, stride: number, count: number, out: number) => {
    for (let row = 0; row < count; row++) {
      floats[out / 4 + row] = of(query / 4, (rows + row * stride) / 4, stride / 4);
    }
  };
  const dotProducts = plural(dot);

  return {
    dotProducts,
    dotProducts4(queries, rows, stride, count, out, outStride) {
      for (let i = 0; i < 4; i++) dotProducts(queries + i * stride, rows, stride, count, out + i * outStride);
    },
    squaredDistances: plural(squared),
    jaccardDistances: plural(jaccard),
    hammingDistances: plural(hamming),
    exactDot: single(dot),
    exactDots(vector, rows, stride, list, count, out) {
      for (let i = 0; i < count; i++) {
        doubles[out / 8 + i] = dot(vector / 4, (rows + at(words, list / 4 + i) * stride) / 4, stride / 4);
      }
    },
    exactSquaredDistance: single(squared),
    jaccardDistance: single(jaccard),
    hammingDistance: single(hamming),
  };
}

// Offsets are in range by construction; the assertion keeps the inner loops free of branches.
function at(values: Float32Array | Uint32Array, index: number): number {
  return values[index] as number;
}

function ones(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
