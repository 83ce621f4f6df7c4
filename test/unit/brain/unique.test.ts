/** `findUnique`: entries far from each other. */

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Metric } from "../../../core/backends/metric.ts";
import { type Matrix, matrix, type VectorData } from "../../../core/matrix.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { seededRandom } from "../../../core/random.ts";
import { DRIVERS, farthestRows, pairDistance } from "../../support/duplicates.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

let ns: Nearsight;
let made = 0;

beforeAll(async () => {
  ns = await temporaryNearsight({ backends: DRIVERS });
});

async function make(vectors: Matrix<VectorData>, backend = "local", metric: Metric = "cosine") {
  const dataset = await ns.createDataset(`unique-${made++}`);
  const ids = await dataset.addSamples(
    Array.from({ length: vectors.rows }, (_, i) => ({ filepath: `image${i}.jpg` })),
  );
  const index = await ns.computeSimilarity(dataset, { embeddings: vectors as Matrix, backend, metric });
  return { dataset, index, ids };
}

/** The smallest distance between two rows. */
function spread(vectors: Matrix<VectorData>, metric: Metric, rows: readonly number[]): number {
  return Math.min(
    ...rows.flatMap((a, i) => rows.slice(i + 1).map((b) => pairDistance(metric, vectors, a, b))),
  );
}

/** All choices of `count` rows. */
function* choices(rows: readonly number[], count: number): Generator<number[]> {
  if (count === 0) yield [];
  else {
    for (const [i, row] of rows.entries()) {
      for (const rest of choices(rows.slice(i + 1), count - 1)) yield [row, ...rest];
    }
  }
}

describe.each(DRIVERS.map((driver) => driver.name))("findUnique on '%s'", (backend) => {
  it.each(["cosine", "euclidean", "dotproduct"] as const)(
    "chooses as the definition does: %s",
    async (metric) => {
      const vectors = randomVectors(70, 7, 31);
      const { index, ids } = await make(vectors, backend, metric);
      for (const count of [1, 2, 13, 69, 70]) {
        await index.findUnique(count);
        const chosen = new Set(farthestRows(vectors, metric, count));
        expect(index.uniqueIds).toEqual(ids.filter((_, row) => chosen.has(row)));
        expect(index.duplicateIds).toEqual(ids.filter((_, row) => !chosen.has(row)));
      }
    },
  );

  it("chooses among bits", async () => {
    const random = seededRandom(4);
    const bits = matrix(
      Uint8Array.from({ length: 40 * 8 }, () => random() * 256),
      64,
    );
    for (const metric of ["jaccard", "hamming"] as const) {
      const { index, ids } = await make(bits, backend, metric);
      await index.findUnique(9);
      const chosen = new Set(farthestRows(bits, metric, 9));
      expect(index.uniqueIds).toEqual(ids.filter((_, row) => chosen.has(row)));
    }
  });
});

describe("findUnique", () => {
  it("leaves no entry farther than thresh from a chosen one, and chooses none nearer to another", async () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: 1, max: 5 })), {
      minLength: 2,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(rows, fc.nat(), async (list, seed) => {
        const vectors = matrix(Float32Array.from(list.flat()), 2);
        const { index, ids } = await make(vectors, "local", "euclidean");
        const count = 1 + (seed % (list.length - 1));
        await index.findUnique(count);
        const rowOf = new Map(ids.map((id, row) => [id, row]));
        const chosen = (index.uniqueIds ?? []).map((id) => rowOf.get(id) ?? -1);
        expect(chosen).toHaveLength(count);
        const thresh = index.thresh ?? Number.NaN;
        for (const id of index.duplicateIds ?? []) {
          const row = rowOf.get(id) ?? -1;
          const nearest = Math.min(...chosen.map((other) => pairDistance("euclidean", vectors, row, other)));
          expect(nearest).toBeLessThanOrEqual(thresh + 1e-6);
        }
        if (count > 1) expect(spread(vectors, "euclidean", chosen)).toBeGreaterThanOrEqual(thresh - 1e-6);
      }),
      { numRuns: 30 },
    );
  });

  it("spreads the entries at least half as far as the best choice does", async () => {
    for (const seed of [1, 2, 3]) {
      const vectors = randomVectors(11, 2, seed);
      const { index, ids } = await make(vectors, "local", "euclidean");
      const rows = [...ids.keys()];
      for (const count of [2, 4, 6]) {
        await index.findUnique(count);
        const chosen = (index.uniqueIds ?? []).map((id) => ids.indexOf(id));
        const best = Math.max(...[...choices(rows, count)].map((rows) => spread(vectors, "euclidean", rows)));
        expect(spread(vectors, "euclidean", chosen)).toBeGreaterThanOrEqual(best / 2);
      }
    }
  });

  it("gives copies last, and everything where as many are asked for", async () => {
    const vectors = matrix(Float32Array.from([1, 0, 1, 0, 0, 1, 1, 0]), 2);
    const { index, ids } = await make(vectors);
    await index.findUnique(2);
    expect(index.uniqueIds).toEqual([ids[0], ids[2]]);
    expect(index.thresh).toBeCloseTo(0, 6);
    await index.findUnique(9);
    expect(index.uniqueIds).toEqual(ids);
    expect(index.thresh).toBeNull();
  });

  it("limits itself to the view, and answers for an empty one", async () => {
    const vectors = randomVectors(20, 4, 3);
    const { dataset, index, ids } = await make(vectors);
    await index.useView(dataset.skip(5).limit(8)).findUnique(3);
    const part = matrix(vectors.data.slice(5 * 4, 13 * 4), 4);
    const chosen = new Set(farthestRows(part, "cosine", 3).map((row) => ids[row + 5]));
    expect(index.uniqueIds).toEqual(ids.filter((id) => chosen.has(id)));
    await index.useView(dataset.select([])).findUnique(3);
    expect([index.uniqueIds, index.duplicateIds]).toEqual([[], []]);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses a count of %d", async (count) => {
    const { index } = await make(randomVectors(3, 4));
    await expect(index.findUnique(count)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("hears the signal and reports progress", async () => {
    const { index } = await make(randomVectors(9, 4));
    const signal = AbortSignal.abort();
    await expect(index.findUnique(3, { signal })).rejects.toMatchObject({ code: "ABORTED" });
    const events: number[] = [];
    await index.findUnique(3, { progress: (event) => events.push(event.done) });
    expect(events.at(-1)).toBe(3);
  });
});
