/** Runs every code block of README.md and docs/. Pages of servers are run by test/backends, where the servers are. */

import { join, resolve } from "node:path";
import { pages, testBlocks } from "../support/doc-blocks.ts";

const root = resolve(import.meta.dirname, "../..");
const ofServers = ["milvus", "elasticsearch"].map((name) => join(root, `docs/backends/${name}.md`));

testBlocks([
  join(root, "README.md"),
  ...pages(join(root, "docs")).filter((path) => !ofServers.includes(path)),
]);
