/** Opens the metadata store in a folder: one SQLite file, shared by any number of processes. */

import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { NearsightError } from "../errors.ts";
import type { StoreDatabase } from "./database.ts";
import { datasetStore } from "./datasets.ts";
import { entryStore } from "./entries.ts";
import { runStore } from "./runs.ts";
import { sampleStore } from "./samples.ts";
import { savedViewStore } from "./saved-views.ts";
import { openSqliteDatabase } from "./sqlite-database.ts";
import type { MetadataStore } from "./store.ts";
import { vectorStore } from "./vectors.ts";

/** The store's file inside its folder. */
const STORE_FILE = "nearsight.db";

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
  return storeOn(await openSqliteDatabase(join(absolute, STORE_FILE)));
}

function storeOn(database: StoreDatabase): MetadataStore {
  return {
    datasets: datasetStore(database),
    samples: sampleStore(database),
    vectors: vectorStore(database),
    views: savedViewStore(database),
    runs: runStore(database),
    entries: entryStore(database),
    close: () => database.close(),
  };
}
