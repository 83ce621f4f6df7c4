/** Contract: Elasticsearch 8, on a real server, by the same client. */

import { afterAll } from "vitest";
import { elasticsearchBackend } from "../../core/backends/elasticsearch/elasticsearch.ts";
import { MAX_DIMENSION, MAX_ID_BYTES } from "../../core/backends/elasticsearch/limits.ts";
import { testBackend } from "../contract/backend-contract.ts";
import { finishIndex } from "../support/elasticsearch-index.ts";
import { elasticsearchServer } from "../support/servers.ts";

const observer = elasticsearchBackend(elasticsearchServer());

testBackend("elasticsearch 8", {
  open: () => elasticsearchBackend(elasticsearchServer()),
  limits: { dimension: MAX_DIMENSION, idBytes: MAX_ID_BYTES },
  indexed: (collection, entries) => finishIndex(observer, collection.name, entries),
});

afterAll(() => observer.close());
