/** Holds a run's lease while work is done on it, so that one builder writes at a time. */

import { randomUUID } from "node:crypto";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import type { RunRecord } from "../store/store-runs.ts";
import type { BrainContext } from "./context.ts";

/** A builder that was killed frees its run after this time, in milliseconds. */
const LEASE_MS = 30_000;

/** A lease that is being held. */
export interface Lease {
  readonly run: RunRecord;
  readonly epoch: number;
  /** Fires when the caller's signal does, when somebody else has taken the lease, or when all is closed. */
  readonly signal: AbortSignal;
}

/** What is done under a lease, and the state the run has after it; null where the lease stays held. */
type LeasedWork<Result> = (
  lease: Lease,
) => Promise<{ state: RunRecord["state"] | null; reason: string | null; result: Result }>;

/** Names leases of builds that go through a queue; each has a name of its own. */
const QUEUE_OWNER = "queue:";

/** The leases of this process, by run id: each ends its work and frees its run. */
export type HeldLeases = Map<string, { release(): Promise<void> }>;

/** Stops all work that holds a lease, so that its runs can be gone on with at once. */
export async function releaseLeases(leases: HeldLeases): Promise<void> {
  await Promise.allSettled([...leases.values()].map((lease) => lease.release()));
}

/**
 * Takes the run's lease, renews it while `work` runs, and sets the state `work` returns when it ends.
 * On an error the state becomes `cancelled` (after an abort) or `failed`. Throws RUN_BUSY if the run is being
 * built already, LEASE_LOST if it is taken over or deleted meanwhile, CLOSED.
 */
export async function withLease<Result>(
  context: BrainContext,
  run: RunRecord,
  signal: AbortSignal | undefined,
  work: LeasedWork<Result>,
): Promise<Result> {
  const { leases } = context;
  if (leases.has(run.id)) throw busy(run);
  const ended = new AbortController();
  const held = { release: async () => ended.abort(closed(run)) };
  leases.set(run.id, held);
  try {
    const leased = await context.store.runs.acquireLease(run.id, context.owner, LEASE_MS);
    if (leased === null) throw busy(run);
    held.release = async () => {
      ended.abort(closed(run));
      await giveUp(context, leased, "cancelled", "its installation was closed");
    };
    return await workUnder(context, leased, ended, signal, work);
  } finally {
    leases.delete(run.id);
  }
}

/**
 * Takes the run's lease to plan work that others do: it stays held for as long as they renew it. Throws RUN_BUSY,
 * LEASE_LOST.
 */
export async function planUnderLease(
  context: BrainContext,
  run: RunRecord,
  signal: AbortSignal | undefined,
  work: (lease: Lease) => Promise<void>,
): Promise<void> {
  const leased = await context.store.runs.acquireLease(run.id, `${QUEUE_OWNER}${randomUUID()}`, LEASE_MS);
  if (leased === null) throw busy(run);
  await workUnder(context, leased, new AbortController(), signal, async (lease) => {
    await work(lease);
    return { state: null, reason: null, result: undefined };
  });
}

/** Does a part of planned work and renews the lease meanwhile; the signal fires when the lease is lost. */
export async function whileRenewing(
  context: BrainContext,
  run: RunRecord,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  const lose = () => lost.abort(leaseLost(run));
  if (!(await context.store.runs.renewLease(run.id, run.epoch, LEASE_MS))) throw leaseLost(run);
  const renewal = renewing(context, run, lose);
  try {
    await work(signal === undefined ? lost.signal : AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    clearInterval(renewal);
  }
}

/** Ends planned work of a run by a newer epoch; false where there is none under way. */
export async function takeFromQueue({ store }: BrainContext, run: RunRecord): Promise<boolean> {
  if (!run.leaseOwner?.startsWith(QUEUE_OWNER)) return false;
  const taken = await store.runs.acquireLease(run.id, run.leaseOwner, LEASE_MS);
  if (taken === null) return false;
  const state = taken.state === "building" ? "cancelled" : taken.state;
  await store.runs.releaseLease(run.id, taken.epoch, { state, reason: "it was cancelled" });
  return true;
}

async function workUnder<Result>(
  context: BrainContext,
  run: RunRecord,
  ended: AbortController,
  signal: AbortSignal | undefined,
  work: LeasedWork<Result>,
): Promise<Result> {
  const renewal = renewing(context, run, () => ended.abort(leaseLost(run)));
  try {
    throwIfAborted(signal);
    const both = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
    const { state, reason, result } = await work({ run, epoch: run.epoch, signal: both });
    if (state !== null) await context.store.runs.releaseLease(run.id, run.epoch, { state, reason });
    return result;
  } catch (error) {
    const state = signal?.aborted || ended.signal.aborted ? "cancelled" : "failed";
    const held = await giveUp(context, run, state, error instanceof Error ? error.message : String(error));
    if (ended.signal.aborted) throw ended.signal.reason;
    throw held ? error : leaseLost(run, error);
  } finally {
    clearInterval(renewal);
  }
}

/** Moves the lease's end on, well before it comes; `lose` is called when the lease is somebody else's. */
function renewing({ store }: BrainContext, { id, epoch }: RunRecord, lose: () => void): NodeJS.Timeout {
  const renewal = setInterval(() => {
    store.runs.renewLease(id, epoch, LEASE_MS).then(
      (held) => held || lose(),
      () => {}, // the next time; until the lease ends nobody else takes it
    );
  }, LEASE_MS / 3);
  return renewal.unref();
}

/** Frees a run whose work did not end well; false if the lease was somebody else's already. */
async function giveUp(
  { store }: BrainContext,
  { id, epoch }: RunRecord,
  state: RunRecord["state"],
  reason: string,
): Promise<boolean> {
  try {
    // A run stops being planned once all its rows are frozen: until then the next build freezes them anew.
    const isPlanned = (await store.runs.byId(id))?.state === "planned";
    await store.runs.releaseLease(id, epoch, { state: isPlanned ? "planned" : state, reason });
    return true;
  } catch (error) {
    // Where the store fails as well, the first error is the one to tell.
    return !isNearsightError(error, "LEASE_LOST") && !isNearsightError(error, "RUN_NOT_FOUND");
  }
}

function busy(run: RunRecord): NearsightError {
  return new NearsightError({
    code: "RUN_BUSY",
    message: `Brain run '${run.key}' is being built already`,
    hint: "Wait until it has ended; a killed builder frees it after 30 seconds",
    details: { brainKey: run.key, leaseUntil: run.leaseUntil },
  });
}

export function leaseLost(run: RunRecord, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "LEASE_LOST",
    message: `Brain run '${run.key}' was taken over by another process, or deleted, while it was being built`,
    hint: "Load it again with loadBrainResults(); what was written is kept",
    details: { brainKey: run.key },
    cause,
  });
}

function closed(run: RunRecord): NearsightError {
  return new NearsightError({
    code: "CLOSED",
    message: `Brain run '${run.key}' was being built when its installation was closed`,
    hint: "Open it again with open() and call computeSimilarity() again: it goes on where it stopped",
    details: { brainKey: run.key },
  });
}
