/** The pool of connections to PostgreSQL, its driver loaded on first use. */

import type { Pool, PoolClient } from "pg";
import { NearsightError } from "../../errors.ts";
import type { PostgresOptions } from "./options.ts";

/** How long a statement waits for another write, in milliseconds; as long as on SQLite. */
const LOCK_TIMEOUT_MS = 30_000;
/** A client that was stopped in the middle of a write, as a frozen function is, holds its locks no longer than this. */
const IDLE_IN_TRANSACTION_MS = 60_000;
/** Connections without work are closed after this, in milliseconds. */
const IDLE_MS = 30_000;

/** Types that pg gives as something else than the store wants: https://www.postgresql.org/docs/current/catalog-pg-type.html */
const NUMBER_TYPES = new Set([20, 21, 23, 700, 701, 1700]);
const BYTES_TYPE = 17;

/** Numbers as numbers, bytes as arrays of their own, everything else as text, JSON too. */
const TYPES = {
  getTypeParser(type: number): (text: string) => unknown {
    if (NUMBER_TYPES.has(type)) return Number;
    if (type === BYTES_TYPE) return (text) => Uint8Array.from(Buffer.from(text.slice(2), "hex"));
    return (text) => text;
  },
};

/** A pool that connects when it is first asked; PACKAGE_MISSING, CONFIG_INVALID. */
export async function openPool(options: PostgresOptions): Promise<Pool> {
  const { connectionString, schema, statementTimeout, poolSize, connectTimeout } = options;
  const { Pool: PoolOf } = await loadDriver();
  const settings = [
    `SET search_path TO ${schema}`,
    `SET statement_timeout TO ${statementTimeout}`,
    `SET lock_timeout TO ${LOCK_TIMEOUT_MS}`,
    `SET idle_in_transaction_session_timeout TO ${IDLE_IN_TRANSACTION_MS}`,
  ].join("; ");
  const pool = new PoolOf({
    connectionString,
    fallback_application_name: "nearsight",
    max: poolSize,
    connectionTimeoutMillis: connectTimeout,
    idleTimeoutMillis: IDLE_MS,
    allowExitOnIdle: true,
    keepAlive: true,
    types: TYPES as never,
    // As a message and not as parameters of the connection, which poolers between us and the server refuse.
    onConnect: async (client) => {
      await client.query(settings);
    },
  });
  // A connection that breaks while nobody uses it: the next one who asks gets another.
  pool.on("error", () => undefined);
  return pool;
}

/** Gives a connection to `work` and takes it back; one on which something failed is closed. */
export async function withConnection<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  // Without a listener a connection that breaks between two statements would end the process; the next one fails.
  const ignore = () => undefined;
  client.on("error", ignore);
  let failed = true;
  try {
    const result = await work(client);
    failed = false;
    return result;
  } finally {
    client.off("error", ignore);
    client.release(failed);
  }
}

/** The package pg; PACKAGE_MISSING. */
export async function loadDriver(): Promise<typeof import("pg")> {
  try {
    return await import("pg");
  } catch (cause) {
    throw new NearsightError({
      code: "PACKAGE_MISSING",
      message: "A store on PostgreSQL needs the package pg, which could not be loaded",
      hint: "Run: npm install pg",
      cause,
    });
  }
}
