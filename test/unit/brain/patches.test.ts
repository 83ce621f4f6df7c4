/** Runs over the objects of a patches field. */

import { beforeEach, describe, expect, it } from "vitest";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

let dataset: Dataset;
let sampleIds: string[];
let labelIds: string[];
let index: SimilarityIndex;

/** Three samples with 2, 0 and 3 detections; the vectors point along the axes given here. */
const VECTORS = [
  [
    [1, 0, 0],
    [0, 1, 0],
  ],
  [],
  [
    [0.9, 0.1, 0],
    [0, 0, 1],
    [0.1, 0.9, 0],
  ],
];

beforeEach(async () => {
  const ns = await temporaryNearsight();
  dataset = await ns.createDataset("patches");
  sampleIds = await dataset.addSamples(
    VECTORS.map((vectors, i) => ({
      filepath: `image${i}.jpg`,
      ground_truth: {
        _cls: "Detections" as const,
        detections: vectors.map((_, j) => ({
          label: j === 0 ? "cat" : "dog",
          boundingBox: [0.1, 0.1, 0.2, 0.2] as const,
        })),
      },
    })),
  );
  const embeddings = Object.fromEntries(
    sampleIds.map((id, i) => [id, VECTORS[i] ?? []]).filter(([, rows]) => rows?.length),
  );
  index = await ns.computeSimilarity(dataset, {
    patchesField: "ground_truth",
    embeddings,
    brainKey: "patches",
  });
  labelIds = (await index.labelIds()) ?? [];
});

describe("a patch index", () => {
  it("has one entry per detection, with its sample", async () => {
    expect(await index.totalIndexSize()).toBe(5);
    const { embeddings, sampleIds: owners } = await index.getEmbeddings();
    expect(embeddings.shape).toEqual([5, 3]);
    expect(owners).toEqual([0, 0, 2, 2, 2].map((i) => sampleIds[i]));
    expect(await index.missingSize()).toBe(0);
  });

  it("gives all patches of a sample, by sample id and by label id", async () => {
    const bySample = await index.getEmbeddings({ sampleIds: [sampleIds[2] ?? "", sampleIds[1] ?? ""] });
    expect(bySample.labelIds).toEqual(labelIds.slice(2));
    const byLabel = await index.getEmbeddings({ labelIds: labelIds[3] ?? "" });
    expect(byLabel.sampleIds).toEqual([sampleIds[2]]);
    expect([...byLabel.embeddings.row(0)]).toEqual([0, 0, 1]);
  });

  it("on a patches view gives patches", async () => {
    const patches = dataset.toPatches("ground_truth");
    expect(await patches.count()).toBe(5);
    const view = patches.sortBySimilarity({ id: labelIds[0] ?? "" }, { k: 2 });
    expect(await view.values("id")).toEqual([labelIds[0], labelIds[2]]);
    expect((await view.first()).get("label")).toBe("cat");
  });

  it("on a sample view gives samples, best label first, with the found labels only", async () => {
    const view = dataset.sortBySimilarity({ vector: [0, 1, 0] }, { k: 2, brainKey: "patches" });
    expect(await view.values("id")).toEqual([sampleIds[0], sampleIds[2]]);
    expect(await view.values("ground_truth.detections.id")).toEqual([[labelIds[1]], [labelIds[4]]]);
    const hits = await view.hits();
    expect(hits.map((hit) => hit.id)).toEqual([labelIds[1], labelIds[4]]);
    expect(hits.map((hit) => hit.sampleId)).toEqual([sampleIds[0], sampleIds[2]]);
  });

  it("searches only the labels that the view shows", async () => {
    const { F } = await import("../../../core/dataset/field.ts");
    const cats = dataset.filterLabels("ground_truth", F("label").eq("cat"));
    const view = cats.sortBySimilarity({ vector: [0, 1, 0] }, { brainKey: "patches" });
    expect(await view.values("ground_truth.detections.id")).toEqual([[labelIds[2]], [labelIds[0]]]);
  });

  it("removes all patches of a sample by its id", async () => {
    await index.removeFromIndex({ sampleIds: [sampleIds[2] ?? ""] });
    expect(await index.labelIds()).toEqual(labelIds.slice(0, 2));
    await index.removeFromIndex({ labelIds: labelIds[0] ?? "" });
    expect(await index.totalIndexSize()).toBe(1);
  });

  it("adds patches with both ids", async () => {
    await index.removeFromIndex({ sampleIds });
    await index.addToIndex([[1, 1, 1]], [sampleIds[0] ?? ""], [labelIds[0] ?? ""]);
    expect(await index.sampleIds()).toEqual([sampleIds[0]]);
    await expect(index.addToIndex([[1, 1, 1]], [sampleIds[0] ?? ""])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("is made of a patches view as of its samples, of the patches the view has", async () => {
    const { F } = await import("../../../core/dataset/field.ts");
    const dogs = dataset.toPatches("ground_truth").match(F("label").eq("dog"));
    const some = await dogs.computeSimilarity({ embeddings: randomVectors(3, 4), brainKey: "dogs" });
    expect(some.config.patchesField).toBe("ground_truth");
    expect(await some.labelIds()).toEqual(await dogs.values("id"));
    expect([await some.indexSize(), await some.missingSize()]).toEqual([3, 0]);
    const view = dataset
      .toPatches("ground_truth")
      .sortBySimilarity({ id: labelIds[1] ?? "" }, { brainKey: "dogs" });
    expect(await view.count()).toBe(3);
    const other = dogs.computeSimilarity({ embeddings: randomVectors(3, 4), patchesField: "predictions" });
    await expect(other).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("is not taken for a search of whole samples without its key", async () => {
    await expect(dataset.sortBySimilarity({ vector: [0, 1, 0] }).count()).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
    });
  });

  it("treats a sample's id as all its patches", async () => {
    const view = dataset.toPatches("ground_truth").sortBySimilarity({ id: sampleIds[0] ?? "" }, { k: 5 });
    expect(await view.count()).toBe(5);
  });
});
