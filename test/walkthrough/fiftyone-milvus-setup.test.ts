/** The section Setup of FiftyOne's page on Milvus: how the server is chosen, found and asked. */

import { expect } from "vitest";
import { computeSimilarity, local, open } from "../../core/index.ts";
import { expectConfiguredConnection, expectDefaultBackend, expectNotStored } from "./connections.ts";
import { rand } from "./expectations.ts";
import { useInstallation } from "./installation.ts";
import { recordingDriver } from "./recording-driver.ts";
import { pageTwins } from "./twins.ts";

const installation = useInstallation();
const { twin, accountFor } = pageTwins(
  {
    Setup: 1,
    "Installing the Milvus client": 1,
    "Using the Milvus backend": 3,
    Authentication: 4,
    "Milvus config parameters": 2,
  },
  // Starting a server in a container and installing a Python package.
  { Setup: [1], "Installing the Milvus client": [1] },
);

twin("Using the Milvus backend", 1, async () => {
  await using ns = await open({ backends: [local, recordingDriver("milvus")] });
  const dataset = await ns.loadZooDataset("quickstart");
  const embeddings = rand(200, 512);

  const milvusIndex = await computeSimilarity(dataset, { embeddings, backend: "milvus" });
  expect(milvusIndex.config.method).toBe("milvus");
  expect((await computeSimilarity(dataset, { embeddings })).config.method).toBe("local");
});

twin("Using the Milvus backend", 2, async () => {
  const variables = { FIFTYONE_BRAIN_DEFAULT_SIMILARITY_BACKEND: "milvus" };
  await installation.withEnvironment(variables, () => expectDefaultBackend("milvus"));
});

twin("Using the Milvus backend", 3, async () => {
  const content = { default_similarity_backend: "milvus" };
  await installation.withBrainConfig(content, () => expectDefaultBackend("milvus"));
});

const CREDENTIALS = { user: "user-of-page", password: "password-of-page", uri: "http://127.0.0.1:19530" };

twin("Authentication", 1, async () => {
  const variables = {
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_USER: CREDENTIALS.user,
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_PASSWORD: CREDENTIALS.password,
    FIFTYONE_BRAIN_SIMILARITY_MILVUS_URI: CREDENTIALS.uri,
  };
  await installation.withEnvironment(variables, () =>
    expectConfiguredConnection(installation, "milvus", CREDENTIALS),
  );
});

twin("Authentication", 2, async () => {
  await installation.withBrainConfig({ similarity_backends: { milvus: CREDENTIALS } }, () =>
    expectConfiguredConnection(installation, "milvus", CREDENTIALS),
  );
});

twin("Authentication", [3, 4], async () => {
  const driver = recordingDriver("milvus");
  await using ns = await open({ backends: [driver] });
  const dataset = await ns.loadZooDataset("quickstart");

  const made = await computeSimilarity(dataset, {
    embeddings: rand(200, 512),
    backend: "milvus",
    brainKey: "milvus_index",
    user: "user-of-page",
    password: "password-of-page",
    uri: "http://127.0.0.1:19530",
  });
  expect(await made.totalIndexSize()).toBe(200);
  expect(driver.connections).toEqual([CREDENTIALS]);
  expectNotStored(installation, CREDENTIALS);

  // Another process knows nothing of them until it is told.
  const later = recordingDriver("milvus");
  await using next = await open({ backends: [later] });
  const sameDataset = await next.loadDataset("quickstart");
  await (await sameDataset.loadBrainResults("milvus_index")).totalIndexSize();
  expect(later.connections).toEqual([{}]);
  const milvusIndex = await sameDataset.loadBrainResults("milvus_index", {
    user: "user-of-page",
    password: "password-of-page",
    uri: "http://127.0.0.1:19530",
  });
  expect(await milvusIndex.totalIndexSize()).toBe(200);
  expect(later.connections).toEqual([{}, CREDENTIALS]);
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
  const content = {
    similarity_backends: {
      milvus: { collection_name: "your_collection", metric: "dotproduct", consistency_level: "Strong" },
    },
  };
  await installation.withBrainConfig(content, () => makesCustomCollection({}));
});

twin("Milvus config parameters", 2, async () => {
  await makesCustomCollection({
    collectionName: "your_collection",
    metric: "dotproduct",
    consistencyLevel: "Strong",
  });
});

accountFor();
