/** Opens the metadata store in a folder: one SQLite file, shared by any number of processes. */

import { mkdir, readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { NearsightError } from "../errors.ts";
import type { StoreDatabase } from "./database.ts";
import { datasetStore } from "./datasets.ts";
import { entryStore } from "./entries.ts";
import { keyLeaseStore, underLease } from "./key-leases.ts";
import { pointStore } from "./points.ts";
import { runStore } from "./runs.ts";
import { sampleAddressStore } from "./sample-addresses.ts";
import { sampleStore } from "./samples.ts";
import { savedViewStore } from "./saved-views.ts";
import { openSqliteDatabase } from "./sqlite-database.ts";
import type { MetadataStore } from "./store.ts";
import { vectorStore } from "./vectors.ts";

/** The store's file inside its folder. */
const STORE_FILE = "nearsight.db";
/** Where the embedded backend keeps its files, inside the store's folder. */
const INDEX_FOLDER = "indexes";

/** Opens `nearsight.db` in `folder`; both are made if absent. STORE_UNUSABLE, STORE_TOO_NEW. */
export async function openSqliteStore({ folder }: { folder: string }): Promise<MetadataStore> {
  const absolute = resolve(folder);
  try {
    await mkdir(absolute, { recursive: true });
  } catch (cause) {
    throw new NearsightError({
      code: "STORE_UNUSABLE",
      message: `The folder ${absolute} for the store cannot be made: ${(cause as Error).message}`,
      hint: "Choose a folder you can write to with NEARSIGHT_HOME",
      cause,
    });
  }
  const path = join(absolute, STORE_FILE);
  if (await isEmptied(path)) throw emptied(path);
  return storeOn(await openSqliteDatabase(path));
}

/** SQLite takes a file without bytes for a new database: beside indexes it is one that lost its contents. */
async function isEmptied(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => null);
  if (facts === null || facts.size > 0) return false;
  const indexes = await readdir(join(path, "..", INDEX_FOLDER)).catch(() => []);
  return indexes.some((name) => name.endsWith(".db"));
}

function emptied(path: string): NearsightError {
  return new NearsightError({
    code: "STORE_UNUSABLE",
    message: `Expected a store in ${path} but the file is empty, though there are indexes beside it`,
    hint: "Restore the file from a backup, or delete it to begin anew",
    details: { path },
  });
}

function storeOn(database: StoreDatabase): MetadataStore {
  return {
    datasets: datasetStore(database),
    samples: sampleStore(database),
    vectors: vectorStore(database),
    views: savedViewStore(database),
    runs: runStore(database),
    entries: entryStore(database),
    points: pointStore(database),
    keyLeases: keyLeaseStore(database),
    addresses: sampleAddressStore(database),
    under: (lease) => storeOn(underLease(database, lease)),
    check: () => database.check(),
    close: () => database.close(),
  };
}
