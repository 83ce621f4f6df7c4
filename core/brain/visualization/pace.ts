/** Lets timers, cancelling and progress have their turn during a long calculation. */

import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../errors.ts";

/** A calculation gives way when it has run for this long, in milliseconds. */
const TURN_MS = 40;

/** To be called between steps; throws ABORTED when the signal has fired. */
export type Pace = () => Promise<void>;

export function pace(signal: AbortSignal | undefined): Pace {
  let since = performance.now();
  return async () => {
    throwIfAborted(signal);
    if (performance.now() - since < TURN_MS) return;
    await setImmediate();
    throwIfAborted(signal);
    since = performance.now();
  };
}
