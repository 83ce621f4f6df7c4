/** The calculations of visualizations: principal components, eigenvectors, t-SNE's tree, UMAP's neighbours. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forceTree } from "../../../core/brain/visualization/barnes-hut.ts";
import { leadingEigenvectors } from "../../../core/brain/visualization/eigenvectors.ts";
import type { NeighborGraph } from "../../../core/brain/visualization/neighbor-graph.ts";
import { pace } from "../../../core/brain/visualization/pace.ts";
import { principalComponents } from "../../../core/brain/visualization/pca.ts";
import { tsneLayout, tsneNeighbors } from "../../../core/brain/visualization/tsne.ts";
import { umapLayout } from "../../../core/brain/visualization/umap.ts";
import type { VectorStream } from "../../../core/brain/visualization/vector-stream.ts";
import { type Matrix, matrix } from "../../../core/matrix.ts";
import { seededRandom } from "../../../core/random.ts";
import { randomVectors } from "../../support/vectors.ts";

const turn = pace(undefined);

function streamOf(vectors: Matrix, pageRows = 7): VectorStream {
  const { data, rows, dimension } = vectors;
  return {
    rows,
    dimension,
    identities: [],
    async *pages() {
      for (let i = 0; i < rows; i += pageRows) {
        yield matrix(data.slice(i * dimension, Math.min(rows, i + pageRows) * dimension), dimension);
      }
    },
  };
}

/** Vectors around `groups` far centres, row `i` in group `i % groups`. */
function clusters(rows: number, dimension: number, groups: number, seed: number): Matrix {
  const random = seededRandom(seed);
  const centres = Array.from({ length: groups }, () =>
    Array.from({ length: dimension }, () => random() * 20),
  );
  const data = new Float32Array(rows * dimension);
  for (let i = 0; i < data.length; i++) {
    data[i] = (centres[Math.floor(i / dimension) % groups]?.[i % dimension] ?? 0) + random();
  }
  return matrix(data, dimension);
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0);
}

function bruteGraph(vectors: Matrix, width: number): NeighborGraph {
  const { rows } = vectors;
  const neighbors = new Int32Array(rows * width);
  const distances = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const ranked = Array.from({ length: rows }, (_, other) => other)
      .filter((other) => other !== row)
      .map((other) => ({ other, far: Math.sqrt(squaredDistance(vectors.row(row), vectors.row(other))) }))
      .sort((a, b) => a.far - b.far);
    ranked.slice(0, width).forEach(({ other, far }, i) => {
      neighbors[row * width + i] = other;
      distances[row * width + i] = far;
    });
  }
  return { rows, width, neighbors, distances };
}

/** Share of rows whose nearest point is of their own group. */
function purity(points: Matrix, groups: number): number {
  const { neighbors } = bruteGraph(points, 1);
  return neighbors.filter((other, row) => other % groups === row % groups).length / points.rows;
}

