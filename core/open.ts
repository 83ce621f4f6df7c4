/** Opens an installation. It is apart from the rest of the library, which is loaded while the store opens. */

import { type Config, readConfig } from "./config.ts";
import type { Nearsight, OpenOptions } from "./nearsight.ts";
import { openSqliteStore } from "./store/sqlite-store.ts";
import type { MetadataStore } from "./store/store.ts";

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
  const opening = openStore(options.store ?? config.store, config);
  const [store, { createNearsight }] = await Promise.all([opening, import("./nearsight.ts")]);
  return createNearsight(options, config, store);
}

/** The store that is given, or at the address that is; else the SQLite file in the folder of the installation. */
async function openStore(
  store: MetadataStore | string | undefined,
  { home }: Config,
): Promise<MetadataStore> {
  if (store === undefined) return openSqliteStore({ folder: home });
  if (typeof store !== "string") return store;
  const { openPostgresStore } = await import("./store/postgres-store.ts");
  return openPostgresStore({ url: store });
}
