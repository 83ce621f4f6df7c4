/** Compares a run's entries with what its collection holds, and brings the two back in step. */

import type { Collection } from "../../backends/backend.ts";
import {
  adopt,
  adoptOfSamples,
  type Differences,
  differencesOf,
  inPages,
  planAgain,
} from "../differences.ts";
import { finishDeletions, once } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import { type DoctorOptions, type Outcome, ok, repaired, warning } from "./report.ts";

/** Ids removed at a time. */
const PAGE = 1_000;

/** Looks at numbers first; ids are compared where those differ, or when asked to. */
export async function compareEntries(
  index: OpenIndex,
  collection: Collection,
  options: DoctorOptions,
): Promise<Outcome> {
  const { entries } = index.context.store;
  const { indexed, deleting } = await entries.counts(index.run.id);
  const { size } = await collection.describe();
  if (size === indexed && deleting === 0 && options.deep !== true) {
    return ok(`${indexed} entries, as many as the collection has`);
  }
  const found = await differencesOf(index, collection, options.signal);
  if (found.lost.length === 0 && found.unknown.size === 0 && deleting === 0) {
    return ok(`${indexed} entries, each of them in the collection`);
  }
  const what = describe(found, deleting);
  if (options.repair !== true) return warning(what, "Run the check-up with repair: true");
  await repair(index, collection, found);
  return repaired(what);
}

function describe({ lost, unknown }: Differences, deleting: number): string {
  const parts = [
    ...(lost.length > 0 ? [`${lost.length} entries are not in the collection, such as '${lost[0]}'`] : []),
    ...(unknown.size > 0
      ? [`the collection holds ${unknown.size} that no entry knows of, such as '${[...unknown.keys()][0]}'`]
      : []),
    ...(deleting > 0 ? [`${deleting} deletions are not finished`] : []),
  ];
  return parts.join("; ");
}

/**
 * Another program may have written to a collection that is ours: it keeps what belongs to samples, and loses the rest.
 * One made elsewhere has all its entries written down.
 */
async function repair(index: OpenIndex, collection: Collection, found: Differences): Promise<void> {
  await finishDeletions(index);
  await planAgain(index, found.lost);
  if (!index.run.config.ownsCollection) return adopt(index, found.unknown);
  const strangers = await adoptOfSamples(index, found.unknown);
  for (const page of inPages(strangers, PAGE)) await collection.delete(once(page));
}
