/** What each pixel of a resized picture is made of: Pillow's filters, as weights of the pixels it covers. */

import type { Resample } from "../input-spec.ts";

/** For each output position: the first input position, how many, and their weights as fixed-point numbers. */
export interface Weights {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly values: Int32Array;
  /** Room per output position in `values`; what is not used is 0. */
  readonly stride: number;
}

/** 8 bits of result and 2 bits for filters that overshoot leave 22 of 32 for the fraction. */
export const FRACTION_BITS = 22;

const ONE = 1 << FRACTION_BITS;

interface Filter {
  /** Half the width of the filter, in pixels of the smaller of both pictures. */
  readonly support: number;
  weight(x: number): number;
}

/** The ways to resize that weigh pixels. */
export type Averaging = Exclude<Resample, "nearest">;

const FILTERS: Readonly<Record<Averaging, Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: (x) => bicubic(Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Weights made last: pictures of one data set often have one size. */
const recent = new Map<string, Weights>();

const RECENT_WEIGHTS = 16;

/** Those of huge pictures are made anew, so that what is kept stays small. */
const KEPT_VALUES = 65_536;

/** The weights of `length` output positions from `start` on, where `inputSize` pixels become `outputSize`. */
export function resampleWeights(
  method: Averaging,
  inputSize: number,
  outputSize: number,
  start: number,
  length: number,
): Weights {
  const key = [method, inputSize, outputSize, start, length].join();
  const known = recent.get(key);
  if (known !== undefined) return known;
  const weights = makeWeights(FILTERS[method], inputSize, outputSize, start, length);
  if (weights.values.length > KEPT_VALUES) return weights;
  recent.set(key, weights);
  const [oldest] = recent.keys();
  if (recent.size > RECENT_WEIGHTS && oldest !== undefined) recent.delete(oldest);
  return weights;
}

function makeWeights(
  filter: Filter,
  inputSize: number,
  outputSize: number,
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
