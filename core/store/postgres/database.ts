/** Runs the store's queries on PostgreSQL: reads on any connection, a write as one transaction on one. */

import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { type OperationNodeSource, sql } from "kysely";
import type { PoolClient, QueryArrayConfig } from "pg";
import { NearsightError } from "../../errors.ts";
import { refusal, type Step, type StepResult, type StoreDatabase } from "../database.ts";
import type { Scope } from "../dialects/dialect.ts";
import { compilePostgres, POSTGRES } from "../dialects/postgres.ts";
import { NumberColumns } from "../number-columns.ts";
import { loadDriver, openPool, withConnection } from "./connections.ts";
import { isLost, isOvertaken, postgresError } from "./errors.ts";
import { migrate } from "./migrate.ts";
import { postgresOptions } from "./options.ts";

/**
 * How often a statement or write is run before its error stands. Writes of one scope wait for each other, so that
 * one is overtaken only by writes of another scope: twice in a row is rare.
 */
const MOST_RUNS = 5;
/** Before the second run, at most; doubled before each further one. */
const PAUSE_MS = 20;

type Row = Record<string, unknown>;

/**
 * Opens the database and brings its schema up to date. CONFIG_INVALID, PACKAGE_MISSING, STORE_UNAVAILABLE,
 * STORE_UNUSABLE, STORE_TOO_NEW, AUTHENTICATION_FAILED, PERMISSION_DENIED.
 */
export async function openPostgresDatabase(address: string): Promise<StoreDatabase> {
  const options = postgresOptions(address);
  const { place } = options;
  const pool = await openPool(options);
  let isClosed = false;

  /** Runs `work`, again where that helps; errors in our words. */
  async function again<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let run = 1; ; run++) {
      if (isClosed) throw closed();
      try {
        return await work();
      } catch (error) {
        const helps = isOvertaken(error) || (isLost(error) && run === 1);
        if (!helps || run === MOST_RUNS) throw postgresError(place, error);
        await pause(Math.random() * PAUSE_MS * 2 ** run);
      }
    }
  }

  const inRows = (query: OperationNodeSource) => {
    const { sql: text, parameters } = compilePostgres(query);
    return again(() => pool.query<unknown[], unknown[]>({ text, values: [...parameters], rowMode: "array" }));
  };

  try {
    await again(() => withConnection(pool, (client) => migrate(client, options)));
  } catch (error) {
    await pool.end();
    throw error;
  }

  return {
    dialect: POSTGRES,
    async read<Result>(query: OperationNodeSource) {
      const { sql: text, parameters } = compilePostgres(query);
      const { rows } = await again(() => pool.query(text, [...parameters]));
      return rows as Result[];
    },
    async readTexts<Text>(query: OperationNodeSource) {
      const { rows } = await inRows(query);
      return rows.map(([text]) => text) as Text[];
    },
    readNumbers: (query, count) =>
      again(() => withConnection(pool, (client) => readColumns(client, query, count))),
    write: (scope, steps) =>
      again(() => withConnection(pool, (client) => write(client, place, scope, steps))),
    async check() {
      const { rows } = await again(() => pool.query<{ name: string }>(INVALID_INDEXES));
      return rows.map(({ name }) => `the index ${name} is not valid; run REINDEX INDEX ${name}`);
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await pool.end();
    },
  };
}

/** Reads number columns as their rows arrive. */
async function readColumns(
  client: PoolClient,
  query: OperationNodeSource,
  count: number,
): Promise<Float64Array[]> {
  const { Query } = await loadDriver();
  const { sql: text, parameters } = compilePostgres(query);
  const columns = new NumberColumns(count);
  const request: QueryArrayConfig = { text, values: [...parameters], rowMode: "array" };
  const running = client.query(new Query(request));
  running.on("row", (row: unknown[]) => columns.add(row));
  await once(running, "end");
  return columns.finish();
}

/** Those whose making was broken off: PostgreSQL does not use them. */
const INVALID_INDEXES = `select indexrelid::regclass::text as name from pg_index
  join pg_class on pg_class.oid = indexrelid
  where relnamespace = current_schema()::regnamespace and not indisvalid`;

async function write(
  client: PoolClient,
  place: string,
  scope: Scope | null,
  steps: readonly Step[],
): Promise<StepResult[]> {
  // With each statement on its own snapshot, those after the lock see what the writes before have committed.
  await client.query("begin isolation level read committed");
  try {
    if (scope !== null) await run(client, lockOf(scope));
    const results: StepResult[] = [];
    for (const step of steps) results.push(await runStep(client, step));
    await commit(client, place);
    return results;
  } catch (error) {
    if (!isLost(error)) await client.query("rollback");
    throw error;
  }
}

/** Shuts writes of the same scope out until the transaction ends. */
function lockOf(scope: Scope): OperationNodeSource {
  if (scope === "store") return sql`select pg_advisory_xact_lock(hashtextextended(current_schema(), 0))`;
  if ("dataset" in scope) return sql`select 1 from datasets where id = ${scope.dataset} for no key update`;
  if ("run" in scope) return sql`select 1 from runs where id = ${scope.run} for no key update`;
  return sql`select 1 from runs where dataset_id = ${scope.runsOf} order by id for no key update`;
}

async function runStep(client: PoolClient, step: Step): Promise<StepResult> {
  const { rows, rowCount } = await run(client, step.query);
  const stopOn = step.guard?.stopOn;
  if (stopOn !== undefined && (stopOn === "rows") === rows.length > 0) throw refusal(step, rows);
  return { rows, changes: rowCount ?? 0 };
}

function run(client: PoolClient, query: OperationNodeSource) {
  const { sql: text, parameters } = compilePostgres(query);
  return client.query<Row>(text, [...parameters]);
}

/** A connection that is lost here leaves open whether the write was kept: only the caller can tell what to do. */
async function commit(client: PoolClient, place: string): Promise<void> {
  try {
    await client.query("commit");
  } catch (cause) {
    if (!isLost(cause)) throw cause;
    throw new NearsightError({
      code: "STORE_UNAVAILABLE",
      message: `The store ${place} was lost while it confirmed a write, which it may have kept or not`,
      hint: "Look whether what you wrote is there before you write it again",
      details: { store: place },
      retryable: false,
      cause,
    });
  }
}

function closed(): NearsightError {
  return new NearsightError({
    code: "CLOSED",
    message: "The store was closed",
    hint: "Open it again",
  });
}
