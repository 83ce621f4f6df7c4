/** Uniqueness and representativeness of samples. */

import { beforeAll, describe, expect, it } from "vitest";
import type { Metric } from "../../../core/backends/metric.ts";
import { type Matrix, matrix } from "../../../core/matrix.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { seededRandom } from "../../../core/random.ts";
import { DRIVERS, pairDistance } from "../../support/duplicates.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

let ns: Nearsight;
let made = 0;

beforeAll(async () => {
  ns = await temporaryNearsight({ backends: DRIVERS });
});

async function make(rows: number) {
  const dataset = await ns.createDataset(`scores-${made++}`);
  const ids = await dataset.addSamples(
    Array.from({ length: rows }, (_, i) => ({
      filepath: `image${i}.jpg`,
      tags: i < rows / 2 ? ["half"] : [],
    })),
  );
  return { dataset, ids };
}

/** The formula, over all pairs. */
function uniqueness(vectors: Matrix, metric: Metric): number[] {
  const sums = Array.from({ length: vectors.rows }, (_, row) => {
    const others = Array.from({ length: vectors.rows }, (_, other) => other).filter((other) => other !== row);
    const [a = 0, b = 0, c = 0] = others
      .map((other) => Math.max(0, pairDistance(metric, vectors, row, other)))
      .sort((x, y) => x - y);
    return 0.6 * a + 0.3 * b + 0.1 * c;
  });
  return sums.map((sum) => sum / Math.max(...sums));
}

function close(values: readonly number[]): unknown[] {
  return values.map((value) => expect.closeTo(value, 4));
}

