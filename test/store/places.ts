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

/** Runs a statement past the store. */
export async function ask(place: string, statement: string): Promise<Record<string, unknown>[]> {
  if (isAddress(place)) return askPostgres(place, statement);
  const file = new DatabaseSync(join(place, "nearsight.db"), { timeout: 10_000 });
  try {
    return file.prepare(statement).all();
  } finally {
    file.close();
  }
}

/** How many rows a table has, past the store. */
export async function rowsOf(place: string, table: string): Promise<number> {
  return Number((await ask(place, `select count(*) as n from ${table}`))[0]?.["n"]);
}
