/** Copying brain runs: to another collection, another backend, another metric, and on after a stop. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { local } from "../../../core/backends/registry.ts";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import type { ReferenceServer } from "../../contract/reference-backend.ts";
import { countingModel } from "../../support/counting-model.ts";
import { encodePicture, noisePicture } from "../../support/pictures.ts";
import { referenceDriver } from "../../support/reference-driver.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const vectors = randomVectors(50, 16, 5);
let server: ReferenceServer;
let ns: Nearsight & { home: string };
let dataset: Dataset;
let ids: string[];
let source: SimilarityIndex;

beforeEach(async () => {
  server = new Map();
  ns = await temporaryNearsight({ backends: [local, referenceDriver({ server })] });
  dataset = await ns.createDataset("copies");
  ids = await dataset.addSamples(Array.from({ length: 50 }, (_, i) => ({ filepath: `${i}.jpg` })));
  source = await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "images" });
});

/** Everything an index says of itself that should survive a copy. */
async function content(index: SimilarityIndex) {
  const { embeddings, ...owners } = await index.getEmbeddings();
  return { ...owners, vectors: Array.from(embeddings.data) };
}

const ranking = (brainKey: string) =>
  dataset.sortBySimilarity({ id: ids[7] ?? "" }, { k: 10, brainKey }).values<string>("id");

describe("a copy", () => {
  it("on another backend has the same entries and gives the same answers", async () => {
    const events: number[] = [];
    const copy = await dataset.copyRun("images", {
      to: "reference",
      shards: 3,
      progress: (event) => events.push(event.done),
    });
    expect(copy.key).toBe("images_reference");
    expect(copy.config).toMatchObject({ method: "reference", metric: "cosine", dimension: 16 });
    expect(await content(copy)).toEqual(await content(source));
    expect(await ranking("images_reference")).toEqual(await ranking("images"));
    expect(events).toEqual([0, 50]);
    const info = await dataset.getBrainInfo("images_reference");
    expect(info).toMatchObject({
      state: "ready",
      entries: { pending: 0, indexed: 50, failed: 0, deleting: 0 },
    });
    await source.delete();
    expect(await ranking("images_reference")).toHaveLength(10);
  });

  it("can be compared by another metric in another collection of the same backend", async () => {
    const copy = await dataset.copyRun("images", {
      to: "local",
      brainKey: "far",
      collectionName: "named",
      metric: "euclidean",
    });
    expect(copy.config).toMatchObject({ collectionName: "named", metric: "euclidean" });
    expect(await content(copy)).toEqual(await content(source));
    const computed = await ns.computeSimilarity(dataset, {
      embeddings: vectors,
      brainKey: "computed",
      metric: "euclidean",
    });
    expect(await ranking("far")).toEqual(await ranking(computed.key));
    await copy.delete();
    expect(await source.totalIndexSize()).toBe(50);
  });

  it("has what the run has by now, and none of what was removed", async () => {
    await source.removeFromIndex({ sampleIds: ids.slice(0, 5) });
    await dataset.deleteSamples(ids.slice(5, 8));
    await source.addToIndex([new Float32Array(16).fill(0.5)], [ids[20] ?? ""]);
    const copy = await dataset.copyRun("images", { to: "reference" });
    expect(await copy.totalIndexSize()).toBe(42);
    expect(await copy.sampleIds()).toEqual(ids.slice(8));
    expect((await copy.getEmbeddings({ sampleIds: ids[20] ?? "" })).embeddings.row(0)).toEqual(
      new Float32Array(16).fill(0.5),
    );
  });

  it("of an empty index is empty, and can be added to", async () => {
    await ns.computeSimilarity(dataset, { embeddings: false, brainKey: "empty" });
    const copy = await dataset.copyRun("empty", { to: "reference" });
    expect(await copy.totalIndexSize()).toBe(0);
    await copy.addToIndex(vectors, ids);
    expect(await copy.totalIndexSize()).toBe(50);
  });

  it("of patches keeps labels and samples apart", async () => {
    const boxed = await ns.createDataset("boxed");
    const boundingBox = [0.1, 0.1, 0.2, 0.2] as const;
    await boxed.addSamples(
      [2, 0, 3].map((count, i) => ({
        filepath: `${i}.jpg`,
        objects: {
          _cls: "Detections" as const,
          detections: Array.from({ length: count }, () => ({ label: "thing", boundingBox })),
        },
      })),
    );
    const index = await ns.computeSimilarity(boxed, {
      embeddings: randomVectors(5, 4, 1),
      patchesField: "objects",
      brainKey: "patches",
    });
    const copy = await boxed.copyRun("patches", { to: "reference" });
    expect(await content(copy)).toEqual(await content(index));
    expect(copy.config.patchesField).toBe("objects");
  });

  it("knows the model, embeds nothing, keeps failures, and embeds what is missing", async () => {
    const folder = temporaryFolder();
    const model = countingModel();
    const pictures = await ns.createDataset("pictures");
    const bytes = await Promise.all([1, 2, 3].map((seed) => encodePicture(noisePicture(8, 8, seed))));
    const paths = [...bytes, Buffer.from("broken")].map((content, i) => {
      const filepath = join(folder, `${i}.png`);
      writeFileSync(filepath, content);
      return { filepath };
    });
    await pictures.addSamples(paths);
    await ns.computeSimilarity(pictures, { model, brainKey: "images" });
    const copy = await pictures.copyRun("images", { to: "reference" });
    expect(model.embedded()).toBe(3);
    const info = await pictures.getBrainInfo(copy.key);
    expect(info).toMatchObject({ state: "partial", entries: { indexed: 3, failed: 1 } });
    expect(info.failed[0]?.reason).toContain("3.png");
    expect(copy.supportsPrompts).toBe(true);
    writeFileSync(join(folder, "3.png"), await encodePicture(noisePicture(8, 8, 4)));
    expect((await copy.addMissing()).added).toBe(1);
    expect(model.embedded()).toBe(4);
  });
});

