/** The parts of a build: planned once under a lease, then done in any order, by any process, any number of times. */

import type { EmbeddingOptions } from "../../dataset/brain-port.ts";
import type { BatchRef } from "../../dataset/build-queue.ts";
import { NearsightError } from "../../errors.ts";
import { entryPages, type Failure } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import type { VectorSource, WantedRow } from "./vector-source.ts";
import { writeEmbedded } from "./write-embedded.ts";

/** The pending entries of a run in batches of at most `size`; what they hold is looked up when they are done. */
export async function* planBatches(
  { context, run }: OpenIndex,
  epoch: number,
  size: number,
): AsyncGenerator<BatchRef> {
  let after = -1;
  while (true) {
    const query = { states: ["pending"] as const, after, limit: size };
    const last = (await context.store.entries.list(run.id, query)).at(-1);
    if (last === undefined) return;
    yield { runId: run.id, epoch, after, through: last.sequence };
    after = last.sequence;
  }
}

/** Everything that is pending as one batch, for who does it alone. */
export function wholeRun({ run }: OpenIndex, epoch: number): BatchRef {
  return { runId: run.id, epoch, after: -1, through: Number.MAX_SAFE_INTEGER };
}

/**
 * Embeds and writes what is pending of a batch; a batch done before has nothing left. Stopped at any moment it can be
 * done again. LEASE_LOST where the epoch is over.
 */
export async function writeBatch(
  index: OpenIndex,
  source: VectorSource,
  batch: BatchRef,
  options: EmbeddingOptions,
): Promise<void> {
  const counts = await index.context.store.entries.counts(index.run.id);
  const total = counts.pending + counts.indexed;
  let done = counts.indexed;
  let failed = 0;
  options.progress?.({ phase: "indexing", done, total, failed });
  const vectors = source(pendingPages(index, batch));
  await writeEmbedded(index, vectors, { epoch: batch.epoch, signal: options.signal }, (written) => {
    const [first] = written.failed;
    if (first !== undefined && options.skipFailures === false) throw entryFailed(first);
    done += written.rows;
    failed += written.failed.length;
    options.progress?.({ phase: "indexing", done, total, failed });
  });
}

/** Counts what is pending of a batch as failed: nobody tries it any more before the run is resumed. */
export async function giveUpBatch(index: OpenIndex, batch: BatchRef, reason: string): Promise<void> {
  const { entries } = index.context.store;
  for await (const rows of pendingPages(index, batch)) {
    const failed = rows.map(({ id }) => ({ id, reason }));
    await entries.settle(index.run.id, { indexed: [], failed }, batch.epoch);
  }
}

async function* pendingPages(
  { context, run }: OpenIndex,
  { after, through }: BatchRef,
): AsyncGenerator<WantedRow[]> {
  for await (const page of entryPages(context.store, run.id, ["pending"], after)) {
    const rows = page.filter(({ sequence }) => sequence <= through);
    if (rows.length > 0) {
      yield rows.map(({ entryId, sampleId, sourceVersion }) => ({
        id: entryId,
        sampleId,
        isChanged: sourceVersion !== null,
      }));
    }
    if (rows.length < page.length) return;
  }
}

function entryFailed(failure: Failure): NearsightError {
  return new NearsightError({
    code: "WRITE_PARTIAL",
    message: `Entry '${failure.id}' could not be indexed: ${failure.reason}`,
    hint: "Correct it, or leave skipFailures at true to go on without it",
    details: { failed: [failure.id] },
  });
}
