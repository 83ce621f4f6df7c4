/** t-SNE (van der Maaten, 2014) on the exact neighbours: attraction along them, repulsion by a tree. */

import type { ProgressOption } from "../../dataset/brain-port.ts";
import { NearsightError } from "../../errors.ts";
import { type Matrix, matrix } from "../../matrix.ts";
import { seededRandom } from "../../random.ts";
import { forceTree } from "./barnes-hut.ts";
import type { NeighborGraph } from "./neighbor-graph.ts";
import type { Pace } from "./pace.ts";

export interface TsneOptions {
  readonly perplexity: number;
  readonly maxIters: number;
  /** Null: a twelfth of a quarter of the rows, at least 50. */
  readonly learningRate: number | null;
  readonly seed: number;
  readonly progress?: ProgressOption | undefined;
}

/** Neighbours are drawn together this much stronger for the first steps. */
const EXAGGERATION = 12;
const EXAGGERATED_STEPS = 250;

/** Side of a cell, in shares of its distance, below which it counts as one place. */
const THETA = 0.5;

/** Rows between two turns of other work. */
const ROWS_PER_TURN = 1_000;

/** Neighbours each row needs: three times the perplexity, fewer where there are not so many rows. */
export function tsneNeighbors(rows: number, perplexity: number): number {
  return Math.min(rows - 1, Math.max(1, Math.floor(3 * perplexity)));
}

/**
 * Float32 points like `start`, [rows, numDims]; the same for equal input and seed. `squared` turns a distance
 * of the graph into a squared euclidean one. INVALID_ARGUMENT for more than 3 dimensions.
 */
export async function tsneLayout(
  graph: NeighborGraph,
  start: Matrix,
  squared: (distance: number) => number,
  options: TsneOptions,
  turn: Pace,
): Promise<Matrix> {
  const dims = start.dimension;
  if (dims > 3) throw tooManyDims(dims);
  const affinities = symmetric(graph, conditional(graph, squared, options.perplexity));
  const points = startingPlaces(start, options.seed);
  const step = descent(affinities, points, dims, options.learningRate ?? defaultRate(graph.rows), turn);
  for (let i = 0; i < options.maxIters; i++) {
    await step(i);
    options.progress?.({ phase: "layout", done: i + 1, total: options.maxIters, failed: 0 });
  }
  return matrix(Float32Array.from(points), dims);
}

function defaultRate(rows: number): number {
  return Math.max(50, rows / EXAGGERATION / 4);
}

/** For each place of the graph how likely the row picks that neighbour, at the perplexity asked. */
function conditional(
  { rows, width, neighbors, distances }: NeighborGraph,
  squared: (distance: number) => number,
  perplexity: number,
): Float64Array {
  const chances = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    let count = 0;
    while (count < width && (neighbors[from + count] as number) >= 0) count++;
    const far = Float64Array.from({ length: count }, (_, i) => squared(distances[from + i] as number));
    chances.set(chancesOf(far, Math.log(Math.min(perplexity, count))), from);
  }
  return chances;
}

/** Searches the width of the bell curve whose chances have this entropy. */
function chancesOf(squared: Float64Array, entropy: number): Float64Array {
  const nearest = squared.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  const chances = new Float64Array(squared.length);
  let beta = 1;
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 100; attempt++) {
    let sum = 0;
    let weighted = 0;
    squared.forEach((one, i) => {
      const chance = Math.exp(-beta * (one - nearest));
      chances[i] = chance;
      sum += chance;
      weighted += chance * (one - nearest);
    });
    for (let i = 0; i < chances.length; i++) chances[i] = (chances[i] as number) / sum;
    const excess = Math.log(sum) + (beta * weighted) / sum - entropy;
    if (Math.abs(excess) < 1e-5) break;
    if (excess > 0) low = beta;
    else high = beta;
    beta = high === Number.POSITIVE_INFINITY ? beta * 2 : (low + high) / 2;
  }
  return chances;
}

/** Pairs and their shares of all attraction, row after row. */
interface Affinities {
  readonly rows: number;
  readonly starts: Int32Array;
  readonly others: Int32Array;
  readonly shares: Float64Array;
}

