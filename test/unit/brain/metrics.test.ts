/** Distances and scores of each metric, end to end. */

import { beforeAll, describe, expect, it } from "vitest";
import { distanceOf } from "../../../core/backends/metric.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { matrix } from "../../../core/matrix.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { seededRandom } from "../../../core/random.ts";
import { rankedBy, ranking } from "../../support/ranking.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const COUNT = 40;
const random = seededRandom(11);
const floats = randomVectors(COUNT, 12, 5);
const bits = matrix(
  Uint8Array.from({ length: COUNT * 8 }, () => random() * 256),
  64,
);
let ns: Nearsight;
let dataset: Dataset;
let ids: string[];

beforeAll(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("metrics");
  ids = await dataset.addSamples(Array.from({ length: COUNT }, (_, i) => ({ filepath: `image${i}.jpg` })));
});

describe.each(["cosine", "dotproduct", "euclidean"] as const)("%s", (metric) => {
  it("ranks by the exact formula, by vector and by id", async () => {
    await ns.computeSimilarity(dataset, { embeddings: floats, metric, brainKey: metric });
    const expected = ranking(ids, floats, floats.row(6), metric);
    const hits = await dataset.sortBySimilarity({ vector: [...floats.row(6)] }, { brainKey: metric }).hits();
    expect(hits.map((hit) => hit.id)).toEqual(expected.map((hit) => hit.id));
    hits.forEach((hit, i) => {
      expect(hit.distance).toBeCloseTo(expected[i]?.distance ?? Number.NaN, 4);
    });
    const byId = dataset.sortBySimilarity({ id: ids[6] ?? "" }, { brainKey: metric });
    expect(await byId.values("id")).toEqual(expected.map((hit) => hit.id));
  });
});

describe.each(["jaccard", "hamming"] as const)("%s", (metric) => {
  it("ranks packed bits by the exact formula, given as bytes, as 0s and 1s, and by id", async () => {
    const index = await ns.computeSimilarity(dataset, { embeddings: bits, metric, brainKey: metric });
    expect(index.config.dimension).toBe(64);
    const query = bits.row(9);
    const expected = ranking(ids, bits, query, metric).map((hit) => hit.id);
    const zerosAndOnes = Array.from({ length: 64 }, (_, i) => ((query[i >> 3] ?? 0) >> (i & 7)) & 1);
    for (const form of [{ vector: [...query] }, { vector: zerosAndOnes }, { id: ids[9] ?? "" }]) {
      expect(await dataset.sortBySimilarity(form, { brainKey: metric }).values("id")).toEqual(expected);
    }
    const stored = await index.getEmbeddings<Uint8Array>();
    expect(stored.embeddings.data).toEqual(bits.data);
  });

  it("averages the distances of several queries", async () => {
    const to = (query: number, row: number) => distanceOf(metric, bits.row(query), bits.row(row));
    const expected = rankedBy(ids, (row) => (to(1, row) + to(2, row)) / 2);
    const view = dataset.sortBySimilarity({ ids: [ids[1] ?? "", ids[2] ?? ""] }, { brainKey: metric, k: 5 });
    expect((await view.hits()).map((hit) => hit.distance)).toEqual(
      expected.slice(0, 5).map((hit) => expect.closeTo(hit.distance, 5)),
    );
  });
});

describe("normalize", () => {
  it("indexes normalised copies and leaves the caller's arrays alone", async () => {
    const before = floats.data.slice();
    const index = await ns.computeSimilarity(dataset, {
      embeddings: floats,
      metric: "dotproduct",
      normalize: true,
      brainKey: "normalised",
    });
    expect(floats.data).toEqual(before);
    const { embeddings } = await index.getEmbeddings();
    expect(Math.hypot(...embeddings.row(3))).toBeCloseTo(1, 5);
    const [first] = await dataset
      .sortBySimilarity({ id: ids[3] ?? "" }, { brainKey: "normalised", k: 1 })
      .hits();
    expect(first?.score).toBeCloseTo(1, 5);
  });
});

describe("vectors and metrics of two kinds", () => {
  it("are refused before anything is recorded", async () => {
    const hint = { code: "METRIC_NOT_SUPPORTED" };
    for (const [embeddings, metric] of [
      [floats, "jaccard"],
      [bits, "cosine"],
    ] as const) {
      await expect(
        ns.computeSimilarity(dataset, { embeddings, metric, brainKey: "mixed" }),
      ).rejects.toMatchObject(hint);
    }
    await expect(
      ns.computeSimilarity(dataset, { model: "nearsight-tiny", metric: "hamming", brainKey: "mixed" }),
    ).rejects.toMatchObject(hint);
    expect(await dataset.listBrainRuns()).not.toContain("mixed");
  });
});
