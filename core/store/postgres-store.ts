/** Opens the metadata store in a schema of a PostgreSQL database, shared by any number of machines. */

import { storeOn } from "./metadata-store.ts";
import { openPostgresDatabase } from "./postgres/database.ts";
import type { MetadataStore } from "./store.ts";

/**
 * Opens the store at `postgres://user:password@host:port/database`; its tables are made or brought up to date.
 * CONFIG_INVALID, PACKAGE_MISSING, AUTHENTICATION_FAILED, PERMISSION_DENIED, STORE_UNAVAILABLE, STORE_UNUSABLE,
 * STORE_TOO_NEW.
 *
 * @example
 * const store = await openPostgresStore({ url: "postgres://nearsight:secret@localhost/nearsight" });
 * await store.datasets.list(); // []
 */
export async function openPostgresStore({ url }: { readonly url: string }): Promise<MetadataStore> {
  return storeOn(await openPostgresDatabase(url));
}
