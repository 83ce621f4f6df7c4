/** Seeded vectors, so that every run of a test sees the same numbers. */

import { type Matrix, matrix } from "../../core/matrix.ts";

/** Numbers from 0 to 1 (mulberry32): equal seeds give equal numbers on every machine. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `rows` vectors of `dimension` numbers from -1 to 1. */
export function randomVectors(rows: number, dimension: number, seed = 1): Matrix {
  const random = seeded(seed);
  return matrix(
    Float32Array.from({ length: rows * dimension }, () => random() * 2 - 1),
    dimension,
  );
}
