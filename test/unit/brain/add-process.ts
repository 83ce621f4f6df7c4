/** A process of its own that adds entries to an index one by one, for the tests of several processes. */

import { join } from "node:path";
import { open } from "../../../core/open.ts";

const [home = "", dataset = "", key = "", ...ids] = process.argv.slice(2);
await using ns = await open({ config: { home, cache: join(home, "cache") } });
const index = await (await ns.loadDataset(dataset)).loadBrainResults(key);
for (const id of ids) await index.addToIndex([[1, 0, 0]], [id]);
