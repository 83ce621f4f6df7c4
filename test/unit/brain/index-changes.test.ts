/** Changing an index: entries added, removed and replaced. */

import { beforeEach, describe, expect, it } from "vitest";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { referenceDriver } from "../../support/reference-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const vectors = randomVectors(20, 8, 3);
let ns: Nearsight & { warnings: string[] };
let dataset: Dataset;
let ids: string[];
let index: SimilarityIndex;

beforeEach(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("changes");
  ids = await dataset.addSamples(Array.from({ length: 20 }, (_, i) => ({ filepath: `image${i}.jpg` })));
  index = await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "images" });
});

describe("addToIndex", () => {
  it("replaces the vector of a known id and touches no other", async () => {
    const replacement = randomVectors(1, 8, 99);
    await index.addToIndex(replacement, ids[4] ?? "");
    expect(await index.totalIndexSize()).toBe(20);
    const { embeddings } = await index.getEmbeddings({ sampleIds: ids });
    expect(embeddings.row(4)).toEqual(replacement.row(0));
    expect(embeddings.row(5)).toEqual(vectors.row(5));
  });

  it("skips known ids with overwrite: false, refuses them with allowExisting: false", async () => {
    const replacement = randomVectors(1, 8, 99);
    await index.addToIndex(replacement, [ids[4] ?? ""], null, { overwrite: false, warnExisting: true });
    expect((await index.getEmbeddings({ sampleIds: ids[4] ?? "" })).embeddings.row(0)).toEqual(
      vectors.row(4),
    );
    expect(ns.warnings.join()).toContain("already");
    const refused = index.addToIndex(replacement, [ids[4] ?? ""], null, { allowExisting: false });
    await expect(refused).rejects.toMatchObject({ code: "ID_EXISTS" });
  });

  it("keeps the last of an id given twice", async () => {
    const two = randomVectors(2, 8, 5);
    await index.addToIndex(two, [ids[0] ?? "", ids[0] ?? ""]);
    expect((await index.getEmbeddings({ sampleIds: [ids[0] ?? ""] })).embeddings.row(0)).toEqual(two.row(1));
    expect(await index.totalIndexSize()).toBe(20);
  });

  it("writes the good vectors and names the bad ones", async () => {
    const mixed = [new Float32Array(8).fill(1), new Float32Array(8), new Float32Array(8).fill(Number.NaN)];
    const sampleIds = await dataset.addSamples([0, 1, 2].map((i) => ({ filepath: `new${i}.jpg` })));
    await expect(index.addToIndex(mixed, sampleIds)).rejects.toMatchObject({
      code: "WRITE_PARTIAL",
      details: { failed: [{ id: sampleIds[1] }, { id: sampleIds[2] }] },
    });
    expect(await index.totalIndexSize()).toBe(21);
    expect(await index.missingSize()).toBe(2);
  });

  it("makes what it wrote visible together, and last, where that costs a call of its own", async () => {
    const writes: [number, string][] = [];
    const driver = referenceDriver({
      capabilities: { publishes: true },
      onWrite: (entries, visible) => void writes.push([entries, visible]),
    });
    const others = await temporaryNearsight({ backends: [driver] });
    const empty = await others.createDataset("many");
    const many = await empty.addSamples(
      Array.from({ length: 2500 }, (_, i) => ({ filepath: `image${i}.jpg` })),
    );
    const added = await others.computeSimilarity(empty, {
      embeddings: false,
      backend: "reference",
      brainKey: "images",
    });
    await added.addToIndex(randomVectors(2500, 8, 4), many);
    expect(writes.filter(([entries]) => entries > 0)).toEqual([
      [1000, "eventually"],
      [1000, "eventually"],
      [500, "eventually"],
    ]);
    expect(writes.at(-1)).toEqual([0, "now"]);
    expect(await added.totalIndexSize()).toBe(2500);
    expect(await added.missingSize()).toBe(0);
  });

  it("refuses another dimension, and other numbers of ids", async () => {
    await expect(index.addToIndex([[1, 2]], "x")).rejects.toMatchObject({ code: "DIMENSION_MISMATCH" });
    await expect(index.addToIndex(vectors, ["x"])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(index.addToIndex(randomVectors(1, 8), "x", "y")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("removeFromIndex", () => {
  it("removes by sample id; unknown ids are fine, or an error when asked", async () => {
    await index.removeFromIndex({ sampleIds: [ids[0] ?? "", "unknown"] });
    expect(await index.totalIndexSize()).toBe(19);
    await index.removeFromIndex({ sampleIds: [] });
    const refused = index.removeFromIndex({ sampleIds: ["unknown"], allowMissing: false });
    await expect(refused).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await index.removeFromIndex({ sampleIds: ["unknown"], warnMissing: true });
    expect(ns.warnings.join()).toContain("unknown");
    await expect(index.removeFromIndex({})).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await index.totalIndexSize()).toBe(19);
  });
});

describe("getEmbeddings", () => {
  it("gives vectors in the order asked, also of one id", async () => {
    const asked = [ids[7] ?? "", ids[2] ?? ""];
    const { embeddings, sampleIds, labelIds } = await index.getEmbeddings({ sampleIds: asked });
    expect(sampleIds).toEqual(asked);
    expect(labelIds).toBeNull();
    expect(embeddings.shape).toEqual([2, 8]);
    expect(embeddings.row(1)).toEqual(vectors.row(2));
    expect((await index.getEmbeddings({ sampleIds: ids[3] ?? "" })).embeddings.row(0)).toEqual(
      vectors.row(3),
    );
    expect((await index.getEmbeddings()).embeddings.data).toEqual(vectors.data);
    expect((await index.getEmbeddings({ sampleIds: ["unknown"] })).embeddings.rows).toBe(0);
  });
});

describe("deleted samples", () => {
  it("leave the results at once, and k stays k", async () => {
    const query = { vector: [...vectors.row(0)] };
    const before = await dataset.sortBySimilarity(query, { k: 10 }).values("id");
    await dataset.deleteSamples(before.slice(0, 5) as string[]);
    const after = await dataset.sortBySimilarity(query, { k: 10 }).values("id");
    expect(after).toHaveLength(10);
    expect(after.slice(0, 5)).toEqual(before.slice(5));
    await index.reload();
    expect(await index.totalIndexSize()).toBe(15);
  });
});

describe("sizes", () => {
  it("count the whole index, the view's entries, and what the view misses", async () => {
    await dataset.addSamples([{ filepath: "new.jpg" }]);
    expect([await index.totalIndexSize(), await index.indexSize(), await index.missingSize()]).toEqual([
      20, 20, 1,
    ]);
    index.useView(dataset.limit(5));
    expect([await index.totalIndexSize(), await index.indexSize(), await index.missingSize()]).toEqual([
      20, 5, 0,
    ]);
    expect(index.hasView).toBe(true);
    expect(await index.sortBySimilarity({ id: ids[0] ?? "" }).count()).toBe(5);
    index.clearView();
    expect(await index.sortBySimilarity({ id: ids[0] ?? "" }).count()).toBe(20);
  });
});
