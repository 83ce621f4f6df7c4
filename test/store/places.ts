/** Stores by where they are, a folder or an address, for tests that run on every database. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openPostgresStore } from "../../core/store/postgres-store.ts";
import { openSqliteStore } from "../../core/store/sqlite-store.ts";
import type { MetadataStore } from "../../core/store/store.ts";
import { askPostgres } from "../support/postgres.ts";

const isAddress = (place: string) => place.startsWith("postgres://");

export function openAt(place: string): Promise<MetadataStore> {
  return isAddress(place) ? openPostgresStore({ url: place }) : openSqliteStore({ folder: place });
}

/** How many rows a table has, past the store. */
export async function rowsOf(place: string, table: string): Promise<number> {
  const query = `select count(*) as n from ${table}`;
  if (isAddress(place)) return Number((await askPostgres(place, query))[0]?.["n"]);
  const file = new DatabaseSync(join(place, "nearsight.db"), { readOnly: true });
  try {
    return Number(file.prepare(query).get()?.["n"]);
  } finally {
    file.close();
  }
}
