/** FiftyOne's page on Milvus, block by block; its section Setup is in `fiftyone-milvus-setup.test.ts`. */

import { inspect } from "node:util";
import { describe, expect } from "vitest";
import {
  computeSimilarity,
  type Dataset,
  type DatasetView,
  type SimilarityIndex,
  type SimilarityInput,
} from "../../core/index.ts";
import { BACKENDS, useFreeNames } from "./backends.ts";
import { expectRanking, meanOf, rand } from "./expectations.ts";
import { useInstallation } from "./installation.ts";
import { pageTwins } from "./twins.ts";

useInstallation();
useFreeNames("your_collection", "custom_milvus_collection");
const { twin, accountFor } = pageTwins(
  {
    "Basic recipe": 3,
    "Managing brain runs": 5,
    "Create a similarity index": 1,
    "Create a patch similarity index": 1,
    "Connect to an existing collection": 1,
    "Add/remove embeddings from an index": 1,
    "Retrieve embeddings from an index": 1,
    "Querying a Milvus index": 1,
    "Accessing the Milvus client": 1,
    "Advanced usage": 1,
  },
  // Starting a server in a container and installing a Python package.
  { "Basic recipe": [1] },
);

describe.each(BACKENDS)("on $name", (page) => {
  const { backend, options, nameOption, hasClient, hasCollection, listCollections } = page;
  const { loadZooDataset, loadZooModel } = page.library;

  twin("Basic recipe", [2, 3], async () => {
    // Step 1: the data
    const dataset = await loadZooDataset("quickstart");

    // Steps 2 and 3: embeddings of the default model, and an index of them
    const milvusIndex = await computeSimilarity(dataset, {
      brainKey: "milvus_index",
      backend,
      ...options,
    });
    expect(milvusIndex.config.model).toBe("nearsight-tiny");

    // Step 4: a query by sample id
    const query = (await dataset.first()).id;
    const view = dataset.sortBySimilarity(query, {
      brainKey: "milvus_index",
      k: 10, // the ten most similar samples
    });
    expect((await expectRanking(view, dataset, 10))[0]).toBe(query);

    // Step 5: the collection is removed
    await milvusIndex.cleanup();
    expect(await listCollections(milvusIndex)).not.toContain(milvusIndex.config.collectionName);

    // and the record of the run
    await dataset.deleteBrainRun("milvus_index");
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  twin("Managing brain runs", [1, 2, 3, 4, 5], async () => {
    const dataset = await loadZooDataset("quickstart");
    await computeSimilarity(dataset, {
      embeddings: rand(200, 512),
      brainKey: "milvus_index",
      backend,
      ...options,
    });
    const patches = {
      patchesField: "ground_truth",
      embeddings: false,
      model: "clip-vit-base32-torch",
    } as const;
    await computeSimilarity(dataset, { ...patches, brainKey: "milvus_patches", backend, ...options });
    let brainKey = "milvus_index";
    const newBrainKey = "milvus_renamed";

    // Every brain run
    expect(await dataset.listBrainRuns()).toEqual(["milvus_index", "milvus_patches"]);

    // Similarity runs only
    expect(await dataset.listBrainRuns({ type: "similarity" })).toEqual(["milvus_index", "milvus_patches"]);
    expect(await dataset.listBrainRuns({ type: "visualization" })).toEqual([]);

    // Particular similarity runs only
    const found = await dataset.listBrainRuns({
      type: "similarity",
      patchesField: "ground_truth",
      supportsPrompts: true,
    });
    expect(found).toEqual(["milvus_patches"]);

    const info = await dataset.getBrainInfo(brainKey);
    expect(info).toMatchObject({
      key: "milvus_index",
      state: "ready",
      config: { method: backend, dimension: 512 },
    });
    expect(inspect(info)).toContain("milvus_index");

    await dataset.renameBrainRun(brainKey, newBrainKey);
    expect(await dataset.listBrainRuns()).toEqual(["milvus_renamed", "milvus_patches"]);
    brainKey = newBrainKey;

    // The collection is removed, which the record alone would leave
    const milvusIndex = await dataset.loadBrainResults(brainKey);
    const { collectionName } = milvusIndex.config;
    expect(await listCollections(milvusIndex)).toContain(collectionName);
    await milvusIndex.cleanup();
    expect(await listCollections(milvusIndex)).not.toContain(collectionName);

    await dataset.deleteBrainRun(brainKey);
    expect(await dataset.listBrainRuns()).toEqual(["milvus_patches"]);
    await expect(dataset.getBrainInfo(brainKey)).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  twin("Create a similarity index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");
    const modelName = "clip-vit-base32-torch";
    const model = await loadZooModel(modelName);
    const brainKey = "milvus_index";

    // Option 1: the model's name
    await computeSimilarity(dataset, {
      model: modelName,
      backend,
      brainKey,
      ...options,
    });
    const nearest = await nearestToFirst(dataset, brainKey);

    // Option 2: the model itself
    await computeSimilarity(dataset, {
      model,
      backend,
      brainKey,
      ...options,
    });
    expect(await nearestToFirst(dataset, brainKey)).toEqual(nearest);

    // Option 3: embeddings computed before, as a matrix
    const embeddings = await dataset.computeEmbeddings(model);
    expect(embeddings.embeddings.shape).toEqual([200, 512]);
    await computeSimilarity(dataset, {
      embeddings,
      backend,
      brainKey,
      ...options,
    });
    expect(await nearestToFirst(dataset, brainKey)).toEqual(nearest);

    // Option 4: embeddings computed before, in a field
    await dataset.computeEmbeddings(model, { embeddingsField: "embeddings" });
    await computeSimilarity(dataset, {
      embeddings: "embeddings",
      backend,
      brainKey,
      ...options,
    });
    expect(await nearestToFirst(dataset, brainKey)).toEqual(nearest);
  });

  twin("Create a patch similarity index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const milvusPatches = await computeSimilarity(dataset, {
      patchesField: "ground_truth",
      model: "clip-vit-base32-torch",
      backend,
      brainKey: "milvus_patches",
      ...options,
    });
    const labelIds = await dataset.toPatches("ground_truth").values<string>("id");
    expect(labelIds.length).toBeGreaterThan(200);
    expect(await milvusPatches.totalIndexSize()).toBe(labelIds.length);
    const view = dataset.toPatches("ground_truth").sortBySimilarity(labelIds[7] ?? "", { k: 10 });
    const nearest = await view.values<string>("id");
    expect(nearest[0]).toBe(labelIds[7]);
    expect(labelIds).toEqual(expect.arrayContaining(nearest));
    expect(new Set(nearest).size).toBe(10);
  });

  twin("Connect to an existing collection", 1, async () => {
    const dataset = await loadZooDataset("quickstart");
    const made = { model: "clip-vit-base32-torch", [nameOption]: "your_collection", brainKey: "made" };
    await computeSimilarity(dataset, { ...made, backend, ...options });

    const milvusIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch", // the zoo model of the collection's vectors
      embeddings: false, // none are computed
      [nameOption]: "your_collection", // the collection that is there
      brainKey: "milvus_index",
      backend,
      ...options,
    });
    expect(await milvusIndex.totalIndexSize()).toBe(200);
    const query = (await dataset.first()).id;
    const view = dataset.sortBySimilarity(query, { k: 10, brainKey: "milvus_index" });
    expect((await expectRanking(view, dataset, 10))[0]).toBe(query);

    // A collection that was there before is only let go of.
    await milvusIndex.cleanup();
    expect(await (await dataset.loadBrainResults("made")).totalIndexSize()).toBe(200);
  });

  twin("Add/remove embeddings from an index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const milvusIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      brainKey: "milvus_index",
      backend,
      ...options,
    });
    expect(await milvusIndex.totalIndexSize()).toBe(200);

    const view = dataset.take(10);
    const ids = await view.values<string>("id");

    // 10 samples leave the data set
    await dataset.deleteSamples(view);

    // and their vectors the index
    await milvusIndex.removeFromIndex({ sampleIds: ids });
    expect(await milvusIndex.totalIndexSize()).toBe(190);

    // 20 samples join the data set
    const samples = Array.from({ length: 20 }, (_, i) => ({ filepath: `tmp${i}.jpg` }));
    const sampleIds = await dataset.addSamples(samples);

    // and their vectors the index
    const embeddings = rand(20, 512);
    await milvusIndex.addToIndex(embeddings, sampleIds);

    expect(await milvusIndex.totalIndexSize()).toBe(210);
    const nearest = await dataset.sortBySimilarity(embeddings.row(3), { k: 210 }).values<string>("id");
    expect(nearest).toHaveLength(210);
    expect(nearest).toEqual(expect.arrayContaining(sampleIds));
    expect(nearest.filter((id) => ids.includes(id))).toEqual([]);
  });

  twin("Retrieve embeddings from an index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const milvusIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      brainKey: "milvus_index",
      backend,
      ...options,
    });

    // Those of the whole data set
    let ids = await dataset.values<string>("id");
    let { embeddings, sampleIds } = await milvusIndex.getEmbeddings({ sampleIds: ids });
    expect(embeddings.shape).toEqual([200, 512]);
    expect(sampleIds).toHaveLength(200);
    expect(sampleIds).toEqual(ids);

    // Those of a view
    ids = await dataset.take(10).values<string>("id");
    ({ embeddings, sampleIds } = await milvusIndex.getEmbeddings({ sampleIds: ids }));
    expect(embeddings.shape).toEqual([10, 512]);
    expect(sampleIds).toHaveLength(10);
    expect(sampleIds).toEqual(ids);
  });

  twin("Querying a Milvus index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const milvusIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      brainKey: "milvus_index",
      backend,
      ...options,
    });
    let query: SimilarityInput;
    let view: DatasetView;

    // By vector
    query = rand(1, 512).row(0); // as long as CLIP's embeddings
    view = dataset.sortBySimilarity(query, { k: 10, brainKey: "milvus_index" });
    await expectRanking(view, dataset, 10);

    // By sample id
    query = (await dataset.first()).id;
    view = dataset.sortBySimilarity(query, { k: 10, brainKey: "milvus_index" });
    expect((await expectRanking(view, dataset, 10))[0]).toBe(query);

    // By several ids
    query = [(await dataset.first()).id, (await dataset.last()).id];
    view = dataset.sortBySimilarity(query, { k: 10, brainKey: "milvus_index" });
    const { embeddings } = await milvusIndex.getEmbeddings({ sampleIds: query });
    const middle = dataset.sortBySimilarity(meanOf(embeddings), { k: 10, brainKey: "milvus_index" });
    expect(await expectRanking(view, dataset, 10)).toEqual(await middle.values("id"));

    // By text prompt
    query = "a photo of a dog";
    view = dataset.sortBySimilarity(query, { k: 10, brainKey: "milvus_index" });
    const dogs = await expectRanking(view, dataset, 10);
    const cars = dataset.sortBySimilarity("a blue car", { k: 10, brainKey: "milvus_index" });
    expect(await cars.hits()).not.toEqual(await view.hits());

    // A search on a view finds samples of that view only.
    const subset = dataset.exclude(dogs).limit(20);
    const among = await subset.sortBySimilarity(query, { k: 10, brainKey: "milvus_index" }).values("id");
    expect(among).toHaveLength(10);
    expect(await subset.values("id")).toEqual(expect.arrayContaining(among));
  });

  twin("Accessing the Milvus client", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const milvusIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      brainKey: "milvus_index",
      backend,
      ...options,
    });

    const { collectionName } = milvusIndex.config;
    expect(collectionName).toContain("milvus_index");
    if (hasCollection) expect(inspect(await milvusIndex.collection())).toContain(collectionName);

    // The client of the backend's SDK, connected; over HTTP it is the server's
    if (hasClient) expect(inspect(await milvusIndex.client())).not.toBe("undefined");
    else await expect(milvusIndex.client()).rejects.toMatchObject({ code: "REMOTE_UNSUPPORTED" });
    expect(await listCollections(milvusIndex)).toContain(collectionName);
  });

  twin("Advanced usage", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    // An index of our own making
    const milvusIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      embeddings: false, // they are added below
      metric: "euclidean",
      brainKey: "milvus_index",
      backend,
      [nameOption]: "custom_milvus_collection",
      ...options,
    });
    expect(await milvusIndex.totalIndexSize()).toBe(0);

    // Embeddings of some samples
    const view = dataset.take(10);
    const { embeddings, sampleIds } = await milvusIndex.computeEmbeddings(view);
    await milvusIndex.addToIndex(embeddings, sampleIds);
    expect(embeddings.shape).toEqual([10, 512]);

    expect(milvusIndex.config).toMatchObject({
      collectionName: "custom_milvus_collection",
      metric: "euclidean",
      dimension: 512,
    });
    expect(await listCollections(milvusIndex)).toContain("custom_milvus_collection");
    expect(await milvusIndex.totalIndexSize()).toBe(10);
    const query = sampleIds[0] ?? "";
    const [first, second] = await dataset.sortBySimilarity(query, { k: 2, brainKey: "milvus_index" }).hits();
    expect(first).toMatchObject({ id: query, distance: 0, score: 1 });
    expect(second?.score).toBeCloseTo(1 / (1 + (second?.distance ?? 0)), 6);
  });
});

/** The ten samples nearest to the first one; then the index makes room for the next under its key. */
async function nearestToFirst(dataset: Dataset, brainKey: string): Promise<string[]> {
  const index: SimilarityIndex = await dataset.loadBrainResults(brainKey);
  expect(await index.totalIndexSize()).toBe(200);
  const query = (await dataset.first()).id;
  const ids = await expectRanking(index.sortBySimilarity(query, { k: 10 }), dataset, 10);
  expect(ids[0]).toBe(query);
  await index.delete();
  return ids;
}

accountFor();
