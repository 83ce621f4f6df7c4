/** The Milvus documentation's page on FiftyOne, block by block; its Chinese page has the same blocks. */

import { inspect } from "node:util";
import { describe, expect } from "vitest";
import { computeSimilarity, local, open } from "../../core/index.ts";
import { BACKENDS } from "./backends.ts";
import { expectConfiguredConnection, expectDefaultBackend, expectNotStored } from "./connections.ts";
import { expectRanking, rand } from "./expectations.ts";
import { useInstallation } from "./installation.ts";
import { recordingDriver } from "./recording-driver.ts";
import { pageTwins } from "./twins.ts";

const installation = useInstallation();
const { twin, accountFor } = pageTwins(
  {
    "Installing Requirements": 1,
    "1. Load a dataset into FiftyOne and compute embeddings for the samples": 1,
    "2. Conduct vision similarity searches": 1,
    "3. Delete the index": 1,
    "Use the Milvus backend": 3,
    "Environment variables (recommended)": 1,
    "FiftyOne Brain config": 1,
    "Keyword arguments": 2,
    "Milvus config parameters": 2,
    "Manage brain runs": 5,
  },
  // Installing Python packages.
  { "Installing Requirements": [1] },
);

describe.each(BACKENDS)("on $name", ({ library, backend, options, listCollections }) => {
  const { loadZooDataset } = library;

  twin("1. Load a dataset into FiftyOne and compute embeddings for the samples", 1, async () => {
    // Step 1: the data
    const dataset = await loadZooDataset("quickstart");

    // Steps 2 and 3: embeddings, and an index of them
    const milvusIndex = await computeSimilarity(dataset, {
      brainKey: "milvus_index",
      backend,
      ...options,
    });
    expect(await milvusIndex.totalIndexSize()).toBe(200);
    expect(milvusIndex.config).toMatchObject({ method: backend, model: "nearsight-tiny", dimension: 512 });
  });

  twin("2. Conduct vision similarity searches", 1, async () => {
    const dataset = await loadZooDataset("quickstart");
    const milvusIndex = await computeSimilarity(dataset, { brainKey: "milvus_index", backend, ...options });

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

    // Nothing is left for the next section to delete, which is fine.
    await milvusIndex.delete();
  });

  twin("3. Delete the index", 1, async () => {
    const dataset = await loadZooDataset("quickstart");
    const vectors = { embeddings: rand(200, 512) };
    const milvusIndex = await computeSimilarity(dataset, { ...vectors, backend, ...options });

    // Step 5: the collection and the record at once
    await milvusIndex.delete();
    expect(await dataset.listBrainRuns()).toEqual([]);
    expect(await listCollections(milvusIndex)).not.toContain(milvusIndex.config.collectionName);
  });

  twin("Manage brain runs", [1, 2, 3, 4, 5], async () => {
    const dataset = await loadZooDataset("quickstart");
    const vectors = { embeddings: rand(200, 512) };
    await computeSimilarity(dataset, { ...vectors, brainKey: "milvus_index", backend, ...options });
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

    // Particular similarity runs only
    const found = await dataset.listBrainRuns({
      type: "similarity",
      patchesField: "ground_truth",
      supportsPrompts: true,
    });
    expect(found).toEqual(["milvus_patches"]);

    const info = await dataset.getBrainInfo(brainKey);
    expect(inspect(info)).toContain("milvus_index");

    await dataset.renameBrainRun(brainKey, newBrainKey);
    expect(await dataset.listBrainRuns()).toEqual(["milvus_renamed", "milvus_patches"]);
    brainKey = newBrainKey;

    // The collection is removed, which the record alone would leave
    const milvusIndex = await dataset.loadBrainResults(brainKey);
    await milvusIndex.cleanup();
    expect(await listCollections(milvusIndex)).not.toContain(milvusIndex.config.collectionName);

    await dataset.deleteBrainRun(brainKey);
    expect(await dataset.listBrainRuns()).toEqual(["milvus_patches"]);
  });
});

twin("Use the Milvus backend", 1, async () => {
  await using ns = await open({ backends: [local, recordingDriver("milvus")] });
  const dataset = await ns.loadZooDataset("quickstart");
  const embeddings = rand(200, 512);

  const milvusIndex = await computeSimilarity(dataset, { embeddings, backend: "milvus" });
  expect(milvusIndex.config.method).toBe("milvus");
});

twin("Use the Milvus backend", 2, async () => {
  const variables = { FIFTYONE_BRAIN_DEFAULT_SIMILARITY_BACKEND: "milvus" };
  await installation.withEnvironment(variables, () => expectDefaultBackend("milvus"));
});

twin("Use the Milvus backend", 3, async () => {
  const content = { default_similarity_backend: "milvus" };
  await installation.withBrainConfig(content, () => expectDefaultBackend("milvus"));
});