describe("computeUniqueness", () => {
  it.each(DRIVERS.map((driver) => driver.name))("is the formula's with an index of '%s'", async (backend) => {
    const vectors = randomVectors(40, 6, 12);
    const { dataset } = await make(40);
    for (const metric of ["cosine", "euclidean"] as const) {
      await ns.computeSimilarity(dataset, { embeddings: vectors, backend, metric, brainKey: metric });
      await dataset.computeUniqueness({ similarityIndex: metric, uniquenessField: `by_${metric}` });
      expect(await dataset.values(`by_${metric}`)).toEqual(close(uniqueness(vectors, metric)));
    }
  });

  it("is the same from vectors, from a field, and from an index of inner products", async () => {
    const vectors = randomVectors(40, 6, 13);
    const { dataset, ids } = await make(40);
    const expected = close(uniqueness(vectors, "cosine"));
    await dataset.computeUniqueness({ embeddings: vectors });
    expect(await dataset.values("uniqueness")).toEqual(expected);
    await dataset.setVectors("vector", ids, vectors);
    await ns.computeUniqueness(dataset, { embeddings: "vector", uniquenessField: "from_field" });
    expect(await dataset.values("from_field")).toEqual(expected);
    await ns.computeSimilarity(dataset, { embeddings: vectors, metric: "dotproduct", brainKey: "products" });
    await dataset.computeUniqueness({ similarityIndex: "products", uniquenessField: "from_products" });
    expect(await dataset.values("from_products")).toEqual(expected);
    expect(await dataset.listBrainRuns()).toEqual(["products"]);
  });

  it("counts the true nearest neighbour: a copy makes a sample less unique", async () => {
    const { dataset } = await make(5);
    const embeddings = [
      [1, 0],
      [1, 0],
      [0, 1],
      [-1, 0],
      [0, -1],
    ];
    await dataset.computeUniqueness({ embeddings });
    const values = await dataset.values<number>("uniqueness");
    expect(values).toEqual(close([0.4 / 1.1, 0.4 / 1.1, 1 / 1.1, 1, 1 / 1.1]));
  });

  it("is 1 for three samples or fewer, and 0 for copies only", async () => {
    for (const rows of [1, 2, 3]) {
      const { dataset } = await make(rows);
      await dataset.computeUniqueness({ embeddings: randomVectors(rows, 4) });
      expect(await dataset.values("uniqueness")).toEqual(new Array(rows).fill(1));
    }
    const { dataset } = await make(6);
    await dataset.computeUniqueness({ embeddings: matrix(new Float32Array(24).fill(1), 4) });
    expect(await dataset.values("uniqueness")).toEqual(close([0, 0, 0, 0, 0, 0]));
  });

  it("is of the view alone, and takes the value from samples without a vector", async () => {
    const vectors = randomVectors(20, 4, 3);
    const { dataset, ids } = await make(20);
    const half = matrix(vectors.data.slice(0, 40), 4);
    const index = await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "images" });
    await dataset.setField("uniqueness", 0.5);
    await dataset.matchTags("half").computeUniqueness({ similarityIndex: index });
    const values = await dataset.values<number>("uniqueness");
    expect(values.slice(0, 10)).toEqual(close(uniqueness(half, "cosine")));
    expect(values.slice(10)).toEqual(new Array(10).fill(0.5));
    await index.removeFromIndex({ sampleIds: ids[0] ?? "" });
    await dataset.computeUniqueness({ similarityIndex: index });
    expect((await dataset.values("uniqueness"))[0]).toBeNull();
  });

  it("refuses patches and leaves no run behind when it fails", async () => {
    const { dataset, ids } = await make(6);
    const signal = AbortSignal.abort();
    const embeddings = randomVectors(6, 4);
    await expect(dataset.computeUniqueness({ embeddings, signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
    await expect(dataset.computeUniqueness({ embeddings: randomVectors(5, 4) })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(dataset.computeUniqueness({ similarityIndex: "absent" })).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
    });
    const boxed = [{ label: "x", boundingBox: [0, 0, 1, 1] as const }];
    await dataset.setValues(
      "objects",
      new Map(ids.map((id) => [id, { _cls: "Detections", detections: boxed }])),
    );
    await ns.computeSimilarity(dataset, { embeddings, patchesField: "objects", brainKey: "patches" });
    const patches = dataset.toPatches("objects");
    for (const refused of [
      () => dataset.computeUniqueness({ similarityIndex: "patches" }),
      () => patches.computeUniqueness({ embeddings }),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(await dataset.listBrainRuns()).toEqual(["patches"]);
  });
});

describe("computeRepresentativeness", () => {
  /** Groups far from each other, so that k-means can only find them; each with a middle and a far member. */
  function groups(count: number): Matrix {
    const offsets = [0, -1, 1, -3, 3, 0.5, -0.5];
    return matrix(
      Float32Array.from({ length: count * offsets.length * 2 }, (_, i) => {
        const row = Math.floor(i / 2);
        const at = 1_000 * Math.floor(row / offsets.length);
        return i % 2 === 0 ? at + (offsets[row % offsets.length] ?? 0) : 1;
      }),
      2,
    );
  }

  it("is 1 at the centre of a cluster and 0 at its farthest member", async () => {
    const { dataset } = await make(20 * 7);
    await dataset.computeRepresentativeness({ embeddings: groups(20) });
    const one = [1, 1 - 1 / 3, 1 - 1 / 3, 0, 0, 1 - 0.5 / 3, 1 - 0.5 / 3];
    expect(await dataset.values("representativeness")).toEqual(close(new Array(20).fill(one).flat()));
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  it("with downweighting takes 0.7 of those near a more typical one", async () => {
    const { dataset } = await make(20 * 7);
    const method = "cluster-center-downweight";
    await dataset.computeRepresentativeness({ embeddings: groups(20), method });
    // Half of the root mean square of the offsets is 0.855: the middle covers 0.5 and -0.5 alone.
    const third = 1 - 1 / 3;
    const one = [1, third, third, 0, 0, 0.7 * (1 - 0.5 / 3), 0.7 * (1 - 0.5 / 3)];
    expect(await dataset.values("representativeness")).toEqual(close(new Array(20).fill(one).flat()));
  });

  it("is the same every time, from 0 to 1, whichever the field and the source", async () => {
    const random = seededRandom(3);
    const vectors = matrix(
      Float32Array.from({ length: 300 * 5 }, () => random()),
      5,
    );
    const { dataset } = await make(300);
    await ns.computeSimilarity(dataset, { embeddings: vectors, backend: "server", brainKey: "images" });
    await ns.computeRepresentativeness(dataset, { embeddings: vectors });
    await dataset.computeRepresentativeness({ similarityIndex: "images", representativenessField: "again" });
    const values = await dataset.values<number>("representativeness");
    expect(await dataset.values("again")).toEqual(values);
    expect(Math.min(...values)).toBe(0);
    expect(Math.max(...values)).toBeLessThanOrEqual(1);
    expect(new Set(values).size).toBeGreaterThan(250);
  });

  it("answers for one sample, for copies, and for an empty index", async () => {
    const one = await make(1);
    await one.dataset.computeRepresentativeness({ embeddings: [[1, 2]] });
    expect(await one.dataset.values("representativeness")).toEqual([1]);
    const copies = await make(30);
    const embeddings = matrix(new Float32Array(60).fill(1), 2);
    for (const method of ["cluster-center", "cluster-center-downweight"] as const) {
      await copies.dataset.computeRepresentativeness({ embeddings, method });
      const values = await copies.dataset.values<number>("representativeness");
      expect([values[0], Math.max(...values)]).toEqual([1, 1]);
    }
    await ns.computeSimilarity(one.dataset, { embeddings: false, brainKey: "empty" });
    await one.dataset.computeRepresentativeness({ similarityIndex: "empty" });
    expect(await one.dataset.values("representativeness")).toEqual([null]);
  });

  it("refuses bits and unknown methods", async () => {
    const { dataset } = await make(4);
    const bits = matrix(new Uint8Array(16).fill(3), 32);
    await ns.computeSimilarity(dataset, { embeddings: bits, metric: "jaccard", brainKey: "bits" });
    await expect(dataset.computeRepresentativeness({ similarityIndex: "bits" })).rejects.toMatchObject({
      code: "METRIC_NOT_SUPPORTED",
    });
    const method = "median" as "cluster-center";
    await expect(dataset.computeRepresentativeness({ method })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
