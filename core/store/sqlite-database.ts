/** Runs the store's statements on a SQLite file in a worker thread. */

import { NearsightError } from "../errors.ts";
import type { WorkerClient } from "../worker.ts";
import type { Statement, Step, StepResult, StoreDatabase } from "./database.ts";
import type { SentStatement, SentStep, WriteOutcome } from "./sqlite-worker.ts";

/** Reads every page: https://sqlite.org/pragma.html#pragma_quick_check */
const QUICK_CHECK: SentStatement = { sql: "PRAGMA quick_check", parameters: [] };

/** The database of a thread of `sqlite-worker.ts`; throws STORE_UNUSABLE or STORE_TOO_NEW before it returns. */
export async function openSqliteDatabase(worker: WorkerClient): Promise<StoreDatabase> {
  try {
    await worker.call("ready");
  } catch (error) {
    await worker.close();
    throw error;
  }
  return {
    read: <Row>(statement: Statement<Row>) => worker.call<Row[]>("read", sent(statement)),
    readTexts: (statement) => worker.call("readTexts", sent(statement)),
    readNumbers: (statement, count) => worker.call("readNumbers", { statement: sent(statement), count }),
    async write(steps) {
      const outcome = await worker.call<WriteOutcome>("write", steps.map(sentStep));
      if ("results" in outcome) return [...outcome.results] satisfies StepResult[];
      throw refusal(steps[outcome.stoppedAt], outcome.rows);
    },
    async check() {
      const rows = await worker.call<{ quick_check: string }[]>("read", QUICK_CHECK);
      return rows.map((row) => row.quick_check).filter((problem) => problem !== "ok");
    },
    close: () => worker.close(),
  };
}

function sent({ sql, parameters }: Statement): SentStatement {
  return { sql, parameters };
}

function sentStep(step: Step): SentStep {
  return {
    ...sent(step.statement),
    returning: step.returning ?? false,
    stopOn: step.guard?.stopOn ?? null,
  };
}

function refusal(step: Step | undefined, rows: readonly Record<string, unknown>[]): Error {
  return (
    step?.guard?.refuse(rows) ??
    new NearsightError({ code: "INTERNAL", message: "A write was called off by a step without a guard" })
  );
}
