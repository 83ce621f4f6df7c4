/** Two brain runs change their keys: what is asked for under one key is answered by the other run from then on. */

import { NearsightError } from "../errors.ts";
import { newId } from "../ids.ts";
import { build, type Step, type StoreDatabase } from "./database.ts";
import { runNotFound } from "./runs.ts";

/** See `RunStore.swapKeys`. */
export async function swapKeys(
  database: StoreDatabase,
  datasetId: string,
  key: string,
  otherKey: string,
): Promise<void> {
  // Keys are unique at every moment, so one of them steps aside; nobody sees it, as all is one transaction.
  const aside = `${key}_${newId()}`;
  await database.write({ runsOf: datasetId }, [
    ...[key, otherKey].map((one) => isThere(datasetId, one)),
    isComplete(datasetId, otherKey),
    isIdle(datasetId, key, otherKey),
    rename(datasetId, key, aside),
    rename(datasetId, otherKey, key),
    rename(datasetId, aside, otherKey),
  ]);
}

function rename(datasetId: string, from: string, to: string): Step {
  return {
    query: build
      .updateTable("runs")
      .set({ key: to, updated_at: new Date().toISOString() })
      .where("dataset_id", "=", datasetId)
      .where("key", "=", from),
  };
}

function runsOf(datasetId: string, keys: readonly string[]) {
  return build
    .selectFrom("runs")
    .select(["key", "state"])
    .where("dataset_id", "=", datasetId)
    .where("key", "in", keys);
}

function isThere(datasetId: string, key: string): Step {
  return {
    query: runsOf(datasetId, [key]),
    guard: { stopOn: "none", refuse: () => runNotFound(key) },
  };
}

function isComplete(datasetId: string, key: string): Step {
  return {
    query: runsOf(datasetId, [key]).where("state", "not in", ["ready", "partial"]),
    guard: {
      stopOn: "rows",
      refuse: ([row]) =>
        new NearsightError({
          code: "INVALID_ARGUMENT",
          message: `Expected brain run '${key}' to be ready but it is ${row?.state}`,
          hint: "Finish it first: computeSimilarity() with the same options, or addMissing(), goes on",
          details: { brainKey: key, state: row?.state },
        }),
    },
  };
}

function isIdle(datasetId: string, key: string, otherKey: string): Step {
  return {
    query: runsOf(datasetId, [key, otherKey])
      .where("lease_owner", "is not", null)
      .where("lease_until", ">", Date.now()),
    guard: {
      stopOn: "rows",
      refuse: ([row]) =>
        new NearsightError({
          code: "RUN_BUSY",
          message: `Brain run '${row?.key}' is being built`,
          hint: "Switch when that has ended",
          details: { brainKey: row?.key },
        }),
    },
  };
}
