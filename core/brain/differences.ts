/** Where a run's entries and its collection differ, and how the entries follow. */

import type { Collection } from "../backends/backend.ts";
import { throwIfAborted } from "../errors.ts";
import { entryPages } from "./entries.ts";
import type { OpenIndex } from "./open-index.ts";
import { selectIds } from "./query/fetch-vectors.ts";

/** Entries written down at a time. */
const PAGE = 1_000;

export interface Differences {
  /** Entries that are said to be indexed and are not in the collection. */
  readonly lost: readonly string[];
  /** In the collection without an entry, with their samples. */
  readonly unknown: ReadonlyMap<string, string>;
}

/** Goes through the collection once. Takes memory for the ids. */
export async function differencesOf(
  index: OpenIndex,
  collection: Collection,
  signal?: AbortSignal,
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
  const lost = new Set<string>();
  for await (const page of entryPages(index.context.store, index.run.id, ["indexed"])) {
    for (const { entryId } of page) if (!present.has(entryId)) lost.add(entryId);
  }
  // Those that were written while the collection was read are there by now.
  if (lost.size > 0) {
    for await (const { ids } of collection.fetch(selectIds([...lost]))) for (const id of ids) lost.delete(id);
  }
  return { lost: [...lost], unknown };
}

/**
 * Takes over what other programs have done to the collection of a server: what they added to samples that are there is
 * indexed, what they removed is missing.
 */
export async function takeOver(index: OpenIndex): Promise<void> {
  const collection = await index.collection();
  if (collection === null) return;
  const { lost, unknown } = await differencesOf(index, collection);
  await planAgain(index, lost);
  await adoptOfSamples(index, unknown);
}

/** Counts what belongs to samples that are there as indexed, and gives the ids of the rest. */
export async function adoptOfSamples(
  index: OpenIndex,
  found: ReadonlyMap<string, string>,
): Promise<string[]> {
  const { store } = index.context;
  const strangers: string[] = [];
  for (const page of inPages([...found], PAGE)) {
    const owners = page.map(([, sampleId]) => sampleId);
    const known = new Set((await store.samples.byId(index.run.datasetId, owners)).map(({ id }) => id));
    await adopt(index, new Map(page.filter(([, sampleId]) => known.has(sampleId))));
    strangers.push(...page.flatMap(([id, sampleId]) => (known.has(sampleId) ? [] : [id])));
  }
  return strangers;
}

/** Counts entries as missing, so that `addMissing` makes them again. */
export async function planAgain(index: OpenIndex, entryIds: readonly string[]): Promise<void> {
  const { entries } = index.context.store;
  for (const page of inPages(entryIds, PAGE)) {
    const rows = await entries.list(index.run.id, { entryIds: page });
    await entries.plan(index.run.id, rows, { overwrite: true });
  }
}

/** Counts what is in the collection as indexed: ids with those of their samples. */
export async function adopt(index: OpenIndex, found: ReadonlyMap<string, string>): Promise<void> {
  const { entries } = index.context.store;
  for (const page of inPages([...found], PAGE)) {
    await entries.plan(
      index.run.id,
      page.map(([entryId, sampleId]) => ({ entryId, sampleId })),
    );
    await entries.settle(index.run.id, { indexed: page.map(([entryId]) => entryId), failed: [] });
  }
}

export function* inPages<Item>(items: readonly Item[], size: number): Generator<Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