/** Every setting of the page, as typed. */
const CONNECTION = {
  uri: "http://127.0.0.1:19530",
  user: "user-of-page",
  password: "password-of-page",
  secure: true,
  token: "token-of-page",
  dbName: "database-of-page",
  clientKeyPath: "/keys/client-key-of-page",
  clientPemPath: "/keys/client-pem-of-page",
  caPemPath: "/keys/ca-pem-of-page",
  serverPemPath: "/keys/server-pem-of-page",
  serverName: "server-of-page",
};

twin("Environment variables (recommended)", 1, async () => {
  const variables = {
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_URI: "http://127.0.0.1:19530",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_USER: "user-of-page",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_PASSWORD: "password-of-page",

    FIFTYONE_BRAIN_SIMILARITY_MILVUS_SECURE: "true",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_TOKEN: "token-of-page",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_DB_NAME: "database-of-page",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_CLIENT_KEY_PATH: "/keys/client-key-of-page",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_CLIENT_PEM_PATH: "/keys/client-pem-of-page",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_CA_PEM_PATH: "/keys/ca-pem-of-page",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_SERVER_PEM_PATH: "/keys/server-pem-of-page",
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_SERVER_NAME: "server-of-page",
  };
  await installation.withEnvironment(variables, () =>
    expectConfiguredConnection(installation, "milvus", CONNECTION),
  );
});

twin("FiftyOne Brain config", 1, async () => {
  const milvus = {
    uri: "http://127.0.0.1:19530",
    user: "user-of-page",
    password: "password-of-page",

    secure: true,
    token: "token-of-page",
    db_name: "database-of-page",
    client_key_path: "/keys/client-key-of-page",
    client_pem_path: "/keys/client-pem-of-page",
    ca_pem_path: "/keys/ca-pem-of-page",
    server_pem_path: "/keys/server-pem-of-page",
    server_name: "server-of-page",
  };
  await installation.withBrainConfig({ similarity_backends: { milvus } }, () =>
    expectConfiguredConnection(installation, "milvus", CONNECTION),
  );
});

twin("Keyword arguments", [1, 2], async () => {
  const driver = recordingDriver("milvus");
  await using ns = await open({ backends: [driver] });
  const dataset = await ns.loadZooDataset("quickstart");

  const made = await computeSimilarity(dataset, {
    embeddings: rand(200, 512),
    backend: "milvus",
    brainKey: "milvus_index",
    uri: "http://127.0.0.1:19530",
    user: "user-of-page",
    password: "password-of-page",

    secure: true,
    token: "token-of-page",
    dbName: "database-of-page",
    clientKeyPath: "/keys/client-key-of-page",
    clientPemPath: "/keys/client-pem-of-page",
    caPemPath: "/keys/ca-pem-of-page",
    serverPemPath: "/keys/server-pem-of-page",
    serverName: "server-of-page",
  });
  expect(await made.totalIndexSize()).toBe(200);
  expect(driver.connections).toEqual([CONNECTION]);
  expectNotStored(installation, CONNECTION);

  // Another process is told them again.
  const later = recordingDriver("milvus");
  await using next = await open({ backends: [later] });
  const milvusIndex = await (await next.loadDataset("quickstart")).loadBrainResults("milvus_index", {
    uri: "http://127.0.0.1:19530",
    user: "user-of-page",
    password: "password-of-page",

    secure: true,
    token: "token-of-page",
    dbName: "database-of-page",
    clientKeyPath: "/keys/client-key-of-page",
    clientPemPath: "/keys/client-pem-of-page",
    caPemPath: "/keys/ca-pem-of-page",
    serverPemPath: "/keys/server-pem-of-page",
    serverName: "server-of-page",
  });
  expect(await milvusIndex.totalIndexSize()).toBe(200);
  expect(later.connections).toEqual([CONNECTION]);
});

async function makesCustomCollection(options: Readonly<Record<string, unknown>>): Promise<void> {
  const driver = recordingDriver("milvus");
  await using ns = await open({ backends: [driver] });
  const dataset = await ns.loadZooDataset("quickstart");

  const milvusIndex = await computeSimilarity(dataset, {
    embeddings: rand(200, 512),
    backend: "milvus",
    brainKey: "milvus_index",
    ...options,
  });
  expect(milvusIndex.config).toMatchObject({ collectionName: "your_collection", metric: "dotproduct" });
  expect(driver.created).toMatchObject([
    { name: "your_collection", metric: "dotproduct", dimension: 512, params: { consistencyLevel: "Strong" } },
  ]);
}

twin("Milvus config parameters", 1, async () => {
  const milvus = { collection_name: "your_collection", metric: "dotproduct", consistency_level: "Strong" };
  await installation.withBrainConfig({ similarity_backends: { milvus } }, () => makesCustomCollection({}));
});

twin("Milvus config parameters", 2, async () => {
  await makesCustomCollection({
    collectionName: "your_collection",
    metric: "dotproduct",
    consistencyLevel: "Strong",
  });
});

accountFor();
