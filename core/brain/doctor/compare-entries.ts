/** Compares a run's entries with what its collection holds, and brings the two back in step. */

import type { Collection } from "../../backends/backend.ts";
import { throwIfAborted } from "../../errors.ts";
import { entryPages, finishDeletions, once } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import { type DoctorOptions, type Outcome, ok, repaired, warning } from "./report.ts";

/** Ids asked for or removed at a time. */
const PAGE = 1_000;

interface Differences {
  /** Entries that are said to be indexed and are not in the collection. */
  readonly lost: readonly string[];
  /** In the collection without an entry, with their samples. */
  readonly unknown: ReadonlyMap<string, string>;
}

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
  const found = await differences(index, collection, options.signal);
  if (found.lost.length === 0 && found.unknown.size === 0 && deleting === 0) {
    return ok(`${indexed} entries, each of them in the collection`);
  }
  const what = describe(found, deleting);
  if (options.repair !== true) return warning(what, "Run the check-up with repair: true");
  await repair(index, collection, found);
  return repaired(what);
}

/** Goes through the collection once. Takes memory for the ids. */
async function differences(
  index: OpenIndex,
  collection: Collection,
  signal: AbortSignal | undefined,
): Promise<Differences> {
  const { entries } = index.context.store;
  const present = new Set<string>();
  const unknown = new Map<string, string>();
  for await (const { ids, sampleIds } of collection.fetch()) {
    throwIfAborted(signal);
    const known = new Set((await entries.list(index.run.id, { entryIds: ids })).map((row) => row.entryId));
    ids.forEach((id, i) => {
      present.add(id);
      if (!known.has(id)) unknown.set(id, sampleIds[i] ?? id);
    });
  }
  const lost: string[] = [];
  for await (const page of entryPages(index.context.store, index.run.id, ["indexed"])) {
    for (const { entryId } of page) if (!present.has(entryId)) lost.push(entryId);
  }
  return { lost, unknown };
}

function describe({ lost, unknown }: Differences, deleting: number): string {
  const parts = [
    ...(lost.length > 0 ? [`${lost.length} entries are not in the collection, such as '${lost[0]}'`] : []),
    ...(unknown.size > 0
      ? [`the collection holds ${unknown.size} that no entry asks for, such as '${[...unknown.keys()][0]}'`]
      : []),
    ...(deleting > 0 ? [`${deleting} deletions are not finished`] : []),
  ];
  return parts.join("; ");
}

/** A collection that is ours loses what nobody asks for; one made elsewhere has its entries written down. */
async function repair(index: OpenIndex, collection: Collection, found: Differences): Promise<void> {
  const { entries } = index.context.store;
  const { id, config } = index.run;
  await finishDeletions(index);
  for (const page of pages(found.lost)) {
    const rows = await entries.list(id, { entryIds: page });
    await entries.plan(id, rows, { overwrite: true });
  }
  for (const page of pages([...found.unknown.keys()])) {
    if (config.ownsCollection) {
      await collection.delete(once(page));
      continue;
    }
    const planned = page.map((entryId) => ({ entryId, sampleId: found.unknown.get(entryId) ?? entryId }));
    await entries.plan(id, planned);
    await entries.settle(id, { indexed: page, failed: [] });
  }
}

function* pages(ids: readonly string[]): Generator<string[]> {
  for (let start = 0; start < ids.length; start += PAGE) yield ids.slice(start, start + PAGE);
}
