/** A process of its own that edits samples, or writes the filter fields of an index again. */

import { join } from "node:path";
import { BACKENDS } from "../../core/backends/registry.ts";
import { open } from "../../core/open.ts";

const [home = "", dataset = "", work = "", ...rest] = process.argv.slice(2);
await using ns = await open({ config: { home, cache: join(home, "cache") }, backends: BACKENDS });
const opened = await ns.loadDataset(dataset);
if (work === "tag") await opened.select(rest.slice(1)).tagSamples(rest[0] ?? "");
else await (await opened.loadBrainResults(rest[0] ?? "", JSON.parse(rest[1] ?? "{}"))).updateFilterFields();
