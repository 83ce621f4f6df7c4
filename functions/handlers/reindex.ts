/** Keeps data sets in step with the buckets that `NEARSIGHT_SOURCES` names, on whatever backend is configured. */

import { type Nearsight, open } from "../../core/index.ts";
import type { KeyReport } from "../events/reindex.ts";
import { reindexer } from "../events/reindexer.ts";
import { settings } from "../settings.ts";

let opening: Promise<Nearsight> | undefined;

/** Opened once per container; what could not be opened is tried again by the next invocation. */
function nearsight(): Promise<Nearsight> {
  opening ??= open();
  opening.catch(() => {
    opening = undefined;
  });
  return opening;
}

function report({ error, ...facts }: KeyReport): void {
  if (error === undefined) console.log(JSON.stringify(facts));
  else
    console.error(
      JSON.stringify({ ...facts, error: error instanceof Error ? error.message : String(error) }),
    );
}

export const { handler, repair } = reindexer({ nearsight, sources: settings().sources, report });
