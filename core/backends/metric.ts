/** The metrics: what distance means, how a score follows from it, and the plain formulas. */

import type { VectorData } from "../matrix.ts";

/** How two vectors are compared; jaccard and hamming are for binary vectors. */
export type Metric = "cosine" | "dotproduct" | "euclidean" | "jaccard" | "hamming";

export const METRICS: readonly Metric[] = ["cosine", "dotproduct", "euclidean", "jaccard", "hamming"];

/** True for metrics on packed bits. */
export function isBinaryMetric(metric: Metric): boolean {
  return metric === "jaccard" || metric === "hamming";
}

/**
 * The score of a distance: higher is more similar. It is the cosine for cosine, the inner product for
 * dotproduct, 1 / (1 + distance) for euclidean and hamming, 1 - distance for jaccard.
 */
export function scoreOf(metric: Metric, distance: number): number {
  switch (metric) {
    case "cosine":
    case "jaccard":
      return 1 - distance;
    case "dotproduct":
      return distance === 0 ? 0 : -distance;
    case "euclidean":
    case "hamming":
      return 1 / (1 + distance);
  }
}

/**
 * The exact distance of two vectors in double precision: lower is closer.
 * cosine 1 - cos; dotproduct -(a.b); euclidean |a - b|; jaccard 1 - |a&b| / |a|b| (0 for two empty sets);
 * hamming the number of differing bits.
 */
export function distanceOf(metric: Metric, a: VectorData, b: VectorData): number {
  switch (metric) {
    case "cosine":
      return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    case "dotproduct":
      return -dot(a, b);
    case "euclidean":
      return Math.sqrt(squaredDifference(a, b));
    case "jaccard":
      return jaccardDistance(a, b);
    case "hamming":
      return countBits(a, b, (x, y) => x ^ y);
  }
}

function dot(a: VectorData, b: VectorData): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function squaredDifference(a: VectorData, b: VectorData): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return sum;
}

function jaccardDistance(a: VectorData, b: VectorData): number {
  const union = countBits(a, b, (x, y) => x | y);
  return union === 0 ? 0 : 1 - countBits(a, b, (x, y) => x & y) / union;
}

function countBits(a: VectorData, b: VectorData, combine: (x: number, y: number) => number): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) {
    let bits = combine(a[i] ?? 0, b[i] ?? 0);
    for (; bits !== 0; bits &= bits - 1) count++;
  }
  return count;
}
