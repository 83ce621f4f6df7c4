/** Duplicates by threshold and by fraction, on backends of every kind. */

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Metric } from "../../../core/backends/metric.ts";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import { type Matrix, matrix, type VectorData } from "../../../core/matrix.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { seededRandom } from "../../../core/random.ts";
import { DRIVERS, ENDED, greedyRows, pairDistance } from "../../support/duplicates.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

let ns: Nearsight;
let made = 0;

beforeAll(async () => {
  ns = await temporaryNearsight({ backends: DRIVERS });
});

interface Made {
  readonly dataset: Dataset;
  readonly index: SimilarityIndex;
  readonly ids: readonly string[];
}

async function make(
  vectors: Matrix<VectorData>,
  backend = "local",
  metric: Metric = "cosine",
): Promise<Made> {
  const dataset = await ns.createDataset(`duplicates-${made++}`);
  const ids = await dataset.addSamples(
    Array.from({ length: vectors.rows }, (_, i) => ({ filepath: `image${i}.jpg`, number: i })),
  );
  const index = await ns.computeSimilarity(dataset, {
    embeddings: vectors as Matrix,
    backend,
    metric,
    brainKey: "images",
  });
  return { dataset, index, ids };
}

/** Rows in groups of near copies: groups overlap a little, so that the order decides. */
function clustered(rows: number, dimension: number, seed: number, noise = 0.15): Matrix {
  const random = seededRandom(seed);
  const centers = randomVectors(Math.ceil(rows / 4), dimension, seed + 1);
  return matrix(
    Float32Array.from({ length: rows * dimension }, (_, i) => {
      const center = Math.floor(i / dimension) % centers.rows;
      return (centers.row(center)[i % dimension] ?? 0) + noise * (2 * random() - 1);
    }),
    dimension,
  );
}

/** Fails unless the result is what the definition says. */
function expectPartition({ index, ids }: Made, vectors: Matrix<VectorData>, metric: Metric = "cosine"): void {
  const thresh = index.thresh ?? Number.NaN;
  const row = new Map(ids.map((id, i) => [id, i]));
  const rowsOf = (some: readonly string[]) => some.map((id) => row.get(id) ?? -1);
  const unique = rowsOf(index.uniqueIds ?? []);
  const duplicates = rowsOf(index.duplicateIds ?? []);
  expect([...unique, ...duplicates].sort((a, b) => a - b)).toEqual([...ids.keys()]);
  for (const a of unique) {
    for (const b of unique) {
      if (a < b) expect(pairDistance(metric, vectors, a, b)).toBeGreaterThan(thresh);
    }
  }
  const listed: number[] = [];
  for (const [kept, members] of index.neighborsMap ?? []) {
    expect(unique).toContain(row.get(kept));
    expect(members.map(([, distance]) => distance)).toEqual(
      members.map(([, distance]) => distance).toSorted((a, b) => a - b),
    );
    for (const [id, distance] of members) {
      const member = row.get(id) ?? -1;
      listed.push(member);
      expect(distance).toBeLessThanOrEqual(thresh);
      const nearest = Math.min(...unique.map((other) => pairDistance(metric, vectors, other, member)));
      expect(distance).toBeCloseTo(nearest, 5);
      expect(distance).toBeCloseTo(pairDistance(metric, vectors, row.get(kept) ?? -1, member), 5);
    }
  }
  expect(listed.sort((a, b) => a - b)).toEqual(duplicates);
}

