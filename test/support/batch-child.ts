/** A process of its own that does the parts of builds it is sent, for the tests of builds by several processes. */

import { join } from "node:path";
import type { BatchRef } from "../../core/index.ts";
import { open } from "../../core/open.ts";

const [home = ""] = process.argv.slice(2);
const ns = await open({ config: { home, cache: join(home, "cache") } });

process.on("message", async (batch: BatchRef) => {
  try {
    process.send?.({ outcome: await ns.runBatch(batch) });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
});
process.on("disconnect", () => void ns.close());
process.send?.({ ready: true });
