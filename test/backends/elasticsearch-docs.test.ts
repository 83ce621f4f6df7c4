/** The code blocks of docs/backends/elasticsearch.md run against the server. */

import { resolve } from "node:path";
import { testBlocks } from "../support/doc-blocks.ts";
import { elasticsearchServer } from "../support/servers.ts";

testBlocks([resolve(import.meta.dirname, "../../docs/backends/elasticsearch.md")], {
  FIFTYONE_BRAIN_SIMILARITY_ELASTICSEARCH_HOSTS: elasticsearchServer().hosts.join(","),
});
