/** Runs every code block of README.md and docs/, but for pages of servers, which run where the servers are. */

import { join, resolve } from "node:path";
import { pages, testBlocks } from "../support/doc-blocks.ts";

const root = resolve(import.meta.dirname, "../..");
const ofServers = ["backends/milvus", "backends/elasticsearch", "client"].map((name) =>
  join(root, `docs/${name}.md`),
);

testBlocks([
  join(root, "README.md"),
  ...pages(join(root, "docs")).filter((path) => !ofServers.includes(path)),
]);