describe("principal components", () => {
  it("are numpy's: centred, by falling variance, the largest weight of each direction positive", async () => {
    // numpy 2.4.6: centred = X - X.mean(0); U, S, V = svd(centred); signs by the largest |V|; centred @ V.T
    const vectors = matrix(
      new Float32Array([2.5, 2.4, 0.5, 0.5, 0.7, 1, 2.2, 2.9, 0.25, 1.9, 2.2, 4, 3.1, 3, 8, 2.3, 2.7, 1.5]),
      3,
    );
    const points = await principalComponents(streamOf(vectors, 4), 2, turn);
    const expected = [
      -1.930355, 0.718566, -1.935696, -1.936433, -2.168673, 0.922913, 1.390514, -0.477658, 5.591628, 0.158497,
      -0.947418, 0.614117,
    ];
    [...points.data].forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
    });
  });

  it("of wide vectors keep what a plane can: distances along planted directions", async () => {
    const [rows, dimension] = [60, 300];
    const random = seededRandom(3);
    const axis = (from: number) => Array.from({ length: dimension }, (_, i) => (i % 4 === from ? 1 : 0));
    const [first, second] = [axis(1), axis(2)];
    const weights = Array.from({ length: rows }, () => [random() * 50 - 25, random() * 20 - 10] as const);
    const data = Float32Array.from({ length: rows * dimension }, (_, i) => {
      const [a, b] = weights[Math.floor(i / dimension)] ?? [0, 0];
      const column = i % dimension;
      return 100 + a * (first[column] ?? 0) + b * (second[column] ?? 0) + (random() - 0.5) * 1e-3;
    });
    const vectors = matrix(data, dimension);
    const points = await principalComponents(streamOf(vectors), 2, turn);
    for (let row = 1; row < rows; row++) {
      const kept = squaredDistance(points.row(0), points.row(row));
      const full = squaredDistance(vectors.row(0), vectors.row(row));
      expect(kept / full).toBeCloseTo(1, 3);
    }
  });

  it("are the same whatever the pages, and leave the vectors alone", async () => {
    const vectors = randomVectors(50, 20, 9);
    const before = vectors.data.slice();
    const small = await principalComponents(streamOf(vectors, 1), 3, turn);
    const large = await principalComponents(streamOf(vectors, 50), 3, turn);
    expect(small.data).toEqual(large.data);
    expect(vectors.data).toEqual(before);
  });

  it("put equal vectors, and a single one, at the origin", async () => {
    const equal = matrix(new Float32Array(5 * 200).fill(0.3), 200);
    expect([...(await principalComponents(streamOf(equal), 2, turn)).data]).toEqual(new Array(10).fill(0));
    const one = matrix(new Float32Array([1, 2, 3]), 3);
    expect([...(await principalComponents(streamOf(one), 2, turn)).data]).toEqual([0, 0]);
  });

  it("refuse more directions than the vectors have, and vectors too wide to hold a covariance of", async () => {
    const narrow = principalComponents(streamOf(randomVectors(9, 2)), 3, turn);
    await expect(narrow).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const wide = principalComponents(streamOf(randomVectors(1, 4097)), 2, turn);
    await expect(wide).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });
});

describe("eigenvectors", () => {
  it.each([5, 100, 180])(
    "of a matrix of %i rows with known eigenvalues, equal ones among them",
    async (size) => {
      const known = Array.from({ length: size }, (_, i) => (i < 3 ? [9, 9, 4][i] : 1 / (i + 1)) as number);
      // A diagonal matrix mirrored a few times keeps its eigenvalues.
      const turned = new Float64Array(size * size);
      for (let i = 0; i < size; i++) turned[i * size + i] = known[i] ?? 0;
      mirror(turned, size);
      const { values, vectors } = await leadingEigenvectors(turned, size, 3, turn);
      [9, 9, 4].forEach((value, i) => {
        expect(values[i]).toBeCloseTo(value, 8);
        const image = multiply(turned, vectors[i] ?? new Float64Array());
        image.forEach((entry, j) => {
          expect(entry).toBeCloseTo(value * (vectors[i]?.[j] ?? Number.NaN), 6);
        });
      });
    },
  );
});

/** Replaces `a` by `(I - 2vv') a (I - 2vv')` for a few unit vectors. */
function mirror(a: Float64Array, size: number): void {
  const random = seededRandom(size);
  for (let time = 0; time < 4; time++) {
    const axis = Float64Array.from({ length: size }, () => random() - 0.5);
    const length = Math.hypot(...axis);
    for (const side of ["rows", "columns"]) {
      for (let line = 0; line < size; line++) {
        const at = (i: number) => (side === "rows" ? line * size + i : i * size + line);
        const sum = axis.reduce((total, one, i) => total + ((a[at(i)] as number) * one) / length, 0);
        axis.forEach((one, i) => {
          a[at(i)] = (a[at(i)] as number) - (2 * sum * one) / length;
        });
      }
    }
  }
}

function multiply(matrix: Float64Array, vector: Float64Array): Float64Array {
  return vector.map((_, i) =>
    vector.reduce((sum, v, j) => sum + v * (matrix[i * vector.length + j] as number), 0),
  );
}

