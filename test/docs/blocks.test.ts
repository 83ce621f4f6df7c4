/** Runs the code blocks of README.md and docs/; those of pages that need a server are run where the server is. */

import { join, resolve } from "node:path";
import { pages, testBlocks } from "../support/doc-blocks.ts";

const root = resolve(import.meta.dirname, "../..");
const ofServers = ["backends/milvus", "backends/elasticsearch", "store", "sync"].map((name) =>
  join(root, `docs/${name}.md`),
);

testBlocks([
  join(root, "README.md"),
  ...pages(join(root, "docs")).filter((path) => !ofServers.includes(path)),
]);
