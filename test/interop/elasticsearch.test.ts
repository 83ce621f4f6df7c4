/** The real FiftyOne and nearsight on one Elasticsearch. */

import { afterAll, beforeAll } from "vitest";
import { elasticsearch, elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { testChanges } from "../support/fiftyone-changes.ts";
import { testAnswers } from "../support/fiftyone-indexes.ts";
import { type SharedServer, sharedDataset } from "../support/fiftyone-on-server.ts";
import { elasticsearchServer } from "../support/servers.ts";

const address = elasticsearchServer();

/** What 8 bits for each number lose: the server's own choice where, as in FiftyOne, none is named. */
const ROUNDING = 0.02;

const made = { rounding: ROUNDING, givesVectors: false };
const readable = `interop-readable-${process.pid}`;
const backend = elasticsearchBackend(address);

// Newer servers keep vectors out of what FiftyOne reads, unless a template says otherwise.
beforeAll(async () => {
  const settings = { "index.mapping.exclude_source_vectors": false };
  const client = await backend.client();
  await client.indices.putIndexTemplate({
    name: readable,
    index_patterns: [`${readable}*`],
    template: { settings },
  });
});

afterAll(async () => {
  await (await backend.client()).indices.deleteIndexTemplate({ name: readable });
  await backend.close();
});

/** Scores of Elasticsearch, by FiftyOne's names of the metrics. */
const SCORES: Readonly<Record<string, (distance: number) => number>> = {
  cosine: (distance) => (2 - distance) / 2,
  dotproduct: (distance) => (1 - distance) / 2,
  euclidean: (distance) => 1 / (1 + distance ** 2),
  innerproduct: (distance) => (distance > 0 ? 1 / (1 + distance) : 1 - distance),
};

const server: SharedServer = {
  driver: elasticsearch,
  address,
  nameOption: "index_name",
  kindThere: "ElasticsearchSimilarityIndex",
  kinds: [
    { name: "cosine", metric: "cosine", ours: "cosine", ...made },
    { name: "dotproduct", metric: "dotproduct", ours: "dotproduct", isUnit: true, ...made },
    { name: "euclidean", metric: "euclidean", ours: "euclidean", ...made },
    { name: "innerproduct", metric: "innerproduct", ours: "dotproduct", ...made },
    {
      ...{ name: "readable", metric: "cosine", ours: "cosine", ...made },
      ...{ givesVectors: true, prefix: readable, options: { readableVectors: true } },
    },
  ],
  fiftyOneDistance: (metric, distance) => SCORES[metric]?.(distance) ?? Number.NaN,
};

const shared = sharedDataset(server);
testAnswers(server, shared);
testChanges(server, shared);
