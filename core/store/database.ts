/** How the store reaches its database: queries out, rows back; a write is one transaction. */

import {
  DummyDriver,
  type Expression,
  Kysely,
  type OperationNodeSource,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { NearsightError } from "../errors.ts";
import type { Dialect, Scope } from "./dialects/dialect.ts";
import type { Tables } from "./tables.ts";

/**
 * One step of a write. A guarded step is a query that calls the whole write off: when it finds rows (`rows`)
 * or when it finds none (`none`); `refuse` makes the error.
 */
export interface Step {
  readonly query: OperationNodeSource;
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

/** What a database offers to the store; it compiles queries itself. */
export interface StoreDatabase {
  readonly dialect: Dialect;
  read<Row>(query: Expression<Row>): Promise<Row[]>;
  /** The only column of a query, named `text`: quicker to pass on than rows. */
  readTexts<Text extends string | null>(query: OperationNodeSource): Promise<Text[]>;
  /** A query's number columns, `count` of them, null as NaN. */
  readNumbers(query: OperationNodeSource, count: number): Promise<Float64Array[]>;
  /**
   * Runs the steps in one transaction: all are kept, or none. Other writes of the same scope wait; one step alone
   * needs no scope.
   */
  write(scope: Scope | null, steps: readonly Step[]): Promise<StepResult[]>;
  /** What is wrong with the database itself; nothing where it is sound. */
  check(): Promise<string[]>;
  close(): Promise<void>;
}

/** Builds queries. It never compiles or runs them: the database they are given to does. */
export const build = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** The error of the step that called a write off. */
export function refusal(step: Step | undefined, rows: readonly Record<string, unknown>[]): Error {
  return (
    step?.guard?.refuse(rows) ??
    new NearsightError({ code: "INTERNAL", message: "A write was called off by a step without a guard" })
  );
}
