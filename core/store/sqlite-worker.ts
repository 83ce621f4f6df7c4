/** The worker thread that holds the store's SQLite file; each call is one transaction. */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { guarded, migrate, openSqlite, transaction } from "../sqlite.ts";
import { serveWorker, transferring } from "../worker.ts";
import type { Statement } from "./dialects/dialect.ts";
import { NumberColumns } from "./number-columns.ts";
import { MIGRATIONS } from "./sqlite-schema.ts";

export interface SentStep extends Statement {
  readonly returning: boolean;
  readonly stopOn: "rows" | "none" | null;
}

type Row = Record<string, unknown>;

/** What a write came to: every step's result, or the step that called it off. */
export type WriteOutcome =
  | { readonly results: readonly { readonly rows: readonly Row[]; readonly changes: number }[] }
  | { readonly stoppedAt: number; readonly rows: readonly Row[] };

/** Prepared statements kept; view queries differ without end, so the oldest go. */
const STATEMENTS_KEPT = 200;

class CalledOff extends Error {
  readonly stoppedAt: number;
  readonly rows: readonly Row[];
  constructor(stoppedAt: number, rows: readonly Row[]) {
    super("called off by a guard");
    this.stoppedAt = stoppedAt;
    this.rows = rows;
  }
}

serveWorker(({ path }: { path: string }) => {
  const database = openSqlite(path);
  migrate(database, path, MIGRATIONS);
  database.function("fold", { deterministic: true }, (text) =>
    typeof text === "string" ? text.toLowerCase() : text,
  );
  const prepare = statementCache(database);

  return {
    ready: () => undefined,
    read: (statement: Statement) => guarded(path, () => all(prepare(statement.sql), statement)),
    readTexts: (statement: Statement) =>
      guarded(path, () => all(prepare(statement.sql), statement).map(({ text }) => text)),
    readNumbers: ({ statement, count }: { statement: Statement; count: number }) =>
      guarded(path, () => numbers(prepare(statement.sql), statement, count)),
    write: (steps: readonly SentStep[]) => guarded(path, () => write(database, prepare, steps)),
    close: () => database.close(),
  };
});

function statementCache(database: DatabaseSync): (sql: string) => StatementSync {
  const kept = new Map<string, StatementSync>();
  return (sql) => {
    const found = kept.get(sql) ?? database.prepare(sql);
    kept.delete(sql);
    kept.set(sql, found);
    if (kept.size > STATEMENTS_KEPT) kept.delete(kept.keys().next().value ?? "");
    return found;
  };
}

function all(prepared: StatementSync, { parameters }: Statement): Row[] {
  return prepared.all(...(parameters as SQLInputValue[])) as Row[];
}

function write(
  database: DatabaseSync,
  prepare: (sql: string) => StatementSync,
  steps: readonly SentStep[],
): WriteOutcome {
  try {
    const results = transaction(database, () => steps.map((step, i) => run(prepare(step.sql), step, i)));
    return { results };
  } catch (error) {
    if (error instanceof CalledOff) return { stoppedAt: error.stoppedAt, rows: error.rows };
    throw error;
  }
}

function run(prepared: StatementSync, step: SentStep, position: number): { rows: Row[]; changes: number } {
  if (!step.returning && step.stopOn === null) {
    return { rows: [], changes: Number(prepared.run(...(step.parameters as SQLInputValue[])).changes) };
  }
  const rows = all(prepared, step);
  if (step.stopOn !== null && (step.stopOn === "rows") === rows.length > 0)
    throw new CalledOff(position, rows);
  return { rows, changes: rows.length };
}

function numbers(prepared: StatementSync, statement: Statement, count: number): unknown {
  const columns = new NumberColumns(count);
  for (const row of prepared.iterate(...(statement.parameters as SQLInputValue[])))
    columns.add(Object.values(row));
  const result = columns.finish();
  return transferring(
    result,
    result.map((column) => column.buffer),
  );
}
