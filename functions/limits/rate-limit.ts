/** Bounds the requests of one caller in a minute; what is left is told in `RateLimit` headers. */

import { rateLimiter } from "hono-rate-limiter";
import { NearsightError } from "../../core/index.ts";
import type { ApiEnv } from "../router.ts";
import type { Limits } from "./limits.ts";

const MINUTE_MS = 60_000;

/** Counts in this process: several processes allow as many times more. RATE_LIMITED */
export function limitRate({ requestsPerMinute }: Limits) {
  return rateLimiter<ApiEnv>({
    windowMs: MINUTE_MS,
    limit: requestsPerMinute,
    standardHeaders: "draft-7",
    keyGenerator: (context) => context.get("caller").id,
    handler: () => {
      throw new NearsightError({
        code: "RATE_LIMITED",
        message: `Expected at most ${requestsPerMinute} requests a minute but found more`,
        hint: "Wait as long as Retry-After says",
        details: { limit: requestsPerMinute },
      });
    },
  });
}
