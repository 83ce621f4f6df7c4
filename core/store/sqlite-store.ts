/** Opens the metadata store in a folder: one SQLite file, shared by any number of processes. */

import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { NearsightError } from "../errors.ts";
import { startSqlite } from "./sqlite-thread.ts";
import type { MetadataStore } from "./store.ts";

/** The store's file inside its folder. */
const STORE_FILE = "nearsight.db";
/** Where the embedded backend keeps its files, inside the store's folder. */
const INDEX_FOLDER = "indexes";

/** Opens `nearsight.db` in `folder`; both are made if absent. STORE_UNUSABLE, STORE_TOO_NEW. */
export async function openSqliteStore({ folder }: { folder: string }): Promise<MetadataStore> {
  const absolute = resolve(folder);
  try {
    mkdirSync(absolute, { recursive: true });
  } catch (cause) {
    throw new NearsightError({
      code: "STORE_UNUSABLE",
      message: `The folder ${absolute} for the store cannot be made: ${(cause as Error).message}`,
      hint: "Choose a folder you can write to with NEARSIGHT_HOME",
      cause,
    });
  }
  const path = join(absolute, STORE_FILE);
  if (isEmptied(path)) throw emptied(path);
  // Nothing was waited for until here: the thread starts at once, and the queries are loaded meanwhile.
  const [thread, { sqliteDatabase }, { storeOn }] = await Promise.all([
    startSqlite(path),
    import("./sqlite-database.ts"),
    import("./metadata-store.ts"),
  ]);
  return storeOn(sqliteDatabase(thread));
}

/** SQLite takes a file without bytes for a new database: beside indexes it is one that lost its contents. */
function isEmptied(path: string): boolean {
  try {
    if (statSync(path).size > 0) return false;
    return readdirSync(join(path, "..", INDEX_FOLDER)).some((name) => name.endsWith(".db"));
  } catch {
    return false; // there is no such file, or no index beside it
  }
}

function emptied(path: string): NearsightError {
  return new NearsightError({
    code: "STORE_UNUSABLE",
    message: `Expected a store in ${path} but the file is empty, though there are indexes beside it`,
    hint: "Restore the file from a backup, or delete it to begin anew",
    details: { path },
  });
}
