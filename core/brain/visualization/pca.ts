/** Principal components of a stream of vectors, exactly: one pass for the covariance, one to project. */

import { NearsightError } from "../../errors.ts";
import { type Matrix, matrix } from "../../matrix.ts";
import { leadingEigenvectors } from "./eigenvectors.ts";
import type { Pace } from "./pace.ts";
import type { VectorStream } from "./vector-stream.ts";

/** Rows that are added to the covariance together. */
const TILE = 8;

/** The widest vectors whose covariance is worth holding: 4096 numbers make 128 MiB. */
const WIDEST = 4096;

/**
 * Float32 points [rows, numDims] in the stream's order: centred, projected on the directions of largest
 * variance. The largest weight of each direction is positive, as in scikit-learn. Memory is one square of
 * the dimension, whatever the number of rows. LIMIT_EXCEEDED above 4096 numbers a vector.
 */
export async function principalComponents(
  stream: VectorStream,
  numDims: number,
  turn: Pace,
): Promise<Matrix> {
  const { dimension, rows } = stream;
  assertFits(dimension, numDims);
  const { mean, covariance } = await moments(stream, turn);
  const { vectors } = await leadingEigenvectors(covariance, dimension, numDims, turn);
  const axes = vectors.map(positive);
  const offsets = axes.map((axis) => axis.reduce((sum, weight, i) => sum + weight * (mean[i] as number), 0));
  const points = new Float32Array(rows * numDims);
  let place = 0;
  for await (const page of stream.pages()) {
    for (let row = 0; row < page.rows; row++) {
      const vector = page.row(row);
      axes.forEach((axis, i) => {
        points[place++] = projection(axis, vector) - (offsets[i] as number);
      });
    }
    await turn();
  }
  return matrix(points, numDims);
}

function assertFits(dimension: number, numDims: number): void {
  if (dimension > WIDEST) {
    throw new NearsightError({
      code: "LIMIT_EXCEEDED",
      message: `Expected vectors of at most ${WIDEST} numbers for their principal components but found ${dimension}`,
      hint: "Use embeddings of fewer numbers",
      details: { dimension, limit: WIDEST },
    });
  }
  if (numDims <= dimension) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected numDims of at most ${dimension}, as the vectors have, but found ${numDims}`,
    hint: "Ask for fewer dimensions",
  });
}

/** Mean and covariance, in double precision; numbers are taken from the first vector, so that none cancels out. */
async function moments(
  stream: VectorStream,
  turn: Pace,
): Promise<{ mean: Float64Array; covariance: Float64Array }> {
  const { dimension, rows } = stream;
  const products = new Float64Array(dimension * dimension);
  const sums = new Float64Array(dimension);
  const tile = new Float64Array(TILE * dimension);
  let origin: Float64Array | undefined;
  let filled = 0;
  for await (const page of stream.pages()) {
    for (let row = 0; row < page.rows; row++) {
      const vector = page.row(row);
      origin ??= Float64Array.from(vector);
      for (let i = 0; i < dimension; i++) {
        const value = (vector[i] as number) - (origin[i] as number);
        tile[filled * dimension + i] = value;
        sums[i] = (sums[i] as number) + value;
      }
      if (++filled < TILE) continue;
      addProducts(products, tile, dimension);
      filled = 0;
      await turn();
    }
  }
  tile.fill(0, filled * dimension);
  addProducts(products, tile, dimension);
  return {
    mean: sums.map((sum, i) => sum / rows + ((origin?.[i] as number) ?? 0)),
    covariance: centred(products, sums, rows),
  };
}

/** Adds the products of all pairs of columns of 8 rows to the upper half. */
function addProducts(products: Float64Array, tile: Float64Array, dimension: number): void {
  const [r0, r1, r2, r3, r4, r5, r6, r7] = Array.from({ length: TILE }, (_, i) =>
    tile.subarray(i * dimension, (i + 1) * dimension),
  ) as [
    ...[Float64Array, Float64Array, Float64Array, Float64Array],
    ...[Float64Array, Float64Array, Float64Array, Float64Array],
  ];
  for (let i = 0; i < dimension; i++) {
    const [a0, a1, a2, a3] = [r0[i] as number, r1[i] as number, r2[i] as number, r3[i] as number];
    const [a4, a5, a6, a7] = [r4[i] as number, r5[i] as number, r6[i] as number, r7[i] as number];
    const start = i * dimension;
    for (let j = i; j < dimension; j++) {
      products[start + j] =
        (products[start + j] as number) +
        (a0 * (r0[j] as number) + a1 * (r1[j] as number) + a2 * (r2[j] as number) + a3 * (r3[j] as number)) +
        (a4 * (r4[j] as number) + a5 * (r5[j] as number) + a6 * (r6[j] as number) + a7 * (r7[j] as number));
    }
  }
}

/** The covariance from sums of products, both halves filled. */
function centred(products: Float64Array, sums: Float64Array, rows: number): Float64Array {
  const dimension = sums.length;
  for (let i = 0; i < dimension; i++) {
    for (let j = i; j < dimension; j++) {
      const value =
        (products[i * dimension + j] as number) - ((sums[i] as number) * (sums[j] as number)) / rows;
      products[i * dimension + j] = value / Math.max(1, rows - 1);
      products[j * dimension + i] = value / Math.max(1, rows - 1);
    }
  }
  return products;
}

/** The direction or its opposite, whichever has its largest weight positive. */
function positive(axis: Float64Array): Float64Array {
  const largest = axis.reduce((most, weight) => (Math.abs(weight) > Math.abs(most) ? weight : most), 0);
  return largest < 0 ? axis.map((weight) => -weight) : axis;
}

function projection(axis: Float64Array, vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < axis.length; i++) sum += (axis[i] as number) * (vector[i] as number);
  return sum;
}
