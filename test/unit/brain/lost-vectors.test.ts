/** Vectors that a server has lost: every answer that lacks them says so and names them. */

import { beforeEach, describe, expect, it } from "vitest";
import { local } from "../../../core/backends/registry.ts";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { approximateDriver } from "../../support/approximate-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const ROWS = 30;
let ns: Nearsight & { warnings: string[] };
let dataset: Dataset;
let index: SimilarityIndex;
let ids: string[];
let lost: string;

beforeEach(async () => {
  const driver = approximateDriver();
  ns = await temporaryNearsight({ backends: [local, driver] });
  dataset = await ns.createDataset("lost");
  ids = await dataset.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `image${i}.jpg` })));
  index = await ns.computeSimilarity(dataset, {
    embeddings: randomVectors(ROWS, 4, 5),
    backend: "approximate",
    brainKey: "images",
  });
  lost = ids[7] ?? "";
  driver.server.get(index.config.collectionName)?.entries.delete(lost);
});

const warning = () => expect.stringContaining(lost);

describe("a lost vector", () => {
  it("is named by a search that comes out short, and by its explanation", async () => {
    const view = index.sortBySimilarity({ id: ids[0] ?? "" });
    expect(await view.count()).toBe(ROWS - 1);
    expect(ns.warnings).toEqual([warning()]);
    expect((await view.explain()).stages[0]?.search?.lost).toEqual([lost]);
    const part = dataset.limit(10).sortBySimilarity({ id: ids[0] ?? "" }, { k: 10, brainKey: "images" });
    expect((await part.explain()).stages[1]?.search?.lost).toEqual([lost]);
  });

  it("is no matter for a search that has its k hits, or that leaves out what is far", async () => {
    const few = index.sortBySimilarity({ id: ids[0] ?? "" }, { k: 5 });
    expect((await few.explain()).stages[0]?.search?.lost).toEqual([]);
    await index.sortBySimilarity({ id: ids[0] ?? "" }, { maxDistance: 10 }).count();
    await dataset
      .limit(5)
      .sortBySimilarity({ id: ids[0] ?? "" }, { brainKey: "images" })
      .count();
    expect(ns.warnings).toEqual([]);
  });

  it("cannot be searched with", async () => {
    await expect(index.sortBySimilarity({ id: lost }).count()).rejects.toMatchObject({
      code: "ID_NOT_FOUND",
      message: warning(),
      hint: expect.stringContaining("addMissing()"),
      details: { ids: [lost] },
    });
  });

  it("is missing from embeddings with a warning, or an error where nothing may be missing", async () => {
    const { sampleIds } = await index.getEmbeddings();
    expect(sampleIds).toEqual(ids.filter((id) => id !== lost));
    expect(ns.warnings).toEqual([warning()]);
    await expect(index.getEmbeddings({ sampleIds: ids, allowMissing: false })).rejects.toMatchObject({
      code: "ID_NOT_FOUND",
      details: { ids: [lost] },
    });
  });

  it("is named when entries are compared, and has no score", async () => {
    await index.findDuplicates({ thresh: 0.1 });
    await index.findUnique(3);
    expect(ns.warnings).toEqual([warning(), warning()]);
    await dataset.setField("uniqueness", 7);
    await dataset.computeUniqueness({ similarityIndex: index });
    await dataset.computeRepresentativeness({ similarityIndex: index });
    for (const field of ["uniqueness", "representativeness"]) {
      const values = await dataset.values<number | null>(field);
      expect(values.flatMap((value, i) => (value === null ? [ids[i]] : []))).toEqual([lost]);
    }
  });

  it("is named by a visualization of its index", async () => {
    const layout = dataset.computeVisualization({ similarityIndex: index, method: "pca" });
    await expect(layout).rejects.toMatchObject({ code: "ID_NOT_FOUND", message: warning() });
  });

  it("is found by evaluate() and the check-up, which repairs it", async () => {
    expect((await index.evaluate({ k: 3 })).lost).toEqual([lost]);
    const entries = async (repair: boolean) =>
      (await ns.doctor({ dataset: "lost", repair })).checks.find(({ name }) => name === "entries");
    expect(await entries(false)).toMatchObject({ status: "warning", message: warning() });
    expect(await entries(true)).toMatchObject({ status: "repaired" });
    expect((await dataset.getBrainInfo("images")).entries).toMatchObject({ indexed: ROWS - 1, pending: 1 });
  });

  it("is a failure of a copy, with its reason", async () => {
    await dataset.copyRun("images", { to: "local", brainKey: "copy" });
    expect((await dataset.getBrainInfo("copy")).failed).toEqual([
      { id: lost, sampleId: lost, reason: expect.stringContaining("not in") },
    ]);
  });
});
