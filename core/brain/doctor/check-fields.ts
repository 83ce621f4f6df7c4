/** Looks whether the fields kept beside the vectors are those that samples have now. */

import { updateFilterFields } from "../fields/update-values.ts";
import type { OpenIndex } from "../open-index.ts";
import { type DoctorOptions, type Outcome, ok, repaired, warning } from "./report.ts";

/** More are not counted. */
const MOST = 1_000;

export async function checkFields(index: OpenIndex, options: DoctorOptions): Promise<Outcome> {
  if (options.repair === true) {
    const written = await updateFilterFields(index, options.signal);
    if (written > 0) return repaired(`the filter fields of ${written} entries were out of date`);
  }
  const { length } = await index.context.store.entries.outdated(index.run.id, { limit: MOST });
  if (length === 0) return ok("the filter fields are those of the samples");
  const count = length === MOST ? `${MOST} or more` : length;
  return warning(
    `the filter fields of ${count} entries are out of date: searches judge these by the store`,
    "Call updateFilterFields()",
  );
}
