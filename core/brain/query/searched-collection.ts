/** The collection that a search goes to: what was opened for another search a moment ago is not asked for again. */

import type { Backend, Collection } from "../../backends/backend.ts";
import { isNearsightError } from "../../errors.ts";
import type { OpenIndex } from "../open-index.ts";

interface Known {
  readonly collection: Collection;
  readonly until: number;
}

/** Opening asks a server what the collection is like, which takes as long as a quick search does. */
const KNOWN_MS = 10_000;
/** What a search may end with where a collection was dropped, or made anew, since it was opened. */
const SIGNS_OF_CHANGE = ["INDEX_NOT_FOUND", "DIMENSION_MISMATCH", "BACKEND_FAILED"] as const;

/** By connection, so that nobody searches by the rights of somebody else. */
const knownOf = new WeakMap<Backend, Map<string, Known>>();

/**
 * Does `search` on the collection of a run, null while it was not made yet. Where it fails on one that was opened
 * before, it is done again on the one that is there now. Errors: those of `search`, INDEX_NOT_FOUND.
 */
export async function onCollection<Found>(
  index: OpenIndex,
  search: (collection: Collection | null) => Promise<Found>,
): Promise<Found> {
  const { state, config, id } = index.run;
  // A local collection is opened in no time; what was made elsewhere is read when it is opened first.
  const backend = await index.backend();
  const isKept = state !== "deleting" && !config.isUnread && backend.capabilities.publishes;
  if (!isKept) return search(await index.collection());
  const known = knownCollections(backend);
  const key = `${id} ${config.collectionName}`;
  const before = known.get(key);
  if (before !== undefined) {
    try {
      return await search(before.collection);
    } catch (error) {
      if (!SIGNS_OF_CHANGE.some((code) => isNearsightError(error, code))) throw error;
      known.delete(key);
    }
  }
  const collection = await index.collection();
  if (collection !== null) known.set(key, { collection, until: performance.now() + KNOWN_MS });
  return search(collection);
}

/** Those that were opened recently. */
function knownCollections(backend: Backend): Map<string, Known> {
  const known = knownOf.get(backend) ?? new Map<string, Known>();
  knownOf.set(backend, known);
  const now = performance.now();
  for (const [key, { until }] of known) if (until < now) known.delete(key);
  return known;
}
