/** Runs the store's queries on a SQLite file. */

import { sql } from "kysely";
import type { WorkerClient } from "../worker.ts";
import { refusal, type Step, type StepResult, type StoreDatabase } from "./database.ts";
import { compileSqlite, SQLITE } from "./dialects/sqlite.ts";
import type { SentStep, WriteOutcome } from "./sqlite-worker.ts";

/** Reads every page: https://sqlite.org/pragma.html#pragma_quick_check */
const QUICK_CHECK = sql`PRAGMA quick_check`;

/** A database on the thread that has its file. */
export function sqliteDatabase(thread: WorkerClient): StoreDatabase {
  return {
    dialect: SQLITE,
    read: (query) => thread.call("read", compileSqlite(query)),
    readTexts: (query) => thread.call("readTexts", compileSqlite(query)),
    readNumbers: (query, count) => thread.call("readNumbers", { statement: compileSqlite(query), count }),
    // All writes of a file wait for each other: every scope is kept by that.
    async write(_scope, steps) {
      const outcome = await thread.call<WriteOutcome>("write", steps.map(sentStep));
      if ("results" in outcome) return [...outcome.results] satisfies StepResult[];
      throw refusal(steps[outcome.stoppedAt], outcome.rows);
    },
    async check() {
      const rows = await thread.call<{ quick_check: string }[]>("read", compileSqlite(QUICK_CHECK));
      return rows.map((row) => row.quick_check).filter((problem) => problem !== "ok");
    },
    close: () => thread.close(),
  };
}

function sentStep(step: Step): SentStep {
  return {
    ...compileSqlite(step.query),
    returning: step.returning ?? false,
    stopOn: step.guard?.stopOn ?? null,
  };
}
