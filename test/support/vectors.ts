/** Seeded vectors, so that every run of a test sees the same numbers. */

import { type Matrix, matrix } from "../../core/matrix.ts";
import { seededRandom } from "../../core/random.ts";

/** `rows` vectors of `dimension` numbers from -1 to 1. */
export function randomVectors(rows: number, dimension: number, seed = 1): Matrix {
  const random = seededRandom(seed);
  return matrix(
    Float32Array.from({ length: rows * dimension }, () => random() * 2 - 1),
    dimension,
  );
}
