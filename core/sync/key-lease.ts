/** Work on one key that nobody else does at the same time, and that changes nothing once somebody else does. */

import { setTimeout as pause } from "node:timers/promises";
import { isNearsightError, throwIfAborted } from "../errors.ts";
import type { MetadataStore } from "../store/store.ts";
import type { KeyLease, LeaseOutcome } from "../store/store-sync.ts";

/** A worker that was killed frees its key after this time, in milliseconds. */
const LEASE_MS = 30_000;
/** How soon a key that somebody else has is tried again: each time after twice as long, up to the second one. */
const FIRST_POLL_MS = 10;
const LAST_POLL_MS = 1_000;

/** A lease that is held, and how it is to be let go of if the work fails. */
export interface HeldKey {
  readonly lease: KeyLease;
  /** The store, as long as the lease is held. */
  readonly store: MetadataStore;
  /** Fires when the caller's signal does, or when the lease is lost. */
  readonly signal: AbortSignal;
  /** From here on vectors may be written: unless the work succeeds, nobody can be sure of them. */
  begin(): void;
}

/** What work under a lease gives, and whether its vectors are sure to be the last ones written. */
export interface Settled<Result> {
  readonly result: Result;
  readonly isCertain: boolean;
}

/** Does work under the lease of a key, and again from its beginning where the lease was lost meanwhile. */
export async function withKey<Result>(
  store: MetadataStore,
  datasetId: string,
  uri: string,
  signal: AbortSignal | undefined,
  work: (held: HeldKey) => Promise<Settled<Result>>,
): Promise<Result> {
  while (true) {
    const lease = await takeWhenFree(store, datasetId, uri, signal);
    try {
      return await workUnder(store, lease, signal, work);
    } catch (error) {
      if (!isNearsightError(error, "LEASE_LOST")) throw error;
    }
  }
}

async function takeWhenFree(
  store: MetadataStore,
  datasetId: string,
  uri: string,
  signal: AbortSignal | undefined,
): Promise<KeyLease> {
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(2 * wait, LAST_POLL_MS)) {
    throwIfAborted(signal);
    const lease = await store.keyLeases.take(datasetId, uri, LEASE_MS);
    if (lease !== null) return lease;
    // Workers that were woken together do not come together again.
    const options = signal === undefined ? {} : { signal };
    await pause(wait * (0.5 + Math.random()), undefined, options).catch(() => undefined);
  }
}

async function workUnder<Result>(
  store: MetadataStore,
  lease: KeyLease,
  signal: AbortSignal | undefined,
  work: (held: HeldKey) => Promise<Settled<Result>>,
): Promise<Result> {
  const lost = new AbortController();
  const renewal = renewing(store, lease, lost);
  let outcome: LeaseOutcome = "untouched";
  try {
    const { result, isCertain } = await work({
      lease,
      store: store.under(lease),
      signal: signal === undefined ? lost.signal : AbortSignal.any([signal, lost.signal]),
      begin: () => {
        outcome = "unsettled";
      },
    });
    await store.keyLeases.release(lease, isCertain ? "settled" : "unsettled");
    return result;
  } catch (error) {
    // Where the lease is lost there is nothing to let go of: who took it knows that this one was cut short.
    await store.keyLeases.release(lease, outcome).catch(() => undefined);
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    clearInterval(renewal);
  }
}

function renewing(store: MetadataStore, lease: KeyLease, lost: AbortController): NodeJS.Timeout {
  const renewal = setInterval(() => {
    store.keyLeases.renew(lease, LEASE_MS).catch((error: unknown) => {
      // Another failure: the next time; until the lease ends nobody else takes it.
      if (isNearsightError(error, "LEASE_LOST")) lost.abort(error);
    });
  }, LEASE_MS / 3);
  return renewal.unref();
}
