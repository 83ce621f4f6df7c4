/** What the twins expect of an answer whose ranking nobody can foretell: the weights are random. */

import { expect } from "vitest";
import type { Dataset, DatasetView } from "../../core/index.ts";
import { type Matrix, matrix } from "../../core/matrix.ts";
import { seededRandom } from "../../core/random.ts";

/** Checks a view of the `k` most similar samples and gives their ids. */
export async function expectRanking(view: DatasetView, dataset: Dataset, k: number): Promise<string[]> {
  const ids = await view.values<string>("id");
  expect(ids).toHaveLength(k);
  expect(new Set(ids).size).toBe(k);
  expect(await dataset.values("id")).toEqual(expect.arrayContaining(ids));
  const hits = await view.hits();
  expect(hits.map((hit) => hit.id)).toEqual(ids);
  const distances = hits.map((hit) => hit.distance);
  expect(distances).toEqual(distances.toSorted((a, b) => a - b));
  const again = dataset.view(view.toJSON());
  expect(await again.values("id")).toEqual(ids);
  return ids;
}

let seed = 0;

/** `rows` vectors of `dimension` numbers from 0 to 1, others at every call. */
export function rand(rows: number, dimension: number): Matrix {
  const random = seededRandom(++seed);
  return matrix(
    Float32Array.from({ length: rows * dimension }, () => random()),
    dimension,
  );
}

/** The mean of all rows. */
export function meanOf(vectors: Matrix): Float32Array {
  const mean = new Float32Array(vectors.dimension);
  for (let i = 0; i < mean.length; i++) {
    let sum = 0;
    for (let row = 0; row < vectors.rows; row++) sum += vectors.row(row)[i] ?? 0;
    mean[i] = sum / vectors.rows;
  }
  return mean;
}
