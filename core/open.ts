/** Opens an installation. It is apart from the rest of the library, which is loaded while the store opens. */

import { readConfig } from "./config.ts";
import type { Nearsight, OpenOptions } from "./nearsight.ts";
import { openSqliteStore } from "./store/sqlite-store.ts";

/**
 * Opens an installation: by default the SQLite store of `~/.nearsight` with the embedded backend.
 *
 * @example
 * await using ns = await open();
 * const dataset = await ns.loadZooDataset("quickstart");
 * await ns.computeSimilarity(dataset, { brainKey: "images" });
 */
export async function open(options: OpenOptions = {}): Promise<Nearsight> {
  const config = readConfig(options.config);
  const opening = options.store ?? openSqliteStore({ folder: config.home });
  const [store, { createNearsight }] = await Promise.all([opening, import("./nearsight.ts")]);
  return createNearsight(options, config, store);
}
