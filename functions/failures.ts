/** What the service tells its own log of a request that it could not answer: where to look, and no secret. */

import type { Context } from "hono";
import { routePath } from "hono/route";
import { isNearsightError } from "../core/index.ts";
import type { ApiEnv } from "./router.ts";

export interface Failure {
  /** As in the answer's `x-request-id`. */
  readonly requestId: string;
  /** Name of the key; null before it is known. */
  readonly caller: string | null;
  readonly method: string;
  /** The pattern, not the address: that may hold names and signatures. */
  readonly route: string;
  readonly code: string;
  readonly error: unknown;
}

export type ReportFailure = (failure: Failure) => void;

export function failureOf(context: Context<ApiEnv>, error: unknown): Failure {
  const { requestId, caller } = context.var as Partial<ApiEnv["Variables"]>;
  return {
    requestId: requestId ?? "",
    caller: caller?.id.startsWith("link:") ? "link" : (caller?.id ?? null),
    method: context.req.method,
    route: routePath(context, -1),
    code: isNearsightError(error) ? error.code : "INTERNAL",
    error,
  };
}
