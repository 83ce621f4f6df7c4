/** Connection options that are given after a run was made: with its key, or with one search. */

import type { ConnectionOptions } from "../dataset/brain-port.ts";
import { NearsightError } from "../errors.ts";
import type { BrainContext } from "./context.ts";

/** Throws INVALID_ARGUMENT for an option that says nothing of where the backend is or who asks. */
export function assertConnection(
  context: BrainContext,
  backend: string,
  connection: ConnectionOptions,
): void {
  for (const option of Object.keys(connection)) {
    if (context.isConnectionOption(backend, option)) continue;
    const known = context.knownOptions(backend).filter((name) => context.isConnectionOption(backend, name));
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a connection option of backend '${backend}' but found '${option}'`,
      hint: `Its connection options are: ${known.join(", ")}`,
      details: { option },
    });
  }
}
