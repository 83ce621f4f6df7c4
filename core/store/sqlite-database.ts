/** Runs the store's queries on a SQLite file in a worker thread. */

import { sql } from "kysely";
import { startWorker, workerUrl } from "../worker.ts";
import { refusal, type Step, type StepResult, type StoreDatabase } from "./database.ts";
import { compileSqlite, SQLITE } from "./dialects/sqlite.ts";
import type { SentStep, WriteOutcome } from "./sqlite-worker.ts";

/** Reads every page: https://sqlite.org/pragma.html#pragma_quick_check */
const QUICK_CHECK = sql`PRAGMA quick_check`;

/** Opens (or makes) the file; throws STORE_UNUSABLE or STORE_TOO_NEW before it returns. */
export async function openSqliteDatabase(path: string): Promise<StoreDatabase> {
  const worker = startWorker(workerUrl("sqlite-worker", import.meta.url), { path });
  try {
    await worker.call("ready");
  } catch (error) {
    await worker.close();
    throw error;
  }
  return {
    dialect: SQLITE,
    read: (query) => worker.call("read", compileSqlite(query)),
    readTexts: (query) => worker.call("readTexts", compileSqlite(query)),
    readNumbers: (query, count) => worker.call("readNumbers", { statement: compileSqlite(query), count }),
    // All writes of a file wait for each other: every scope is kept by that.
    async write(_scope, steps) {
      const outcome = await worker.call<WriteOutcome>("write", steps.map(sentStep));
      if ("results" in outcome) return [...outcome.results] satisfies StepResult[];
      throw refusal(steps[outcome.stoppedAt], outcome.rows);
    },
    async check() {
      const rows = await worker.call<{ quick_check: string }[]>("read", compileSqlite(QUICK_CHECK));
      return rows.map((row) => row.quick_check).filter((problem) => problem !== "ok");
    },
    close: () => worker.close(),
  };
}

function sentStep(step: Step): SentStep {
  return {
    ...compileSqlite(step.query),
    returning: step.returning ?? false,
    stopOn: step.guard?.stopOn ?? null,
  };
}
