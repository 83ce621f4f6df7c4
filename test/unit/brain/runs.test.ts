/** The life of brain runs: listing, loading, renaming, deleting. */

import { beforeEach, describe, expect, it } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const vectors = randomVectors(10, 8, 3);
let ns: Nearsight & { home: string };
let dataset: Dataset;
let ids: string[];

beforeEach(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("runs");
  ids = await dataset.addSamples(Array.from({ length: 10 }, (_, i) => ({ filepath: `image${i}.jpg` })));
});

describe("brain runs", () => {
  it("are listed by type, method, patches field and prompts", async () => {
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    await ns.computeSimilarity(dataset, { embeddings: false, model: colourModel(), brainKey: "two" });
    expect(await dataset.listBrainRuns()).toEqual(["one", "two"]);
    expect(await dataset.listBrainRuns({ type: "similarity", method: "local" })).toEqual(["one", "two"]);
    expect(await dataset.listBrainRuns({ supportsPrompts: true })).toEqual(["two"]);
    expect(await dataset.listBrainRuns({ patchesField: "ground_truth" })).toEqual([]);
    expect(await dataset.hasBrainRun("one")).toBe(true);
    expect(await dataset.hasBrainRun("three")).toBe(false);
  });

  it("tell what they were made with, without secrets", async () => {
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one", metric: "euclidean" });
    const info = await dataset.getBrainInfo("one");
    expect(info).toMatchObject({
      key: "one",
      state: "ready",
      config: { type: "similarity", method: "local", metric: "euclidean", dimension: 8, model: null },
      entries: { indexed: 10, pending: 0, failed: 0, deleting: 0 },
    });
  });

  it("record name and fingerprint of the model", async () => {
    const model = colourModel();
    await ns.computeSimilarity(dataset, { embeddings: false, model, brainKey: "one" });
    const { config } = await dataset.getBrainInfo("one");
    expect(config).toMatchObject({
      model: "colours",
      modelFingerprint: model.fingerprint,
      supportsPrompts: true,
    });
  });

  it("are renamed, and refuse a taken key", async () => {
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "two" });
    await dataset.renameBrainRun("one", "uno");
    expect(await dataset.listBrainRuns()).toEqual(["uno", "two"]);
    expect(await dataset.sortBySimilarity({ id: ids[0] ?? "" }, { brainKey: "uno" }).count()).toBe(10);
    await expect(dataset.renameBrainRun("uno", "two")).rejects.toMatchObject({ code: "RUN_EXISTS" });
    await expect(dataset.renameBrainRun("one", "x")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  it("refuse a second build under the same key", async () => {
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    const again = ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    await expect(again).rejects.toMatchObject({
      code: "RUN_EXISTS",
      hint: expect.stringContaining("deleteBrainRun"),
    });
  });

  it("get a new key when none is given", async () => {
    const index = await ns.computeSimilarity(dataset, { embeddings: vectors });
    expect(await dataset.listBrainRuns()).toEqual([index.key]);
  });

  it("must be named when several fit", async () => {
    await expect(dataset.sortBySimilarity({ id: ids[0] ?? "" }).count()).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
    });
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    expect(await dataset.sortBySimilarity({ id: ids[0] ?? "" }).count()).toBe(10);
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "two" });
    await expect(dataset.sortBySimilarity({ id: ids[0] ?? "" }).count()).rejects.toMatchObject({
      code: "RUN_AMBIGUOUS",
      hint: expect.stringContaining("brainKey"),
    });
  });

  it("give back the view they were made on", async () => {
    await ns.computeSimilarity(dataset.limit(4), { embeddings: randomVectors(4, 8), brainKey: "few" });
    expect(await (await dataset.loadBrainView("few")).count()).toBe(4);
    const index = await dataset.loadBrainResults("few");
    expect(await index.totalIndexSize()).toBe(4);
  });
});

