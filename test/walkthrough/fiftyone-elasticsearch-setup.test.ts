/** The section Setup of FiftyOne's page on Elasticsearch: how the server is chosen, found and asked. */

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
    "Installing the Elasticsearch client": 1,
    "Using the Elasticsearch backend": 3,
    Authentication: 4,
    "Elasticsearch config parameters": 2,
  },
  // Installing a Python package.
  { "Installing the Elasticsearch client": [1] },
);

twin("Using the Elasticsearch backend", 1, async () => {
  await using ns = await open({ backends: [local, recordingDriver("elasticsearch")] });
  const dataset = await ns.loadZooDataset("quickstart");
  const embeddings = rand(200, 512);

  const elasticsearchIndex = await computeSimilarity(dataset, { embeddings, backend: "elasticsearch" });
  expect(elasticsearchIndex.config.method).toBe("elasticsearch");
  expect((await computeSimilarity(dataset, { embeddings })).config.method).toBe("local");
});

twin("Using the Elasticsearch backend", 2, async () => {
  const variables = { FIFTYONE_BRAIN_DEFAULT_SIMILARITY_BACKEND: "elasticsearch" };
  await installation.withEnvironment(variables, () => expectDefaultBackend("elasticsearch"));
});

twin("Using the Elasticsearch backend", 3, async () => {
  const content = { default_similarity_backend: "elasticsearch" };
  await installation.withBrainConfig(content, () => expectDefaultBackend("elasticsearch"));
});

/** As typed: the list of hosts may be one text. */
const CREDENTIALS = {
  hosts: ["http://localhost:9200"],
  username: "user-of-page",
  password: "password-of-page",
};

twin("Authentication", 1, async () => {
  const variables = {
    FIFTYONE_BRAIN_SIMILARITY_ELASTICSEARCH_HOSTS: "http://localhost:9200",
    FIFTYONE_BRAIN_SIMILARITY_ELASTICSEARCH_USERNAME: "user-of-page",
    FIFTYONE_BRAIN_SIMILARITY_ELASTICSEARCH_PASSWORD: "password-of-page",
  };
  await installation.withEnvironment(variables, () =>
    expectConfiguredConnection(installation, "elasticsearch", CREDENTIALS),
  );
});

twin("Authentication", 2, async () => {
  const elasticsearch = {
    hosts: "http://localhost:9200",
    username: "user-of-page",
    password: "password-of-page",
  };
  await installation.withBrainConfig({ similarity_backends: { elasticsearch } }, () =>
    expectConfiguredConnection(installation, "elasticsearch", CREDENTIALS),
  );
});

twin("Authentication", [3, 4], async () => {
  const given = { ...CREDENTIALS, hosts: "http://localhost:9200" };
  const driver = recordingDriver("elasticsearch");
  await using ns = await open({ backends: [driver] });
  const dataset = await ns.loadZooDataset("quickstart");

  const made = await computeSimilarity(dataset, {
    embeddings: rand(200, 512),
    backend: "elasticsearch",
    brainKey: "elasticsearch_index",
    hosts: "http://localhost:9200",
    username: "user-of-page",
    password: "password-of-page",
  });
  expect(await made.totalIndexSize()).toBe(200);
  expect(driver.connections).toEqual([given]);
  expectNotStored(installation, given);

  // Another process knows nothing of them until it is told.
  const later = recordingDriver("elasticsearch");
  await using next = await open({ backends: [later] });
  const sameDataset = await next.loadDataset("quickstart");
  await (await sameDataset.loadBrainResults("elasticsearch_index")).totalIndexSize();
  expect(later.connections).toEqual([{}]);
  const elasticsearchIndex = await sameDataset.loadBrainResults("elasticsearch_index", {
    hosts: "http://localhost:9200",
    username: "user-of-page",
    password: "password-of-page",
  });
  expect(await elasticsearchIndex.totalIndexSize()).toBe(200);
  expect(later.connections).toEqual([{}, given]);
});

async function makesCustomIndex(options: Readonly<Record<string, unknown>>): Promise<void> {
  const driver = recordingDriver("elasticsearch");
  await using ns = await open({ backends: [driver] });
  const dataset = await ns.loadZooDataset("quickstart");

  const elasticsearchIndex = await computeSimilarity(dataset, {
    embeddings: rand(200, 512),
    backend: "elasticsearch",
    brainKey: "elasticsearch_index",
    ...options,
  });
  expect(elasticsearchIndex.config).toMatchObject({ collectionName: "your-index", metric: "euclidean" });
  expect(driver.created).toMatchObject([{ name: "your-index", metric: "euclidean", dimension: 512 }]);
}

// The page's cosine is the default anyway: another metric shows that it arrives.
twin("Elasticsearch config parameters", 1, async () => {
  const elasticsearch = { index_name: "your-index", metric: "euclidean" };
  await installation.withBrainConfig({ similarity_backends: { elasticsearch } }, () => makesCustomIndex({}));
});

twin("Elasticsearch config parameters", 2, async () => {
  await makesCustomIndex({
    indexName: "your-index",
    metric: "euclidean",
  });
});

accountFor();
