/** FiftyOne's page on Elasticsearch, block by block; its section Setup is in `fiftyone-elasticsearch-setup.test.ts`. */

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
useFreeNames("your-index", "custom-quickstart-index");
const { twin, accountFor } = pageTwins(
  {
    "Basic recipe": 3,
    "Managing brain runs": 5,
    "Create a similarity index": 1,
    "Create a patch similarity index": 1,
    "Connect to an existing index": 1,
    "Add/remove embeddings from an index": 1,
    "Retrieve embeddings from an index": 1,
    "Querying a Elasticsearch index": 1,
    "Accessing the Elasticsearch client": 1,
    "Advanced usage": 1,
  },
  // Installing a Python package.
  { "Basic recipe": [1] },
);

describe.each(BACKENDS)("on $name", (page) => {
  const { backend, options, nameOption, nameOf, hasClient, listCollections } = page;
  const { loadZooDataset, loadZooModel } = page.library;

  twin("Basic recipe", [2, 3], async () => {
    // Step 1: the data
    const dataset = await loadZooDataset("quickstart");

    // Steps 2 and 3: embeddings of the default model, and an index of them
    const elasticsearchIndex = await computeSimilarity(dataset, {
      brainKey: "elasticsearch_index",
      backend,
      ...options,
    });
    expect(elasticsearchIndex.config.model).toBe("nearsight-tiny");

    // Step 4: a query by sample id
    const query = (await dataset.first()).id;
    const view = dataset.sortBySimilarity(query, {
      brainKey: "elasticsearch_index",
      k: 10, // the ten most similar samples
    });
    expect((await expectRanking(view, dataset, 10))[0]).toBe(query);

    // Step 5: the server's index is removed
    await elasticsearchIndex.cleanup();
    expect(await listCollections(elasticsearchIndex)).not.toContain(elasticsearchIndex.config.collectionName);

    // and the record of the run
    await dataset.deleteBrainRun("elasticsearch_index");
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  twin("Managing brain runs", [1, 2, 3, 4, 5], async () => {
    const dataset = await loadZooDataset("quickstart");
    await computeSimilarity(dataset, {
      embeddings: rand(200, 512),
      brainKey: "elasticsearch_index",
      backend,
      ...options,
    });
    const patches = {
      patchesField: "ground_truth",
      embeddings: false,
      model: "clip-vit-base32-torch",
    } as const;
    await computeSimilarity(dataset, { ...patches, brainKey: "elasticsearch_patches", backend, ...options });
    let brainKey = "elasticsearch_index";
    const newBrainKey = "elasticsearch_renamed";

    // Every brain run
    expect(await dataset.listBrainRuns()).toEqual(["elasticsearch_index", "elasticsearch_patches"]);

    // Similarity runs only
    expect(await dataset.listBrainRuns({ type: "similarity" })).toEqual([
      "elasticsearch_index",
      "elasticsearch_patches",
    ]);
    expect(await dataset.listBrainRuns({ type: "visualization" })).toEqual([]);

    // Particular similarity runs only
    const found = await dataset.listBrainRuns({
      type: "similarity",
      patchesField: "ground_truth",
      supportsPrompts: true,
    });
    expect(found).toEqual(["elasticsearch_patches"]);

    const info = await dataset.getBrainInfo(brainKey);
    expect(info).toMatchObject({
      key: "elasticsearch_index",
      state: "ready",
      config: { method: backend, dimension: 512 },
    });
    expect(inspect(info)).toContain("elasticsearch_index");

    await dataset.renameBrainRun(brainKey, newBrainKey);
    expect(await dataset.listBrainRuns()).toEqual(["elasticsearch_renamed", "elasticsearch_patches"]);
    brainKey = newBrainKey;

    // The server's index is removed, which the record alone would leave
    const elasticsearchIndex = await dataset.loadBrainResults(brainKey);
    const { collectionName } = elasticsearchIndex.config;
    expect(await listCollections(elasticsearchIndex)).toContain(collectionName);
    await elasticsearchIndex.cleanup();
    expect(await listCollections(elasticsearchIndex)).not.toContain(collectionName);

    await dataset.deleteBrainRun(brainKey);
    expect(await dataset.listBrainRuns()).toEqual(["elasticsearch_patches"]);
    await expect(dataset.getBrainInfo(brainKey)).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  twin("Create a similarity index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");
    const modelName = "clip-vit-base32-torch";
    const model = await loadZooModel(modelName);
    const brainKey = "elasticsearch_index";

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

    const elasticsearchPatches = await computeSimilarity(dataset, {
      patchesField: "ground_truth",
      model: "clip-vit-base32-torch",
      backend,
      brainKey: "elasticsearch_patches",
      ...options,
    });
    const labelIds = await dataset.toPatches("ground_truth").values<string>("id");
    expect(labelIds.length).toBeGreaterThan(200);
    expect(await elasticsearchPatches.totalIndexSize()).toBe(labelIds.length);
    const view = dataset.toPatches("ground_truth").sortBySimilarity(labelIds[7] ?? "", { k: 10 });
    const nearest = await view.values<string>("id");
    expect(nearest[0]).toBe(labelIds[7]);
    expect(labelIds).toEqual(expect.arrayContaining(nearest));
    expect(new Set(nearest).size).toBe(10);
  });

  twin("Connect to an existing index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");
    const made = { model: "clip-vit-base32-torch", [nameOption]: nameOf("your-index"), brainKey: "made" };
    await computeSimilarity(dataset, { ...made, backend, ...options });

    const elasticsearchIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch", // the zoo model of its vectors
      embeddings: false, // none are computed
      [nameOption]: nameOf("your-index"), // the index that is there
      brainKey: "elasticsearch_index",
      backend,
      ...options,
    });
    expect(await elasticsearchIndex.totalIndexSize()).toBe(200);
    const query = (await dataset.first()).id;
    const view = dataset.sortBySimilarity(query, { k: 10, brainKey: "elasticsearch_index" });
    expect((await expectRanking(view, dataset, 10))[0]).toBe(query);

    // An index that was there before is only let go of.
    await elasticsearchIndex.cleanup();
    expect(await (await dataset.loadBrainResults("made")).totalIndexSize()).toBe(200);
  });

  twin("Add/remove embeddings from an index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const elasticsearchIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      brainKey: "elasticsearch_index",
      backend,
      ...options,
    });
    expect(await elasticsearchIndex.totalIndexSize()).toBe(200);

    const view = dataset.take(10);
    const ids = await view.values<string>("id");

    // 10 samples leave the data set
    await dataset.deleteSamples(view);

    // and their vectors the index
    await elasticsearchIndex.removeFromIndex({ sampleIds: ids });
    expect(await elasticsearchIndex.totalIndexSize()).toBe(190);

    // 20 samples join the data set
    const samples = Array.from({ length: 20 }, (_, i) => ({ filepath: `tmp${i}.jpg` }));
    const sampleIds = await dataset.addSamples(samples);

    // and their vectors the index
    const embeddings = rand(20, 512);
    await elasticsearchIndex.addToIndex(embeddings, sampleIds);

    expect(await elasticsearchIndex.totalIndexSize()).toBe(210);
    const nearest = await dataset.sortBySimilarity(embeddings.row(3), { k: 210 }).values<string>("id");
    expect(nearest).toHaveLength(210);
    expect(nearest).toEqual(expect.arrayContaining(sampleIds));
    expect(nearest.filter((id) => ids.includes(id))).toEqual([]);
  });

  twin("Retrieve embeddings from an index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const elasticsearchIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      brainKey: "elasticsearch_index",
      backend,
      ...options,
    });

    // Those of the whole data set
    let ids = await dataset.values<string>("id");
    let { embeddings, sampleIds } = await elasticsearchIndex.getEmbeddings({ sampleIds: ids });
    expect(embeddings.shape).toEqual([200, 512]);
    expect(sampleIds).toHaveLength(200);
    expect(sampleIds).toEqual(ids);

    // Those of a view
    ids = await dataset.take(10).values<string>("id");
    ({ embeddings, sampleIds } = await elasticsearchIndex.getEmbeddings({ sampleIds: ids }));
    expect(embeddings.shape).toEqual([10, 512]);
    expect(sampleIds).toHaveLength(10);
    expect(sampleIds).toEqual(ids);
  });

  twin("Querying a Elasticsearch index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const elasticsearchIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      brainKey: "elasticsearch_index",
      backend,
      ...options,
    });
    let query: SimilarityInput;
    let view: DatasetView;

    // By vector
    query = rand(1, 512).row(0); // as long as CLIP's embeddings
    view = dataset.sortBySimilarity(query, { k: 10, brainKey: "elasticsearch_index" });
    await expectRanking(view, dataset, 10);

    // By sample id
    query = (await dataset.first()).id;
    view = dataset.sortBySimilarity(query, { k: 10, brainKey: "elasticsearch_index" });
    expect((await expectRanking(view, dataset, 10))[0]).toBe(query);

    // By several ids
    query = [(await dataset.first()).id, (await dataset.last()).id];
    view = dataset.sortBySimilarity(query, { k: 10, brainKey: "elasticsearch_index" });
    const { embeddings } = await elasticsearchIndex.getEmbeddings({ sampleIds: query });
    const middle = dataset.sortBySimilarity(meanOf(embeddings), { k: 10, brainKey: "elasticsearch_index" });
    expect(await expectRanking(view, dataset, 10)).toEqual(await middle.values("id"));

    // By text prompt
    query = "a photo of a dog";
    view = dataset.sortBySimilarity(query, { k: 10, brainKey: "elasticsearch_index" });
    const dogs = await expectRanking(view, dataset, 10);
    const cars = dataset.sortBySimilarity("a blue car", { k: 10, brainKey: "elasticsearch_index" });
    expect(await cars.hits()).not.toEqual(await view.hits());

    // A search on a view finds samples of that view only.
    const subset = dataset.exclude(dogs).limit(20);
    const among = await subset
      .sortBySimilarity(query, { k: 10, brainKey: "elasticsearch_index" })
      .values("id");
    expect(among).toHaveLength(10);
    expect(await subset.values("id")).toEqual(expect.arrayContaining(among));
  });

  twin("Accessing the Elasticsearch client", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    const elasticsearchIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      brainKey: "elasticsearch_index",
      backend,
      ...options,
    });

    // Over HTTP the client is the server's.
    if (hasClient) expect(inspect(await elasticsearchIndex.client())).not.toBe("undefined");
    else await expect(elasticsearchIndex.client()).rejects.toMatchObject({ code: "REMOTE_UNSUPPORTED" });
    expect(await listCollections(elasticsearchIndex)).toContain(elasticsearchIndex.config.collectionName);
  });

  twin("Advanced usage", 1, async () => {
    const dataset = await loadZooDataset("quickstart");

    // An index of our own making
    const elasticsearchIndex = await computeSimilarity(dataset, {
      model: "clip-vit-base32-torch",
      embeddings: false, // they are added below
      metric: "dotproduct",
      brainKey: "elasticsearch_index",
      backend,
      [nameOption]: nameOf("custom-quickstart-index"),
      ...options,
    });
    expect(await elasticsearchIndex.totalIndexSize()).toBe(0);

    // Embeddings of some samples
    const view = dataset.take(10);
    const { embeddings, sampleIds } = await elasticsearchIndex.computeEmbeddings(view);
    await elasticsearchIndex.addToIndex(embeddings, sampleIds);
    expect(embeddings.shape).toEqual([10, 512]);

    expect(elasticsearchIndex.config).toMatchObject({
      collectionName: nameOf("custom-quickstart-index"),
      metric: "dotproduct",
      dimension: 512,
    });
    expect(await elasticsearchIndex.totalIndexSize()).toBe(10);
    const hits = await dataset
      .sortBySimilarity(embeddings.row(0), { brainKey: "elasticsearch_index" })
      .hits();
    expect(hits.map((hit) => hit.id).sort()).toEqual(sampleIds.toSorted());
    for (const { score, distance } of hits) expect(score).toBe(-distance);
    const own = embeddings.row(0).reduce((sum, value) => sum + value * value, 0);
    const found = hits.find((hit) => hit.id === sampleIds[0])?.score;
    expect((found ?? 0) / own).toBeCloseTo(1, 5);
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