describe("the tree of forces", () => {
  const exact = (points: Float64Array, dims: number, row: number) => {
    const force = new Float64Array(dims);
    let total = 0;
    for (let other = 0; other < points.length / dims; other++) {
      if (other === row) continue;
      const apart = Array.from(
        force,
        (_, d) => (points[row * dims + d] ?? 0) - (points[other * dims + d] ?? 0),
      );
      const q = 1 / (1 + apart.reduce((sum, one) => sum + one * one, 0));
      total += q;
      apart.forEach((one, d) => {
        force[d] = (force[d] ?? 0) + q * q * one;
      });
    }
    return { force, total };
  };

  it("is the exact sum when no cell may stand for its points, in 1 to 3 dimensions, equal points among them", () => {
    const place = fc.double({ min: -100, max: 100, noNaN: true });
    const cloud = fc
      .integer({ min: 1, max: 3 })
      .chain((dims) =>
        fc.array(fc.array(place, { minLength: dims, maxLength: dims }), { minLength: 1, maxLength: 40 }),
      );
    fc.assert(
      fc.property(cloud, fc.boolean(), (rows, doubled) => {
        const dims = rows[0]?.length ?? 1;
        const points = Float64Array.from((doubled ? [...rows, ...rows] : rows).flat());
        const tree = forceTree(points.length / dims, dims);
        tree.build(points);
        for (let row = 0; row < points.length / dims; row++) {
          const force = new Float64Array(points.length);
          const total = tree.repel(row, 0, force);
          const known = exact(points, dims, row);
          expect(total).toBeCloseTo(known.total, 8);
          known.force.forEach((one, d) => {
            expect(force[row * dims + d]).toBeCloseTo(one, 8);
          });
        }
      }),
    );
  });

  it("is close to it at the usual precision", () => {
    const points = Float64Array.from(randomVectors(500, 2, 4).data, (value) => value * 30);
    const tree = forceTree(500, 2);
    tree.build(points);
    for (const row of [0, 250, 499]) {
      const force = new Float64Array(points.length);
      const total = tree.repel(row, 0.5, force);
      expect(total / exact(points, 2, row).total).toBeCloseTo(1, 1);
    }
  });
});

describe("layouts", () => {
  const groups = 4;
  const vectors = clusters(100, 12, groups, 7);
  const start = principalComponents(streamOf(vectors), 2, turn);
  const tsne = async (seed: number, dims?: Matrix) =>
    tsneLayout(
      bruteGraph(vectors, tsneNeighbors(vectors.rows, 10)),
      dims ?? (await start),
      (one) => one * one,
      { perplexity: 10, maxIters: 400, learningRate: null, seed },
      turn,
    );
  const umap = async (seed: number) =>
    umapLayout(bruteGraph(vectors, 9), await start, { minDist: 0.1, seed }, turn);

  it("of umap and tsne keep groups together", async () => {
    expect(purity(await tsne(51), groups)).toBe(1);
    expect(purity(await umap(51), groups)).toBe(1);
  });

  it("are equal for equal seeds and differ for others", async () => {
    expect((await tsne(51)).data).toEqual((await tsne(51)).data);
    expect((await umap(51)).data).toEqual((await umap(51)).data);
    expect((await tsne(52)).data).not.toEqual((await tsne(51)).data);
    expect((await umap(52)).data).not.toEqual((await umap(51)).data);
  });

  it("of tsne are refused in more than 3 dimensions", async () => {
    const wide = principalComponents(streamOf(vectors), 4, turn);
    await expect(tsne(51, await wide)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("of many copies of one vector stay finite", async () => {
    const copies = matrix(new Float32Array(30 * 4).fill(1), 4);
    const flat = await principalComponents(streamOf(copies), 2, turn);
    const options = { perplexity: 5, maxIters: 60, learningRate: null, seed: 51 };
    const byTsne = await tsneLayout(bruteGraph(copies, 15), flat, (one) => one * one, options, turn);
    const byUmap = await umapLayout(bruteGraph(copies, 5), flat, { minDist: 0.1, seed: 51 }, turn);
    expect([...byTsne.data, ...byUmap.data].every(Number.isFinite)).toBe(true);
  });

  it("give way to a cancel", async () => {
    const controller = new AbortController();
    const stopped = pace(controller.signal);
    const graph = bruteGraph(vectors, 9);
    const running = umapLayout(
      graph,
      await start,
      { minDist: 0.1, seed: 51, progress: ({ done }) => done === 3 && controller.abort() },
      stopped,
    );
    await expect(running).rejects.toMatchObject({ code: "ABORTED" });
  });
});
