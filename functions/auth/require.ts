/** Lets nobody in who has not shown who they are, and nobody do what their key does not allow. */

import { createMiddleware } from "hono/factory";
import { NearsightError } from "../../core/index.ts";
import type { ApiEnv } from "../router.ts";
import { type Authenticate, allows, type Scope } from "./caller.ts";

/** The paths that anyone may read; there are no others. */
export const PUBLIC_PATHS: readonly string[] = ["/health", "/openapi.json", "/docs"];

/** Every path but the public ones needs a caller; API_KEY_INVALID. */
export function requireCaller(authenticate: Authenticate) {
  return createMiddleware<ApiEnv>(async (context, next) => {
    if (PUBLIC_PATHS.includes(context.req.path)) return next();
    const caller = await authenticate(context.req.raw, context.env);
    if (caller === null) {
      throw new NearsightError({
        code: "API_KEY_INVALID",
        message: "Expected a valid API key or token but found none",
        hint: "Send it as `Authorization: Bearer KEY`",
      });
    }
    context.set("caller", caller);
    return next();
  });
}

/** The route needs this scope; SCOPE_MISSING. */
export function needs(scope: Scope) {
  return createMiddleware<ApiEnv>(async (context, next) => {
    const caller = context.get("caller");
    if (allows(caller, scope)) return next();
    throw new NearsightError({
      code: "SCOPE_MISSING",
      message: `Expected a key with the scope '${scope}' but '${caller.id}' has ${caller.scope === null ? "none" : `'${caller.scope}'`}`,
      hint: `Use a key with the scope '${scope}'`,
      details: { scope },
    });
  });
}