describe("deleting", () => {
  it("deleteBrainRun leaves the collection, which connects again", async () => {
    const index = await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    const { collectionName } = index.config;
    await dataset.deleteBrainRun("one");
    expect(await dataset.listBrainRuns()).toEqual([]);
    const again = await ns.computeSimilarity(dataset, { embeddings: false, collectionName, brainKey: "two" });
    expect(await again.totalIndexSize()).toBe(10);
    expect(
      await dataset.sortBySimilarity({ id: ids[3] ?? "" }, { k: 1, brainKey: "two" }).values("id"),
    ).toEqual([ids[3]]);
    await again.cleanup();
    const third = await ns.computeSimilarity(dataset, {
      embeddings: false,
      collectionName,
      brainKey: "three",
    });
    expect(await third.totalIndexSize()).toBe(10);
  });

  it("cleanup removes the collection; the record says so until it is deleted", async () => {
    const index = await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    await index.cleanup();
    await index.cleanup();
    await expect(index.totalIndexSize()).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
    const search = dataset.sortBySimilarity({ id: ids[0] ?? "" }, { brainKey: "one" }).count();
    await expect(search).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
    expect((await dataset.getBrainInfo("one")).state).toBe("deleting");
    await dataset.deleteBrainRun("one");
  });

  it("delete does both, also a second time and after both", async () => {
    const index = await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    const { collectionName } = index.config;
    await index.delete();
    await index.delete();
    const other = await ns.computeSimilarity(dataset, {
      embeddings: vectors,
      brainKey: "one",
      collectionName,
    });
    expect(other.config.collectionName).toBe(collectionName);
    await other.cleanup();
    await dataset.deleteBrainRun("one");
    await other.delete();
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  it("deleteBrainRuns removes every record", async () => {
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one" });
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "two" });
    await dataset.deleteBrainRuns();
    expect(await dataset.listBrainRuns()).toEqual([]);
  });
});

describe("embeddings: false", () => {
  it("waits for the first vectors, with size 0 and empty searches", async () => {
    const index = await ns.computeSimilarity(dataset, {
      embeddings: false,
      brainKey: "later",
      metric: "euclidean",
    });
    expect(await index.totalIndexSize()).toBe(0);
    expect(await index.missingSize()).toBe(10);
    expect(await dataset.sortBySimilarity({ vector: [1, 2] }, { brainKey: "later" }).count()).toBe(0);
    await index.addToIndex(randomVectors(3, 8), ids.slice(0, 3));
    expect(await index.totalIndexSize()).toBe(3);
    expect((await dataset.getBrainInfo("later")).config).toMatchObject({ dimension: 8, metric: "euclidean" });
  });

  it("checks metric and dimension of an existing collection before anything is recorded", async () => {
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "one", collectionName: "shared" });
    const request = { embeddings: false as const, collectionName: "shared", brainKey: "two" };
    await expect(ns.computeSimilarity(dataset, { ...request, metric: "euclidean" })).rejects.toMatchObject({
      code: "METRIC_NOT_SUPPORTED",
    });
    const other = ns.computeSimilarity(dataset, { ...request, embeddings: randomVectors(10, 4) });
    await expect(other).rejects.toMatchObject({ code: "DIMENSION_MISMATCH" });
    expect(await dataset.listBrainRuns()).toEqual(["one"]);
  });
});

describe("refused requests", () => {
  it("name the option, the backend, the metric or the field", async () => {
    const ask = (options: object) => ns.computeSimilarity(dataset, { embeddings: vectors, ...options });
    await expect(ask({ brainkey: "x" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(ask({ backend: "qdrant" })).rejects.toMatchObject({
      code: "BACKEND_NOT_SUPPORTED",
      hint: expect.stringContaining("local"),
    });
    await expect(ask({ metric: "manhattan" })).rejects.toMatchObject({ code: "METRIC_NOT_SUPPORTED" });
    await expect(ask({ patchesField: "nothing" })).rejects.toMatchObject({ code: "FIELD_NOT_FOUND" });
    await expect(ask({ embeddings: "nothing" })).rejects.toMatchObject({ code: "FIELD_NOT_FOUND" });
    await expect(ask({ embeddings: randomVectors(3, 8) })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  it("sklearn means local", async () => {
    const index = await ns.computeSimilarity(dataset, { embeddings: vectors, backend: "sklearn" });
    expect(index.config.method).toBe("local");
  });
});
