/** Resamples 8-bit RGB pictures with the arithmetic of Pillow: the same filters, passes and rounding. */

import type { RgbImage } from "./image.ts";
import type { Resample } from "./input-spec.ts";

/** A part of the resized picture: only its pixels are computed. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Filter {
  /** Half the width of the filter, in pixels of the smaller of both pictures. */
  readonly support: number;
  weight(x: number): number;
}

/** For each output position: the first input position, how many, and their weights as fixed-point numbers. */
interface Weights {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly values: Int32Array;
  /** Room per output position in `values`. */
  readonly stride: number;
}

// 8 bits of result and 2 bits for filters that overshoot leave 22 of 32 for the fraction.
const FRACTION_BITS = 22;
const HALF = 1 << (FRACTION_BITS - 1);
const ONE = 1 << FRACTION_BITS;

const FILTERS: Readonly<Record<Exclude<Resample, "nearest">, Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: (x) => bicubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/**
 * Resizes a picture to `width` x `height` as `PIL.Image.resize` does and returns the pixels of `window`, by default all.
 *
 * Shrinking averages over the covered pixels. First across, then down, each rounded to 8 bits, as Pillow up to 12
 * always does (13 sometimes goes down first).
 */
export function resample(
  image: RgbImage,
  width: number,
  height: number,
  method: Resample,
  window: Window = { x: 0, y: 0, width, height },
): RgbImage {
  if (method === "nearest") return nearest(image, width, height, window);
  const filter = FILTERS[method];
  const columns = weights(image.width, width, filter, window.x, window.width);
  const rows = weights(image.height, height, filter, window.y, window.height);
  return { width: window.width, height: window.height, data: sumRows(image, columns, rows, window) };
}

function weights(
  inputSize: number,
  outputSize: number,
  filter: Filter,
  start: number,
  length: number,
): Weights {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const support = filter.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const values = new Int32Array(length * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < length; i++) {
    const center = (start + i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const taps = Math.min(inputSize, Math.trunc(center + support + 0.5)) - from;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = filter.weight((tap + from - center + 0.5) * (1 / filterScale));
      exact[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap++) {
      const weight = exact[tap] as number;
      const share = sum === 0 ? weight : weight / sum;
      values[i * stride + tap] = Math.trunc(share * ONE + (share < 0 ? -0.5 : 0.5));
    }
    first[i] = from;
    count[i] = taps;
  }
  return { first, count, values, stride };
}

/**
 * Each input row is resampled across and added to the output rows it is part of, so that a tall picture takes no
 * more memory than its output.
 */
function sumRows(image: RgbImage, columns: Weights, rows: Weights, { width, height }: Window): Uint8Array {
  const { first, count, values, stride } = rows;
  const length = width * 3;
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

/** Takes the pixel under the middle of each output pixel. */
function nearest(image: RgbImage, width: number, height: number, window: Window): RgbImage {
  const columns = nearestPositions(image.width, width, window.x, window.width);
  const rows = nearestPositions(image.height, height, window.y, window.height);
  const data = new Uint8Array(window.width * window.height * 3);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const source = (row * image.width + column) * 3;
      data[at++] = image.data[source] as number;
      data[at++] = image.data[source + 1] as number;
      data[at++] = image.data[source + 2] as number;
    }
  }
  return { width: window.width, height: window.height, data };
}

function nearestPositions(inputSize: number, outputSize: number, start: number, length: number): Int32Array {
  const scale = inputSize / outputSize;
  const positions = new Int32Array(length);
  // Pillow adds step after step, so that its rounding errors are part of the result.
  let position = scale * 0.5;
  for (let i = 0; i < start + length; i++, position += scale) {
    if (i >= start) positions[i - start] = Math.min(inputSize - 1, Math.trunc(position));
  }
  return positions;
}

function bicubic(x: number): number {
  // Keys' kernel with a = -0.5.
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function hamming(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= 1) return 0;
  // The single-precision constants are Pillow's.
  return sinc(Math.abs(x)) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(Math.PI * x));
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
