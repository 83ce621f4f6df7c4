/** Builds that go through a queue: planned here, done by whoever takes their parts, ended by who does the last one. */

import type { ComputeSimilarityOptions, EmbeddingOptions } from "../dataset/brain-port.ts";
import type { BatchOutcome, BatchRef, PlanOptions, QueuedBuildsPort } from "../dataset/build-queue.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import type { RunRecord } from "../store/store-runs.ts";
import { giveUpBatch, planBatches, writeBatch } from "./build/batches.ts";
import {
  outcomeOf,
  prepareMissing,
  prepareRun,
  recordedSource,
  startBuilding,
  stateOf,
} from "./build/build.ts";
import { croppingOf } from "./build/vector-source.ts";
import { findOrRecordRun } from "./compute-similarity.ts";
import type { BrainContext } from "./context.ts";
import { planUnderLease, takeFromQueue, whileRenewing } from "./lease.ts";
import { type OpenIndex, openIndex, openKnown } from "./open-index.ts";
import { checkRequest } from "./request.ts";
import { findRun } from "./runs.ts";

/** Small enough to be done well within the time of a function, large enough that the queue costs nothing. */
const BATCH_ENTRIES = 500;
/** Parts handed over at once. */
const SENT_AT_ONCE = 100;

export function queuedBuilds(context: BrainContext): QueuedBuildsPort {
  return {
    planSimilarity: (samples, options, plan) => planSimilarity(context, samples, options, plan),
    async planMissing(samples, key, plan) {
      const run = await findRun(context, samples.dataset.id, key);
      await planUnder(context, run, plan, (index, epoch, signal) =>
        prepareMissing(index, samples, epoch, signal),
      );
    },
    runBatch: (batch, options = {}) => runBatch(context, batch, options),
    giveUpBatch: (batch, reason) => onCurrent(context, batch, (index) => giveUpBatch(index, batch, reason)),
    async cancelBuild(samples, key) {
      return takeFromQueue(context, await findRun(context, samples.dataset.id, key));
    },
  };
}

async function planSimilarity(
  context: BrainContext,
  samples: SampleCollection,
  options: ComputeSimilarityOptions,
  plan: PlanOptions,
): Promise<void> {
  throwIfAborted(plan.signal);
  const request = await checkRequest(context, samples, options);
  const from = request.plan;
  if (from.kind === "given" || from.kind === "none") throw notQueued(request.key);
  const run = await findOrRecordRun(context, samples, request);
  await planUnder(context, run, plan, (index, epoch, signal) =>
    prepareRun(index, samples, from, null, epoch, signal),
  );
}

type Prepare = (index: OpenIndex, epoch: number, signal: AbortSignal) => Promise<void>;

/** Makes entries pending and sends them in parts, each of which is named only after all of them are. */
async function planUnder(
  context: BrainContext,
  run: RunRecord,
  { queue, batchEntries = BATCH_ENTRIES, signal }: PlanOptions,
  prepare: Prepare,
): Promise<void> {
  await planUnderLease(context, run, signal, async (lease) => {
    const index = openIndex(context, lease.run);
    await prepare(index, lease.epoch, lease.signal);
    await startBuilding(index, lease.epoch);
    let batches: BatchRef[] = [];
    for await (const batch of planBatches(index, lease.epoch, batchEntries)) {
      throwIfAborted(lease.signal);
      batches.push(batch);
      if (batches.length < SENT_AT_ONCE) continue;
      await queue.send(batches);
      batches = [];
    }
    if (batches.length > 0) await queue.send(batches);
    // There may have been nothing to do.
    await endIfSettled(index, lease.epoch);
  });
}

function runBatch(context: BrainContext, batch: BatchRef, options: EmbeddingOptions): Promise<BatchOutcome> {
  return onCurrent(context, batch, (index) =>
    whileRenewing(context, index.run, options.signal, async (signal) => {
      const held = { ...croppingOf(index.run), ...options, signal };
      await writeBatch(index, await recordedSource(index, held), batch, held);
    }),
  );
}

/** Works on a part whose build is still the run's, and ends the run where it was the last. */
async function onCurrent(
  context: BrainContext,
  { runId, epoch }: BatchRef,
  work: (index: OpenIndex) => Promise<void>,
): Promise<BatchOutcome> {
  const run = await context.store.runs.byId(runId);
  if (run === null || run.epoch !== epoch || run.state !== "building") return "superseded";
  try {
    const index = await openKnown(context, run);
    await work(index);
    return (await endIfSettled(index, epoch)) ? "ended" : "done";
  } catch (error) {
    if (isNearsightError(error, "LEASE_LOST") || isNearsightError(error, "RUN_NOT_FOUND"))
      return "superseded";
    throw error;
  }
}

/** Gives the run its last state where nothing is pending any more; whoever asks next finds the same. */
async function endIfSettled(index: OpenIndex, epoch: number): Promise<boolean> {
  const { runs, entries } = index.context.store;
  if ((await entries.counts(index.run.id)).pending > 0) return false;
  const outcome = await outcomeOf(index);
  await runs.releaseLease(index.run.id, epoch, { state: stateOf(outcome), reason: outcome.reason });
  return true;
}

function notQueued(key: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a model or a vector field for brain run '${key}' but found vectors, or none: no other process has them`,
    hint: "Name a model or a field, or build in this process with computeSimilarity()",
    details: { brainKey: key },
  });
}