describe.each(DRIVERS.map((driver) => driver.name))("findDuplicates on '%s'", (backend) => {
  it.each(["cosine", "euclidean", "dotproduct"] as const)(
    "keeps what the definition keeps: %s",
    async (metric) => {
      const vectors = clustered(120, 8, 3);
      const found = await make(vectors, backend, metric);
      const thresholds = {
        cosine: [0, 0.003, 0.02, 0.3, 2],
        euclidean: [0.1, 0.25, 5],
        dotproduct: [-3, -1.5, 9],
      };
      for (const thresh of thresholds[metric]) {
        await found.index.findDuplicates({ thresh });
        const kept = greedyRows(vectors, metric, thresh).map((row) => found.ids[row]);
        expect(found.index.uniqueIds).toEqual(kept);
        expectPartition(found, vectors, metric);
      }
    },
  );

  it.each(["jaccard", "hamming"] as const)("keeps what the definition keeps: bits by %s", async (metric) => {
    const random = seededRandom(5);
    const bits = matrix(
      Uint8Array.from({ length: 60 * 4 }, () => (random() < 0.5 ? 0xff : random() * 256)),
      32,
    );
    const found = await make(bits, backend, metric);
    for (const thresh of metric === "jaccard" ? [0, 0.2, 0.5] : [0, 3, 9]) {
      await found.index.findDuplicates({ thresh });
      expect(found.index.uniqueIds).toEqual(greedyRows(bits, metric, thresh).map((row) => found.ids[row]));
      expectPartition(found, bits, metric);
    }
  });

  it("tells copies from the entry itself", async () => {
    const vectors = matrix(Float32Array.from([1, 2, 1, 2, 2, 1, 1, 2, 1, 2]), 2);
    const found = await make(vectors, backend);
    await found.index.findDuplicates({ thresh: 0 });
    const [first = "", second, third, fourth, fifth] = found.ids;
    expect(found.index.uniqueIds).toEqual([first, third]);
    expect(found.index.neighborsMap?.get(first)?.map(([id]) => id)).toEqual([second, fourth, fifth]);
    expectPartition(found, vectors);
  });

  it("finds the threshold for a fraction, and the same result for that threshold", async () => {
    const vectors = clustered(150, 8, 9);
    const found = await make(vectors, backend);
    for (const fraction of [0.02, 0.1, 0.5, 0.9, 0.99]) {
      await found.index.findDuplicates({ fraction });
      expect(found.index.uniqueIds).toHaveLength(Math.round((1 - fraction) * 150));
      expectPartition(found, vectors);
      const { thresh, uniqueIds, neighborsMap } = found.index;
      await found.index.findDuplicates({ thresh: thresh ?? Number.NaN });
      expect(found.index.uniqueIds).toEqual(uniqueIds);
      expect(found.index.neighborsMap).toEqual(neighborsMap);
    }
  });

  it("calls at least the fraction duplicates where copies come in one step", async () => {
    const vectors = matrix(
      Float32Array.from({ length: 40 }, (_, i) => (i < 20 ? 1 + (i % 2) : Math.cos(i))),
      2,
    );
    const found = await make(vectors, backend);
    await found.index.findDuplicates({ fraction: 0.1 });
    expect(found.index.thresh).toBeCloseTo(0, 6);
    expect(found.index.duplicateIds).toHaveLength(9);
    expectPartition(found, vectors);
  });

  it("limits itself to the view, and takes its order", async () => {
    const vectors = clustered(80, 8, 21);
    const found = await make(vectors, backend);
    const view = found.dataset.match(F("number").lt(50)).sortBy("number", { reverse: true });
    await found.index.useView(view).findDuplicates({ thresh: 0.02 });
    const reversed = matrix(
      Float32Array.from({ length: 50 * 8 }, (_, i) => vectors.row(49 - Math.floor(i / 8))[i % 8] ?? 0),
      8,
    );
    expect(found.index.uniqueIds).toEqual(
      greedyRows(reversed, "cosine", 0.02).map((row) => found.ids[49 - row]),
    );
    expect([...(found.index.uniqueIds ?? []), ...(found.index.duplicateIds ?? [])]).toHaveLength(50);
    found.index.clearView();
    await found.index.findDuplicates({ thresh: 0.02 });
    expectPartition(found, vectors);
  });

  it("forgets deleted samples", async () => {
    const vectors = matrix(Float32Array.from([1, 0, 1, 0.001, 1, 0.002, 0, 1]), 2);
    const { dataset, index, ids } = await make(vectors, backend);
    await dataset.deleteSamples([ids[0] ?? ""]);
    await index.findDuplicates({ thresh: 0.1 });
    expect(index.uniqueIds).toEqual([ids[1], ids[3]]);
    expect(index.duplicateIds).toEqual([ids[2]]);
  });

  it("compares only entries of its own samples in a collection that holds others", async () => {
    const theirs = await make(randomVectors(6, 4, 2), backend);
    const dataset = await ns.createDataset(`guest-${made++}`);
    const ids = await dataset.addSamples([
      { filepath: "a.jpg" },
      { filepath: "b.jpg" },
      { filepath: "c.jpg" },
    ]);
    const { collectionName } = theirs.index.config;
    const index = await ns.computeSimilarity(dataset, {
      embeddings: false,
      backend,
      metric: "cosine",
      collectionName,
    });
    const [first = [], second = []] = [[...randomVectors(6, 4, 2).row(0)], [1, 2, 3, 4]];
    await index.addToIndex([first, second, second], ids);
    await index.findDuplicates({ thresh: 0.000_01 });
    expect([index.uniqueIds, index.duplicateIds]).toEqual([ids.slice(0, 2), ids.slice(2)]);
    const { counts } = await index.plotDistances({ bins: 1 });
    expect(counts).toEqual([3]);
  });

  it("answers for one entry, and for none", async () => {
    const one = await make(randomVectors(1, 4), backend);
    for (const options of [{ thresh: 1 }, { fraction: 1 }, { fraction: 0 }]) {
      await one.index.findDuplicates(options);
      expect([one.index.uniqueIds, one.index.duplicateIds]).toEqual([one.ids, []]);
      expect(one.index.neighborsMap).toEqual(new Map());
    }
    const { dataset } = one;
    const empty = await ns.computeSimilarity(dataset, { embeddings: false, backend, brainKey: "empty" });
    for (const options of [{ thresh: 1 }, { fraction: 0.5 }]) {
      await empty.findDuplicates(options);
      expect([empty.uniqueIds, empty.duplicateIds]).toEqual([[], []]);
    }
  });

  it("leaves the vectors alone", async () => {
    const vectors = clustered(40, 8, 2);
    const { index } = await make(vectors, backend);
    await index.findDuplicates({ thresh: 0.1 });
    await index.findDuplicates({ fraction: 0.4 });
    expect((await index.getEmbeddings()).embeddings.data).toEqual(vectors.data);
  });
});

