/** A line in the log for each request, counts and a part of the trace: its route, never its query or headers. */

import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { isNearsightError } from "../../core/index.ts";
import type { ApiEnv } from "../router.ts";
import { invocationOf } from "./deadline.ts";
import type { Log } from "./log.ts";

export function logged(log: Log): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const invocation = invocationOf(context);
    if (invocation !== undefined) log.begin(invocation);
    const begun = performance.now();
    await log.traced(`HTTP ${context.req.method}`, next);
    const { error } = context;
    const { status } = context.res;
    const milliseconds = Math.round(performance.now() - begun);
    const facts = {
      method: context.req.method,
      route: routePath(context, -1),
      status,
      milliseconds,
      caller: context.get("caller")?.id,
      code: isNearsightError(error) ? error.code : undefined,
    };
    if (status >= 500) log.error("request", error, facts);
    else log.info("request", facts);
    log.count(status >= 500 ? "Failed" : status >= 400 ? "Refused" : "Answered", milliseconds);
    log.end();
  };
}
