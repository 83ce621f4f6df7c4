/** Lets callers in who show nothing. Nothing but a setting that says so makes a service public. */

import type { Authenticate, Scope } from "./caller.ts";
import { hasCredential } from "./credentials.ts";

/** Anyone, with one scope. A wrong key stays wrong: who sends one expects to be known by it. */
export function everyone(scope: Scope): Authenticate {
  return async (request) => (hasCredential(request) ? null : { id: "public", scope });
}
