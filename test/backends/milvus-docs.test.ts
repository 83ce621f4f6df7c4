/** The code blocks of docs/backends/milvus.md run against the server. */

import { resolve } from "node:path";
import { testBlocks } from "../support/doc-blocks.ts";
import { milvusServer } from "../support/servers.ts";

testBlocks([resolve(import.meta.dirname, "../../docs/backends/milvus.md")], {
  FIFTYONE_BRAIN_SIMILARITY_MILVUS_URI: milvusServer().uri,
});
