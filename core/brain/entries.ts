/** Keeps a run's entries in step with its collection: planned before a write, settled after it. */

import type { Batch, Collection } from "../backends/backend.ts";
import type { FailedEntry } from "../dataset/brain-port.ts";
import { type Matrix, matrix } from "../matrix.ts";
import type { MetadataStore } from "../store/store.ts";
import type { ArrivalPlace, EntryRecord, EntryState, PlannedEntry } from "../store/store-runs.ts";
import type { BrainContext } from "./context.ts";
import type { OpenIndex } from "./open-index.ts";
import { selectIds } from "./query/fetch-vectors.ts";

/** Entries per call to the store. */
const ENTRY_PAGE = 2_000;
const TAKEN_OUT = "it was added while its deletion was being finished; add it again";

/** One entry that could not be indexed. */
export interface Failure {
  readonly id: string;
  readonly reason: string;
}

/** The entries of a run, page by page in planning order, after a place in it. */
export async function* entryPages(
  store: MetadataStore,
  runId: string,
  states?: readonly EntryState[],
  after = -1,
): AsyncGenerator<(EntryRecord & ArrivalPlace)[]> {
  let place = after;
  while (true) {
    const page = await store.entries.list(runId, {
      ...(states === undefined ? {} : { states }),
      after: place,
      limit: ENTRY_PAGE,
    });
    if (page.length === 0) return;
    yield page;
    place = page.at(-1)?.sequence ?? place;
  }
}

/** Entries of a run that could not be indexed, in planning order; all of them without a limit. */
export async function failedEntries(
  { store }: BrainContext,
  runId: string,
  limit?: number,
): Promise<FailedEntry[]> {
  const query = { states: ["failed"] as const, ...(limit === undefined ? {} : { limit }) };
  const entries = await store.entries.list(runId, query);
  return entries.map(({ entryId, sampleId, reason }) => ({ id: entryId, sampleId, reason: reason ?? "" }));
}

/** Takes vectors out that came after the deletion of their entries, which had found nothing there yet. */
export async function dropVectors(index: OpenIndex, entryIds: readonly string[]): Promise<void> {
  if (entryIds.length > 0) await (await index.collection())?.delete(once(entryIds));
}

/** Removes entries from the collection, then from the store. */
export async function removeEntries(index: OpenIndex, entryIds: readonly string[]): Promise<void> {
  const { entries } = index.context.store;
  let left = entryIds;
  // Entries that another process adds meanwhile are there again: the removal is the later of the two.
  while (left.length > 0) {
    await entries.markDeleting(index.run.id, left);
    left = await takeOut(index, left);
  }
}

/** Finishes the deletions that were marked when samples were deleted. */
export async function finishDeletions(index: OpenIndex): Promise<void> {
  const { store } = index.context;
  if ((await store.entries.counts(index.run.id)).deleting === 0) return;
  for await (const page of entryPages(store, index.run.id, ["deleting"])) {
    const added = await takeOut(
      index,
      page.map((entry) => entry.entryId),
    );
    if (added.length > 0) await giveBack(index, added);
  }
}

/** Takes entries marked `deleting` out of collection and store; gives those that were added again meanwhile. */
async function takeOut(index: OpenIndex, entryIds: readonly string[]): Promise<string[]> {
  await dropVectors(index, entryIds);
  return index.context.store.entries.remove(index.run.id, entryIds);
}

/**
 * Entries added again while an older deletion of them was finished may have lost their new vectors to it:
 * who is still adding them is made to write them again, and those that were done are reported as failed.
 */
async function giveBack(index: OpenIndex, entryIds: readonly string[]): Promise<void> {
  const { entries } = index.context.store;
  const lost = new Set(entryIds);
  for await (const batch of (await index.collection())?.fetch(selectIds(entryIds)) ?? []) {
    for (const id of batch.ids) lost.delete(id);
  }
  const found = await entries.list(index.run.id, { entryIds: [...lost] });
  const ids = (state: EntryState) => found.flatMap((one) => (one.state === state ? [one.entryId] : []));
  await entries.markDeleting(index.run.id, ids("pending"));
  const failed = ids("indexed").map((id) => ({ id, reason: TAKEN_OUT }));
  await entries.settle(index.run.id, { indexed: [], failed });
}

/** Forgets every entry of a run, page by page. */
export async function forgetEntries({ context, run }: OpenIndex): Promise<void> {
  const { entries } = context.store;
  for await (const page of entryPages(context.store, run.id)) {
    const ids = page.map((entry) => entry.entryId);
    await entries.markDeleting(run.id, ids);
    await entries.remove(run.id, ids);
  }
}

/** Makes entries for what a collection holds already, such as one made by FiftyOne. */
export async function adoptCollection(index: OpenIndex, collection: Collection): Promise<void> {
  const { entries } = index.context.store;
  for await (const batch of collection.fetch()) {
    const planned: PlannedEntry[] = batch.ids.map((entryId, i) => ({
      entryId,
      sampleId: batch.sampleIds[i] ?? entryId,
    }));
    await entries.plan(index.run.id, planned);
    await entries.settle(index.run.id, { indexed: batch.ids, failed: [] });
  }
}

/** A write of no batch, which makes earlier ones visible. */
export async function* nothing(): AsyncGenerator<Batch> {}

/** An async iterable of one value. */
export async function* once<Value>(value: Value): AsyncGenerator<Value> {
  yield value;
}

/** Copies with rows of length 1; zero rows stay zero. */
export function normalized(vectors: Matrix): Matrix {
  const data = vectors.data.slice();
  for (let i = 0; i < vectors.rows; i++) {
    const row = data.subarray(i * vectors.dimension, (i + 1) * vectors.dimension);
    const length = Math.hypot(...row);
    if (length > 0) for (let j = 0; j < row.length; j++) row[j] = (row[j] ?? 0) / length;
  }
  return matrix(data, vectors.dimension);
}
