/** Answers before AWS Lambda ends the function, where the work takes longer than the function may. */

import type { Context, MiddlewareHandler } from "hono";
import { NearsightError } from "../../core/index.ts";
import type { LambdaBindings } from "./http.ts";

/** Kept for the answer, its log and what has to be put in order. */
const ANSWER_MS = 1_000;

/** Fires when a function has to come to its end. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Rejects with TIMED_OUT when the signal fires; otherwise never ends. */
  readonly over: Promise<never>;
  /** The work was done in time. */
  end(): void;
}

/** Begins to count; of little time half is kept for the answer. */
export function startDeadline(remainingMs: number): Deadline {
  const { promise: over, reject } = Promise.withResolvers<never>();
  // Whoever only looks at the signal leaves it alone.
  over.catch(() => undefined);
  const stop = new AbortController();
  const end = () => {
    const error = timedOut();
    reject(error);
    stop.abort(error);
  };
  const timer = setTimeout(end, Math.max(remainingMs - ANSWER_MS, remainingMs / 2));
  return { signal: stop.signal, over, end: () => clearTimeout(timer) };
}

/** A request that is not answered in time is TIMED_OUT, and its signal fires. */
export function withinDeadline(): MiddlewareHandler {
  return async (context, next) => {
    const invocation = invocationOf(context);
    if (invocation === undefined) return next();
    const deadline = startDeadline(invocation.getRemainingTimeInMillis());
    context.req.raw = new Request(context.req.raw, { signal: deadline.signal });
    try {
      await Promise.race([next(), deadline.over]);
    } finally {
      deadline.end();
    }
  };
}

/** What Lambda says of the invocation; none where the application is served by other means. */
export function invocationOf({ env }: Context) {
  const { lambdaContext, context } = (env ?? {}) as Partial<LambdaBindings>;
  return lambdaContext ?? context;
}

/** The work was stopped so that its error can still be told. */
function timedOut(): NearsightError {
  return new NearsightError({
    code: "TIMED_OUT",
    message: "The work takes longer than the function may run",
    hint: "Call again; where it stays so, ask for less or give the function more time and memory",
  });
}
