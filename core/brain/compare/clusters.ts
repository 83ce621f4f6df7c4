/** k-means clusters of vectors: the same ones every time for the same vectors in the same order. */

import type { Matrix } from "../../matrix.ts";
import { seededRandom } from "../../random.ts";
import type { Pace } from "../visualization/pace.ts";
import { squaredDistanceTo } from "./vector-rows.ts";

/** The cluster of each row, and the row's euclidean distance to its centre. */
export interface Clusters {
  readonly labels: Uint32Array;
  readonly distances: Float64Array;
  readonly count: number;
}

const SEED = 1234;
const MOST_ROUNDS = 100;
/** What float32 numbers lose. */
const ROUNDING = 2 ** -23;
/** Rows between two turns. */
const ROWS_PER_TURN = 1_000;

/**
 * Lloyd's rounds from k-means++ seeds (Arthur, Vassilvitskii 2007), until no row changes its cluster or 100 times.
 * `rounds * rows * count * dimension` operations.
 */
export async function kMeans(vectors: Matrix, count: number, turn: Pace): Promise<Clusters> {
  const { rows } = vectors;
  const size = Math.min(count, rows);
  const centers = await seedCenters(vectors, size, turn);
  const labels = new Uint32Array(rows);
  const distances = new Float64Array(rows);
  for (let round = 0; ; round++) {
    const changed = await assign(vectors, centers, size, labels, distances, turn);
    if ((changed === 0 && round > 0) || round === MOST_ROUNDS) break;
    moveCenters(vectors, centers, size, labels);
  }
  return {
    labels,
    distances: distances.map((squared, row) => lengthOf(squared, vectors.row(row))),
    count: size,
  };
}

/** A distance from its square; 0 where rounding of the mean alone makes one, so that copies lie in their centre. */
function lengthOf(squared: number, row: Float32Array): number {
  const own = row.reduce((sum, value) => sum + value * value, 0);
  return squared <= own * ROUNDING ** 2 ? 0 : Math.sqrt(squared);
}

/** The first row at random, then each time a row with a chance that grows with its squared distance. */
async function seedCenters(vectors: Matrix, size: number, turn: Pace): Promise<Float64Array> {
  const { data, rows, dimension } = vectors;
  const random = seededRandom(SEED);
  const centers = new Float64Array(size * dimension);
  const nearest = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  let row = Math.floor(random() * rows);
  for (let center = 0; center < size; center++) {
    centers.set(vectors.row(row), center * dimension);
    let sum = 0;
    for (let i = 0; i < rows; i++) {
      if (i % ROWS_PER_TURN === 0) await turn();
      nearest[i] = Math.min(nearest[i] as number, squaredDistanceTo(data, i, centers, center, dimension));
      sum += nearest[i] as number;
    }
    row = pick(nearest, random() * sum);
  }
  return centers;
}

function pick(weights: Float64Array, target: number): number {
  let sum = 0;
  for (let row = 0; row < weights.length; row++) {
    sum += weights[row] as number;
    if (sum > target) return row;
  }
  return Math.max(0, weights.length - 1);
}

/** Gives each row to the nearest centre, the first of equal ones; returns how many changed. */
async function assign(
  { data, rows, dimension }: Matrix,
  centers: Float64Array,
  size: number,
  labels: Uint32Array,
  distances: Float64Array,
  turn: Pace,
): Promise<number> {
  let changed = 0;
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_PER_TURN === 0) await turn();
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let center = 0; center < size; center++) {
      const distance = squaredDistanceTo(data, row, centers, center, dimension);
      if (distance < least) [best, least] = [center, distance];
    }
    if (labels[row] !== best) changed++;
    labels[row] = best;
    distances[row] = least;
  }
  return changed;
}

/** Moves each centre to the mean of its rows; one without rows stays. */
function moveCenters(
  { data, rows, dimension }: Matrix,
  centers: Float64Array,
  size: number,
  labels: Uint32Array,
): void {
  const counts = new Uint32Array(size);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  for (let center = 0; center < size; center++) {
    if (counts[center] !== 0) centers.fill(0, center * dimension, (center + 1) * dimension);
  }
  for (let row = 0; row < rows; row++) {
    const label = labels[row] ?? 0;
    const share = 1 / (counts[label] ?? 1);
    for (let i = 0; i < dimension; i++) {
      const at = label * dimension + i;
      centers[at] = (centers[at] as number) + share * (data[row * dimension + i] as number);
    }
  }
}
