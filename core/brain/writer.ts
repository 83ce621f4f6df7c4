/**
 * Writes batches to a collection and settles their entries in the store. Where making writes visible costs a call of
 * its own, several batches become visible together, and none counts as indexed before.
 */

import type { Batch } from "../backends/backend.ts";
import type { Matrix } from "../matrix.ts";
import type { SettledEntries } from "../store/store-runs.ts";
import { type Failure, normalized, nothing, once } from "./entries.ts";
import { currentValues } from "./fields/write-values.ts";
import { leaseLost } from "./lease.ts";
import type { OpenIndex } from "./open-index.ts";

/** Vectors, and what they were made from. */
export type SourcedBatch = Batch & Pick<SettledEntries, "sourceVersions">;

/** What became of batches: entries that were refused, and those that were deleted while they were written. */
export interface WriteOutcome {
  readonly failed: readonly Failure[];
  readonly unwanted: readonly string[];
}

export interface Writer {
  /** Writes a batch. Entries deleted meanwhile are told by the call that settles the batch, this or a later one. */
  write(batch: SourcedBatch): Promise<WriteOutcome>;
  /** Settles what is left; gives the entries that were deleted meanwhile. */
  finish(): Promise<readonly string[]>;
}

/** A killed builder writes what it had not settled again: no more than it wrote in this time. */
const SETTLE_AFTER_MS = 2_000;

/** Starts to write; with an `epoch`, only as long as the lease of that epoch is held. */
export function startWriter(index: OpenIndex, epoch?: number): Writer {
  let waiting: SettledEntries[] = [];
  let last = performance.now();

  async function settle(): Promise<string[]> {
    const written = waiting;
    waiting = [];
    last = performance.now();
    const unwanted: string[] = [];
    for (const entries of written) {
      unwanted.push(...(await index.context.store.entries.settle(index.run.id, entries, epoch)));
    }
    return unwanted;
  }

  async function finish(): Promise<readonly string[]> {
    if (waiting.length > 0 && (await publishes(index))) {
      await (await index.collection())?.upsert(nothing(), { visible: "now" });
    }
    return settle();
  }

  return {
    async write(batch) {
      if (epoch !== undefined) await assertHeld(index, epoch);
      const together = await publishes(index);
      const collection = await index.collectionFor(batch.vectors);
      const { fieldChanges, ...values } = await currentValues(index, batch);
      const { failed } = await collection.upsert(once({ ...stored(index, batch), ...values }), {
        visible: together ? "eventually" : "now",
      });
      const refused = new Set(failed.map((failure) => failure.id));
      const indexed = batch.ids.filter((id) => !refused.has(id));
      waiting.push({ indexed, failed, sourceVersions: batch.sourceVersions, fieldChanges });
      if (!together) return { failed, unwanted: await settle() };
      const isDue = performance.now() - last >= SETTLE_AFTER_MS;
      return { failed, unwanted: isDue ? await finish() : [] };
    },
    finish,
  };
}

/** Writes one batch and settles its entries. */
export async function writeBatch(
  index: OpenIndex,
  batch: SourcedBatch,
  epoch?: number,
): Promise<WriteOutcome> {
  const writer = startWriter(index, epoch);
  const { failed, unwanted } = await writer.write(batch);
  return { failed, unwanted: [...unwanted, ...(await writer.finish())] };
}

async function publishes(index: OpenIndex): Promise<boolean> {
  return (await index.backend()).capabilities.publishes ?? false;
}

function stored(index: OpenIndex, { ids, sampleIds, vectors }: Batch): Batch {
  return {
    ids,
    sampleIds,
    vectors: index.run.config.normalized ? normalized(vectors as Matrix) : vectors,
  };
}

/** Keeps a builder that lost its lease from writing another batch. */
export async function assertHeld({ context, run }: OpenIndex, epoch: number): Promise<void> {
  if ((await context.store.runs.epoch(run.id)) !== epoch) throw leaseLost(run);
}
