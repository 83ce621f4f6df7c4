/** Calls a server again while it is busy or away, with growing pauses, until a budget of time is spent. */

import { setTimeout as pause } from "node:timers/promises";
import { isNearsightError, throwIfAborted } from "../../errors.ts";

export interface RetryOptions {
  /** Milliseconds after which the last error is thrown. */
  readonly budget: number;
  readonly signal?: AbortSignal | undefined;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/**
 * Does `work`, which must be one that can be done twice, and does it again where it ends with BACKEND_UNAVAILABLE
 * and the pause before that still fits the budget; ABORTED once the signal fires.
 */
export async function retryWhileUnavailable<Result>(
  work: () => Promise<Result>,
  { budget, signal }: RetryOptions,
): Promise<Result> {
  const end = performance.now() + budget;
  for (let length = FIRST_PAUSE_MS; ; length = Math.min(LONGEST_PAUSE_MS, 2 * length)) {
    throwIfAborted(signal);
    try {
      return await work();
    } catch (error) {
      throwIfAborted(signal);
      // Clients that were turned away together must not come back together.
      const next = length * (0.5 + Math.random());
      if (!isNearsightError(error, "BACKEND_UNAVAILABLE") || performance.now() + next > end) throw error;
      await pause(next, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }
}

/** Waits for work that others wait for too, until the signal fires: ABORTED then, and the work goes on. */
export function unlessAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return work;
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const stop = () => {
    try {
      throwIfAborted(signal);
    } catch (error) {
      reject(error);
    }
  };
  stop();
  signal.addEventListener("abort", stop);
  const done = () => signal.removeEventListener("abort", stop);
  work.then(resolve, reject).finally(done);
  return promise;
}
