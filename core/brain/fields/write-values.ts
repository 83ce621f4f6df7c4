/** Filter fields in writes: values read with the changes they have in them, one writer at a time. */

import type { Batch } from "../../backends/backend.ts";
import type { SettledEntries } from "../../store/store-runs.ts";
import { withLease } from "../lease.ts";
import type { OpenIndex } from "../open-index.ts";
import { valuesOf } from "./filter-fields.ts";

/** What a batch gets beside its vectors, and which changes of the samples that has in it. */
export interface CurrentValues extends Pick<Batch, "fields">, Pick<SettledEntries, "fieldChanges"> {}

/** The values of a batch's entries; nothing for a run without filter fields. */
export async function currentValues(
  { context, run }: OpenIndex,
  { ids, sampleIds }: Pick<Batch, "ids" | "sampleIds">,
): Promise<CurrentValues> {
  const { filterFields } = run.config;
  if (filterFields === undefined) return {};
  // Before the values: what changes in between counts as not written yet.
  const fieldChanges = await context.store.entries.fieldChanges(run.id, ids);
  const samples = await context.store.samples.byId(run.datasetId, [...new Set(sampleIds)]);
  const byId = new Map(samples.map((sample) => [sample.id, sample]));
  return { fieldChanges, fields: sampleIds.map((id) => valuesOf(filterFields, byId.get(id))) };
}

/**
 * Does work that writes entries. In a run with filter fields only one may at a time, so that values which were read
 * first are not written last: it is done under the lease, RUN_BUSY. The run keeps its state, also where the work fails.
 */
export async function writeAlone<Result>(
  { context, run }: OpenIndex,
  signal: AbortSignal | undefined,
  work: (held: { epoch?: number; signal?: AbortSignal | undefined }) => Promise<Result>,
): Promise<Result> {
  if (run.config.filterFields === undefined) return work({ signal });
  const { state, reason } = run;
  const [outcome] = await withLease(context, run, signal, async (lease) => {
    const result = await Promise.allSettled([work({ epoch: lease.epoch, signal: lease.signal })]);
    return { state, reason, result };
  });
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}
