/** Keys and vectors by number, for the tests of the embedding cache. */

import { createHash } from "node:crypto";

const DIMENSION = 512;

export function keyNumber(number: number): string {
  return createHash("sha256").update(String(number)).digest("hex");
}

export function vectorNumber(number: number): Float32Array {
  return new Float32Array(DIMENSION).fill(number);
}
