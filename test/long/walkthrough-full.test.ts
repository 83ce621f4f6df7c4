/** Every twin of the pages that embeds something, again with ViT-B/32 in full. */

import { describe } from "vitest";

process.env["NEARSIGHT_WALKTHROUGH"] = "full";

// Each in a suite of its own: a page prepares its installation, and removes it, around its own tests.
describe("FiftyOne on Milvus", async () => {
  await import("../walkthrough/fiftyone-milvus.test.ts");
});
describe("FiftyOne on Elasticsearch", async () => {
  await import("../walkthrough/fiftyone-elasticsearch.test.ts");
});
describe("Milvus on FiftyOne", async () => {
  await import("../walkthrough/milvus-docs.test.ts");
});
