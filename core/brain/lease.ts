/** Holds a run's lease while work is done on it, so that one builder writes at a time. */

import { NearsightError, throwIfAborted } from "../errors.ts";
import type { RunRecord } from "../store/store.ts";
import type { BrainContext } from "./context.ts";

/** A builder that was killed frees its run after this time, in milliseconds. */
const LEASE_MS = 30_000;

/** A lease that is being held. */
export interface Lease {
  readonly run: RunRecord;
  readonly epoch: number;
  /** Fires when the caller's signal does, or when somebody else has taken the lease. */
  readonly signal: AbortSignal;
}

/**
 * Takes the run's lease, renews it while `work` runs, and sets the state `work` returns when it ends.
 * On an error the state becomes `cancelled` (after an abort) or `failed`. Throws RUN_BUSY if another
 * process is building the run.
 */
export async function withLease<Result>(
  context: BrainContext,
  run: RunRecord,
  signal: AbortSignal | undefined,
  work: (lease: Lease) => Promise<{ state: RunRecord["state"]; reason: string | null; result: Result }>,
): Promise<Result> {
  const { runs } = context.store;
  const leased = await runs.acquireLease(run.id, context.owner, LEASE_MS);
  if (leased === null) throw busy(run);
  const lost = new AbortController();
  const renewal = setInterval(() => {
    runs.renewLease(run.id, leased.epoch, LEASE_MS).then(
      (held) => held || lost.abort(leaseLost(run)),
      () => {},
    );
  }, LEASE_MS / 3);
  renewal.unref();
  const both = signal === undefined ? lost.signal : AbortSignal.any([signal, lost.signal]);
  try {
    throwIfAborted(signal);
    const { state, reason, result } = await work({ run: leased, epoch: leased.epoch, signal: both });
    await runs.releaseLease(run.id, leased.epoch, { state, reason });
    return result;
  } catch (error) {
    if (lost.signal.aborted) throw leaseLost(run);
    // A run stops being planned once all its rows are frozen: until then the next build freezes them anew.
    const isPlanned = (await runs.byId(run.id).catch(() => null))?.state === "planned";
    const state = isPlanned ? "planned" : signal?.aborted ? "cancelled" : "failed";
    const reason = error instanceof Error ? error.message : String(error);
    // The run may have been deleted meanwhile: the first error is the one to tell.
    await runs.releaseLease(run.id, leased.epoch, { state, reason }).catch(() => {});
    throw error;
  } finally {
    clearInterval(renewal);
  }
}

function busy(run: RunRecord): NearsightError {
  return new NearsightError({
    code: "RUN_BUSY",
    message: `Brain run '${run.key}' is being built by another process`,
    hint: "Wait until it has ended; a killed builder frees it after 30 seconds",
    details: { brainKey: run.key, leaseUntil: run.leaseUntil },
  });
}

function leaseLost(run: RunRecord): NearsightError {
  return new NearsightError({
    code: "LEASE_LOST",
    message: `Brain run '${run.key}' was taken over by another process, or deleted, while it was being built`,
    hint: "Load it again with loadBrainResults(); what was written is kept",
    details: { brainKey: run.key },
  });
}
