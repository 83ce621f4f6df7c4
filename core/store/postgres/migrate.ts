/** Brings the schema of a PostgreSQL store up to date; any number of processes may do so at the same time. */

import type { PoolClient } from "pg";
import { NearsightError } from "../../errors.ts";
import type { PostgresOptions } from "./options.ts";
import { CREATE_FOLD, MIGRATIONS } from "./schema.ts";

const FIND_TABLE =
  "select 1 from pg_catalog.pg_tables where schemaname = $1 and tablename = 'schema_version'";
const NEWEST = MIGRATIONS.at(-1)?.version ?? 0;

/** STORE_TOO_NEW for a store of a newer nearsight, STORE_UNUSABLE for a database that does not keep all of Unicode. */
export async function migrate(client: PoolClient, { schema, place }: PostgresOptions): Promise<void> {
  await assertUnicode(client, place);
  const known = await versionOf(client, schema);
  // Who may only use the store, and not change its schema, gets by where there is nothing to change.
  if (known === NEWEST) return;
  assertNotNewer(known, place);
  await client.query("begin; set local statement_timeout = 0; set local lock_timeout = 0");
  try {
    await client.query("select pg_advisory_xact_lock(hashtextextended('nearsight schema ' || $1, 0))", [
      schema,
    ]);
    // Another process may have done it while this one waited.
    await bring(client, schema, place, await versionOf(client, schema));
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

async function bring(client: PoolClient, schema: string, place: string, version: number): Promise<void> {
  assertNotNewer(version, place);
  if (version === NEWEST) return;
  if (version === 0) {
    await client.query(`create schema if not exists ${schema}`);
    await client.query(`create table ${schema}.schema_version (version integer not null)`);
    await client.query(`insert into ${schema}.schema_version values (0)`);
    await client.query(CREATE_FOLD);
  }
  for (const step of MIGRATIONS) if (step.version > version) await client.query(step.sql);
  await client.query(`update ${schema}.schema_version set version = ${NEWEST}`);
}

/**
 * 0 where there is no store yet. The catalogue is asked by a query: `to_regclass` may answer from what this connection
 * remembers, and not see what was made while it waited for its turn.
 */
async function versionOf(client: PoolClient, schema: string): Promise<number> {
  const { rowCount } = await client.query(FIND_TABLE, [schema]);
  if (rowCount === 0) return 0;
  const { rows } = await client.query<{ version: number }>(`select version from ${schema}.schema_version`);
  return rows[0]?.version ?? 0;
}

async function assertUnicode(client: PoolClient, place: string): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>("show server_encoding");
  const found = rows[0]?.server_encoding;
  if (found === "UTF8") return;
  throw new NearsightError({
    code: "STORE_UNUSABLE",
    message: `Expected a database with the encoding UTF8 in ${place} but found ${found}`,
    hint: "Make the database with: createdb --encoding=UTF8 --template=template0",
    details: { store: place, encoding: found },
  });
}

function assertNotNewer(found: number, place: string): void {
  if (found <= NEWEST) return;
  throw new NearsightError({
    code: "STORE_TOO_NEW",
    message: `Expected a store of version ${NEWEST} or older in ${place} but found version ${found}`,
    hint: "Upgrade nearsight, or give another schema in the store's address",
    details: { found, known: NEWEST },
  });
}
