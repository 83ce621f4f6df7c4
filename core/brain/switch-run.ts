/** Puts one similarity run in the place of another: a new model or backend, built beside the old one. */

import { NearsightError } from "../errors.ts";
import type { RunRecord } from "../store/store-runs.ts";
import type { BrainContext } from "./context.ts";
import { findRun } from "./runs.ts";

/** See `dataset.switchBrainRun`. */
export async function switchBrainRun(
  context: BrainContext,
  datasetId: string,
  key: string,
  toKey: string,
): Promise<void> {
  const [from, to] = [await findRun(context, datasetId, key), await findRun(context, datasetId, toKey)];
  assertAlike(from, to);
  await context.store.runs.swapKeys(datasetId, key, toKey);
}

/** Views that name the key go on working only if it stands for rows of the same kind. */
function assertAlike(from: RunRecord, to: RunRecord): void {
  if (from.key === to.key) {
    throw refused(`Expected two brain runs but found '${from.key}' twice`, "Name the run to switch to");
  }
  const hint = "Build the other index with the same patchesField first";
  for (const { key, type } of [from, to]) {
    if (type !== "similarity") throw refused(`Expected a similarity index but '${key}' is a ${type}`, hint);
  }
  if (from.config.patchesField === to.config.patchesField) return;
  throw refused(
    `Expected '${to.key}' to index ${rowsOf(from)}, as '${from.key}' does, but it indexes ${rowsOf(to)}`,
    hint,
  );
}

function rowsOf({ config }: RunRecord): string {
  return config.patchesField === null ? "whole samples" : `'${config.patchesField}' patches`;
}

function refused(message: string, hint: string): NearsightError {
  return new NearsightError({ code: "INVALID_ARGUMENT", message, hint });
}
