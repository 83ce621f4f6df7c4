/** The passes of resampling in plain JavaScript. */

import type { RgbImage } from "../image.ts";
import { FRACTION_BITS, type Weights } from "./weights.ts";

const HALF = 1 << (FRACTION_BITS - 1);

/**
 * Each input row is resampled across and added to the output rows it is part of, so that a tall picture takes no
 * more memory than its output.
 */
export function scalarPasses(image: RgbImage, columns: Weights, rows: Weights): Uint8Array {
  const { first, count, values, stride } = rows;
  const height = first.length;
  const length = columns.first.length * 3;
  const sums = new Int32Array(height * length).fill(HALF);
  const across = new Uint8ClampedArray(length);
  const end = (row: number) => (first[row] as number) + (count[row] as number);
  // Output rows begin and end in order: those an input row is part of lie between these two.
  let from = 0;
  let to = 0;
  for (let source = first[0] ?? 0; source < end(height - 1); source++) {
    while (from < height && end(from) <= source) from++;
    while (to < height && (first[to] as number) <= source) to++;
    resampleAcross(image, columns, source, across);
    for (let row = from; row < to; row++) {
      const weight = values[row * stride + source - (first[row] as number)] as number;
      const target = row * length;
      for (let i = 0; i < length; i++) {
        sums[target + i] = ((sums[target + i] as number) + Math.imul(across[i] as number, weight)) | 0;
      }
    }
  }
  const output = new Uint8ClampedArray(sums.length);
  for (let i = 0; i < sums.length; i++) output[i] = (sums[i] as number) >> FRACTION_BITS;
  return new Uint8Array(output.buffer);
}

/** One row of a picture, resampled to the width of `output`. */
function resampleAcross(image: RgbImage, columns: Weights, row: number, output: Uint8ClampedArray): void {
  const { data } = image;
  const { first, count, values, stride } = columns;
  const rowStart = row * image.width * 3;
  for (let column = 0, at = 0; at < output.length; column++, at += 3) {
    let source = rowStart + (first[column] as number) * 3;
    let tap = column * stride;
    const end = tap + (count[column] as number);
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (; tap < end; tap++, source += 3) {
      const weight = values[tap] as number;
      red = (red + Math.imul(data[source] as number, weight)) | 0;
      green = (green + Math.imul(data[source + 1] as number, weight)) | 0;
      blue = (blue + Math.imul(data[source + 2] as number, weight)) | 0;
    }
    output[at] = red >> FRACTION_BITS;
    output[at + 1] = green >> FRACTION_BITS;
    output[at + 2] = blue >> FRACTION_BITS;
  }
}