/** Each pair in both directions with the mean of its two chances; all shares add up to 1. */
function symmetric({ rows, width, neighbors }: NeighborGraph, chances: Float64Array): Affinities {
  const maps = Array.from({ length: rows }, () => new Map<number, number>());
  for (let place = 0; place < chances.length; place++) {
    const other = neighbors[place] as number;
    if (other < 0) continue;
    const row = Math.floor(place / width);
    const share = (chances[place] as number) / (2 * rows);
    add(maps[row], other, share);
    add(maps[other], row, share);
  }
  const starts = new Int32Array(rows + 1);
  maps.forEach((map, row) => {
    starts[row + 1] = (starts[row] as number) + map.size;
  });
  const others = new Int32Array(starts[rows] as number);
  const shares = new Float64Array(starts[rows] as number);
  maps.forEach((map, row) => {
    let place = starts[row] as number;
    for (const [other, share] of map) {
      others[place] = other;
      shares[place++] = share;
    }
  });
  return { rows, starts, others, shares };
}

function add(map: Map<number, number> | undefined, key: number, value: number): void {
  map?.set(key, (map.get(key) ?? 0) + value);
}

/** The start shrunk to a hair's breadth, as scikit-learn does it, equal places told apart. */
function startingPlaces(start: Matrix, seed: number): Float64Array {
  const random = seededRandom(seed);
  const spread =
    Math.sqrt(start.data.reduce((sum, one) => sum + one * one, 0) / Math.max(1, start.rows)) || 1;
  return Float64Array.from(start.data, (one) => (one / spread + (random() - 0.5) * 1e-2) * 1e-4);
}

/** One step of gradient descent with momentum and a gain for each number. */
function descent(
  affinities: Affinities,
  points: Float64Array,
  dims: number,
  learningRate: number,
  turn: Pace,
): (iteration: number) => Promise<void> {
  const { rows } = affinities;
  const tree = forceTree(rows, dims);
  const velocity = new Float64Array(points.length);
  const gains = new Float64Array(points.length).fill(1);
  const repulsion = new Float64Array(points.length);
  return async (iteration) => {
    const early = iteration < EXAGGERATED_STEPS;
    tree.build(points);
    repulsion.fill(0);
    let total = 0;
    for (let row = 0; row < rows; row++) {
      total += tree.repel(row, THETA, repulsion);
      if (row % ROWS_PER_TURN === 0) await turn();
    }
    const gradient = attraction(affinities, points, dims, early ? EXAGGERATION : 1);
    for (let i = 0; i < points.length; i++) {
      const slope = 4 * ((gradient[i] as number) - (repulsion[i] as number) / Math.max(total, 1e-12));
      const speed = velocity[i] as number;
      const gain = Math.max(
        0.01,
        slope * speed > 0 ? (gains[i] as number) * 0.8 : (gains[i] as number) + 0.2,
      );
      gains[i] = gain;
      const next = (early ? 0.5 : 0.8) * speed - learningRate * gain * slope;
      velocity[i] = next;
      points[i] = (points[i] as number) + next;
    }
    centre(points, dims);
  };
}

function attraction(
  { rows, starts, others, shares }: Affinities,
  points: Float64Array,
  dims: number,
  factor: number,
): Float64Array {
  const gradient = new Float64Array(points.length);
  for (let row = 0; row < rows; row++) {
    for (let place = starts[row] as number; place < (starts[row + 1] as number); place++) {
      const other = others[place] as number;
      let squared = 0;
      for (let d = 0; d < dims; d++) {
        const apart = (points[row * dims + d] as number) - (points[other * dims + d] as number);
        squared += apart * apart;
      }
      const strength = (factor * (shares[place] as number)) / (1 + squared);
      for (let d = 0; d < dims; d++) {
        const apart = (points[row * dims + d] as number) - (points[other * dims + d] as number);
        gradient[row * dims + d] = (gradient[row * dims + d] as number) + strength * apart;
      }
    }
  }
  return gradient;
}

function centre(points: Float64Array, dims: number): void {
  const rows = points.length / dims;
  for (let d = 0; d < dims; d++) {
    let sum = 0;
    for (let i = d; i < points.length; i += dims) sum += points[i] as number;
    for (let i = d; i < points.length; i += dims) points[i] = (points[i] as number) - sum / rows;
  }
}

function tooManyDims(dims: number): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected numDims of 1 to 3 for method 'tsne' but found ${dims}`,
    hint: 'Use method: "umap" or "pca" for more dimensions',
  });
}
