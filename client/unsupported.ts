/** What works with an opened installation only, and why. */

import { NearsightError } from "../core/errors.ts";

/** Why some of it does not work. */
export const NO_ROUTE = "the API has no route for it yet";

/** Throws REMOTE_UNSUPPORTED. */
export function unsupported(what: string, why: string, hint = "Call it where the server runs"): never {
  throw new NearsightError({
    code: "REMOTE_UNSUPPORTED",
    message: `${what} does not work through connect(): ${why}`,
    hint,
    details: { what },
  });
}

/** Where a backend is, and who asks it, is the server's own business. REMOTE_UNSUPPORTED */
export function assertNoConnection(connection: Readonly<Record<string, unknown>> | undefined): void {
  const names = Object.keys(connection ?? {});
  if (names.length === 0) return;
  unsupported(
    `A connection option (${names.join(", ")})`,
    "the server connects to its backends by its own settings",
    "Leave connection options out, and set them where the server runs",
  );
}
