/** How the store reaches its database: compiled statements out, rows back; a write is one transaction. */

import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { Tables } from "./tables.ts";

/** SQL text with the values for its placeholders. */
export interface Statement<Row = unknown> {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Type of the rows; never set. */
  readonly query?: unknown;
  readonly row?: Row;
}

/**
 * One step of a write. A guarded step is a query that calls the whole write off: when it finds rows (`rows`)
 * or when it finds none (`none`); `refuse` makes the error.
 */
export interface Step {
  readonly statement: Statement;
  /** The step's rows are wanted, not just how many it changed. */
  readonly returning?: boolean;
  readonly guard?: {
    readonly stopOn: "rows" | "none";
    refuse(rows: readonly Record<string, unknown>[]): Error;
  };
}

export interface StepResult {
  readonly rows: readonly Record<string, unknown>[];
  readonly changes: number;
}

/** What a database offers to the store. */
export interface StoreDatabase {
  read<Row>(statement: Statement<Row>): Promise<Row[]>;
  /** The only column of a query, named `text`: quicker to pass on than rows. */
  readTexts<Text extends string | null>(statement: Statement): Promise<Text[]>;
  /** A query's number columns, `count` of them, null as NaN. */
  readNumbers(statement: Statement, count: number): Promise<Float64Array[]>;
  /** Runs the steps in one transaction: all are kept, or none. */
  write(steps: readonly Step[]): Promise<StepResult[]>;
  /** What is wrong with the file itself; nothing where it is sound. */
  check(): Promise<string[]>;
  close(): Promise<void>;
}

/** Builds and compiles queries; it never runs them, so that they can be sent to the worker in one piece. */
export const build = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});