describe("a copy that was stopped", () => {
  it("goes on where it was when it is asked for again", async () => {
    const many = await ns.createDataset("many");
    const manyIds = await many.addSamples(
      Array.from({ length: 5_000 }, (_, i) => ({ filepath: `${i}.jpg` })),
    );
    const index = await ns.computeSimilarity(many, { embeddings: randomVectors(5_000, 4, 2), brainKey: "a" });
    const stop = new AbortController();
    const progress = ({ done }: { done: number }) => {
      if (done >= 2_000) stop.abort();
    };
    const stopped = many.copyRun("a", { to: "reference", progress, signal: stop.signal });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    const { state, entries } = await many.getBrainInfo("a_reference");
    expect([state, entries.indexed]).toEqual(["cancelled", 2_000]);
    const written = server.get("many-a-reference")?.entries;
    const first = written?.get(manyIds[0] ?? "");
    const copy = await many.copyRun("a", { to: "reference" });
    expect(await copy.totalIndexSize()).toBe(5_000);
    expect(await content(copy)).toEqual(await content(index));
    expect(written?.get(manyIds[0] ?? "")).toBe(first);
    expect((await many.getBrainInfo("a_reference")).state).toBe("ready");
  });

  it("is another run for another request", async () => {
    await dataset.copyRun("images", { to: "reference" });
    await expect(dataset.copyRun("images", { to: "reference" })).rejects.toMatchObject({
      code: "RUN_EXISTS",
    });
    const again = await dataset.copyRun("images", { to: "reference", metric: "euclidean", overwrite: true });
    expect(again.config.metric).toBe("euclidean");
    expect(server.size).toBe(1);
    expect(await dataset.listBrainRuns()).toEqual(["images", "images_reference"]);
  });
});

describe("refusals", () => {
  it.each([
    ["an unknown run", "none", { to: "reference" }, "RUN_NOT_FOUND"],
    ["an unknown backend", "images", { to: "sqlite" }, "BACKEND_NOT_SUPPORTED"],
    ["a metric for bits", "images", { to: "reference", metric: "hamming" }, "METRIC_NOT_SUPPORTED"],
    ["an unknown metric", "images", { to: "reference", metric: "manhattan" }, "METRIC_NOT_SUPPORTED"],
    ["an option of no one", "images", { to: "local", shards: 3 }, "INVALID_ARGUMENT"],
    ["its own key", "images", { to: "local", brainKey: "images" }, "INVALID_ARGUMENT"],
  ])("%s", async (_, key, options, code) => {
    await expect(dataset.copyRun(key, options as never)).rejects.toMatchObject({ code });
    expect(await dataset.listBrainRuns()).toEqual(["images"]);
  });

  it("a run that is being built", async () => {
    const store = await openSqliteStore({ folder: ns.home });
    const run = await store.runs.get(dataset.id, "images");
    const leased = await store.runs.acquireLease(run?.id ?? "", "another process", 60_000);
    await expect(dataset.copyRun("images", { to: "reference" })).rejects.toMatchObject({ code: "RUN_BUSY" });
    await store.runs.releaseLease(run?.id ?? "", leased?.epoch ?? 0, {});
    expect(await (await dataset.copyRun("images", { to: "reference" })).totalIndexSize()).toBe(50);
    await store.close();
  });

  it("a collection that holds vectors of another size", async () => {
    await ns.computeSimilarity(dataset, {
      embeddings: randomVectors(50, 4, 1),
      brainKey: "small",
      backend: "reference",
      collectionName: "taken",
    });
    const copied = dataset.copyRun("images", { to: "reference", collectionName: "taken" });
    await expect(copied).rejects.toMatchObject({ code: "DIMENSION_MISMATCH" });
  });

  it("secrets of the connection are never stored", async () => {
    await dataset.copyRun("images", { to: "reference", token: "s3cret" });
    expect(JSON.stringify(await dataset.getBrainInfo("images_reference"))).not.toContain("s3cret");
    const store = await openSqliteStore({ folder: ns.home });
    expect(JSON.stringify(await store.runs.list(dataset.id))).not.toContain("s3cret");
    await store.close();
  });
});

describe("a backend of less capability", () => {
  it("is explained with its own facts, what it approximates, and what was scanned instead", async () => {
    const driver = referenceDriver({
      server,
      capabilities: { maxK: 20, exact: false },
      explains: { ef: 64 },
    });
    const other = await temporaryNearsight({ backends: [local, driver], config: { home: ns.home } });
    const opened = await other.loadDataset("copies");
    await opened.copyRun("images", { to: "reference" });
    const search = async (k?: number) => {
      const view = opened.sortBySimilarity(
        { id: ids[0] ?? "" },
        { brainKey: "images_reference", ...(k === undefined ? {} : { k }) },
      );
      return { ...(await view.explain()).stages[0]?.search, facts: await view.facts() };
    };
    expect(await search(5)).toMatchObject({
      exact: false,
      fallbacks: [],
      driver: { ef: 64 },
      facts: { exact: false, indexed: 50, missing: 0, stale: 0 },
    });
    expect(await search()).toMatchObject({
      exact: true,
      calls: { search: 0, scan: 1 },
      fallbacks: [expect.stringContaining("whole ranking")],
      facts: { exact: true },
    });
  });
});
