/** UMAP by `umap-js`, fed with the exact neighbours and started from the principal components. */

import type { ProgressOption } from "../../dataset/brain-port.ts";
import { type Matrix, matrix } from "../../matrix.ts";
import { seededRandom } from "../../random.ts";
import type { NeighborGraph } from "./neighbor-graph.ts";
import type { Pace } from "./pace.ts";

export interface UmapOptions {
  readonly minDist: number;
  readonly seed: number;
  readonly progress?: ProgressOption | undefined;
}

/** The square in which umap-js places its points at first reaches this far from its centre. */
const START_RADIUS = 10;

/** Float32 points like `start`, [rows, numDims]; the same for equal input and seed. */
export async function umapLayout(
  graph: NeighborGraph,
  start: Matrix,
  { minDist, seed, progress }: UmapOptions,
  turn: Pace,
): Promise<Matrix> {
  const { UMAP } = await import("umap-js");
  const random = seededRandom(seed);
  const layout = new UMAP({
    nComponents: start.dimension,
    nNeighbors: graph.width + 1,
    minDist,
    random,
  });
  const { indices, distances } = withSelf(graph);
  layout.setPrecomputedKNN(indices, distances);
  // Only the number of rows is read of vectors whose neighbours are known.
  const epochs = layout.initializeFit(indices);
  place(layout.getEmbedding(), start, random);
  for (let epoch = 0; epoch < epochs; epoch++) {
    layout.step();
    progress?.({ phase: "layout", done: epoch + 1, total: epochs, failed: 0 });
    await turn();
  }
  const points = new Float32Array(start.data.length);
  layout.getEmbedding().forEach((point, i) => {
    points.set(point, i * start.dimension);
  });
  return matrix(points, start.dimension);
}

/** UMAP counts a point as its own first neighbour. */
function withSelf({ rows, width, neighbors, distances }: NeighborGraph): {
  indices: number[][];
  distances: number[][];
} {
  const indices: number[][] = [];
  const far: number[][] = [];
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * width, (row + 1) * width];
    indices.push([row, ...neighbors.subarray(from, to)]);
    // A place without a neighbour is skipped by its index; its distance must still be a number.
    far.push(
      [0, ...distances.subarray(from, to)].map((one) => (Number.isFinite(one) ? Math.max(0, one) : 0)),
    );
  }
  return { indices, distances: far };
}

/** Puts the library's points where `start` has them, stretched to its usual square; equal ones a little apart. */
function place(points: number[][], start: Matrix, random: () => number): void {
  const reach = start.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  points.forEach((point, i) => {
    const row = start.row(i);
    for (let d = 0; d < point.length; d++) {
      point[d] = ((row[d] ?? 0) / reach) * START_RADIUS + (random() - 0.5) * 1e-3;
    }
  });
}