describe("findDuplicates", () => {
  it("holds its promises for any vectors in any order", async () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: 1, max: 4 })), {
      minLength: 1,
      maxLength: 14,
    });
    const backend = fc.constantFrom(...DRIVERS.map((driver) => driver.name));
    const metric = fc.constantFrom("cosine" as const, "euclidean" as const);
    await fc.assert(
      fc.asyncProperty(
        rows,
        backend,
        metric,
        fc.double({ min: 0, max: 2, noNaN: true }),
        async (list, name, by, thresh) => {
          const vectors = matrix(Float32Array.from(list.flat()), 2);
          const found = await make(vectors, name, by);
          await found.index.findDuplicates({ thresh });
          expectPartition(found, vectors, by);
          await found.index.findDuplicates({ fraction: Math.min(1, thresh / 2) });
          const least = list.length - Math.max(1, Math.round((1 - Math.min(1, thresh / 2)) * list.length));
          expect(found.index.duplicateIds?.length).toBeGreaterThanOrEqual(least);
          if (found.index.thresh !== null) expectPartition(found, vectors, by);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("goes by searches where entries have very many neighbours", async () => {
    const random = seededRandom(8);
    const vectors = matrix(
      Float32Array.from({ length: 1_600 * 2 }, () => 1 + 0.01 * random()),
      2,
    );
    const found = await make(vectors, "backwards");
    const before = ENDED.streams;
    await found.index.findDuplicates({ thresh: -1 });
    expect(ENDED.streams).toBe(before + 1);
    await found.index.findDuplicates({ thresh: 0.001 });
    expect(ENDED.streams).toBe(before + 1);
    expect(found.index.uniqueIds).toEqual([found.ids[0]]);
    const kept = found.index.neighborsMap?.get(found.ids[0] ?? "");
    expect(kept).toHaveLength(1_599);
  });

  it.each([
    {},
    { thresh: 0.1, fraction: 0.1 },
    { thresh: Number.NaN },
    { fraction: -0.1 },
    { fraction: 1.5 },
    { fraction: Number.NaN },
  ])("refuses %j", async (options) => {
    const { index } = await make(randomVectors(3, 4));
    await expect(index.findDuplicates(options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("hears the signal and reports progress", async () => {
    const { index } = await make(randomVectors(30, 4));
    const signal = AbortSignal.abort();
    await expect(index.findDuplicates({ thresh: 0.1, signal })).rejects.toMatchObject({ code: "ABORTED" });
    expect(index.uniqueIds).toBeNull();
    const events: number[] = [];
    await index.findDuplicates({ thresh: 0.1, progress: (event) => events.push(event.done) });
    expect(events.at(-1)).toBe(30);
  });

  it("says that an index is gone after cleanup", async () => {
    const { index } = await make(randomVectors(3, 4));
    await index.cleanup();
    await expect(index.findDuplicates({ thresh: 0.1 })).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
  });
});
