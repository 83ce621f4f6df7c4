/** Gives up requests that take too long. */

import { createMiddleware } from "hono/factory";
import { NearsightError } from "../../core/index.ts";
import type { ApiEnv } from "../router.ts";
import type { Limits } from "./limits.ts";

/** TIMED_OUT; work that heeds the request's `signal` ends with it. */
export function keepDeadline({ timeoutMs }: Limits) {
  return createMiddleware<ApiEnv>(async (context, next) => {
    const late = new AbortController();
    const overdue = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.abort();
      overdue.reject(timedOut(timeoutMs));
    }, timeoutMs);
    context.set("signal", AbortSignal.any([context.req.raw.signal, late.signal]));
    try {
      await Promise.race([next(), overdue.promise]);
    } finally {
      clearTimeout(timer);
    }
  });
}

function timedOut(timeoutMs: number): NearsightError {
  return new NearsightError({
    code: "TIMED_OUT",
    message: `The request took more than ${timeoutMs} ms and was given up`,
    hint: "Ask for less at once: a smaller view, k or number of samples",
    details: { limit: timeoutMs },
  });
}
