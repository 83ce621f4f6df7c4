/** Turns requests away while as many are worked on as can be, so that those end in time. */

import { createMiddleware } from "hono/factory";
import { NearsightError } from "../../core/index.ts";
import type { ApiEnv } from "../router.ts";
import type { Limits } from "./limits.ts";

const RETRY_AFTER_SECONDS = "1";

/** Counts until the work has ended, also where its caller has been told that it took too long. OVERLOADED */
export function shedLoad({ inFlight }: Limits) {
  let working = 0;
  return createMiddleware<ApiEnv>(async (context, next) => {
    if (working >= inFlight) {
      context.header("retry-after", RETRY_AFTER_SECONDS);
      throw new NearsightError({
        code: "OVERLOADED",
        message: `The service works on ${inFlight} requests, as many as it takes at once`,
        hint: "Try again after a second, and longer if it is refused again",
        details: { limit: inFlight },
      });
    }
    working++;
    try {
      await next();
    } finally {
      working--;
    }
  });
}
