/** Keeps a run's entries in step with its collection: planned before a write, settled after it. */

import type { Batch, Collection } from "../backends/backend.ts";
import type { FailedEntry } from "../dataset/brain-port.ts";
import { type Matrix, matrix } from "../matrix.ts";
import type { EntryRecord, EntryState, MetadataStore, PlannedEntry } from "../store/store.ts";
import type { BrainContext } from "./context.ts";
import type { OpenIndex } from "./open-index.ts";

/** Entries per call to the store. */
const ENTRY_PAGE = 2_000;

/** One entry that could not be indexed. */
export interface Failure {
  readonly id: string;
  readonly reason: string;
}

/** The entries of a run, page by page in planning order. */
export async function* entryPages(
  store: MetadataStore,
  runId: string,
  states?: readonly EntryState[],
): AsyncGenerator<EntryRecord[]> {
  let after = -1;
  while (true) {
    const page = await store.entries.list(runId, {
      ...(states === undefined ? {} : { states }),
      after,
      limit: ENTRY_PAGE,
    });
    if (page.length === 0) return;
    yield page;
    after = page.at(-1)?.sequence ?? after;
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

/** Writes one batch to the collection and settles its entries; returns what was refused. */
export async function writeBatch(
  index: OpenIndex,
  batch: Batch,
  epoch?: number,
): Promise<readonly Failure[]> {
  const collection = await index.collectionFor(batch.vectors);
  const stored = index.run.config.normalized
    ? { ...batch, vectors: normalized(batch.vectors as Matrix) }
    : batch;
  const { failed } = await collection.upsert(once(stored));
  const refused = new Set(failed.map((failure) => failure.id));
  const indexed = batch.ids.filter((id) => !refused.has(id));
  await index.context.store.entries.settle(index.run.id, { indexed, failed }, epoch);
  return failed;
}

/** Removes entries from the collection, then from the store. */
export async function removeEntries(index: OpenIndex, entryIds: readonly string[]): Promise<void> {
  const { entries } = index.context.store;
  await entries.markDeleting(index.run.id, entryIds);
  const collection = await index.collection();
  await collection?.delete(once(entryIds));
  await entries.remove(index.run.id, entryIds);
}

/** Finishes the deletions that were marked when samples were deleted. */
export async function finishDeletions(index: OpenIndex): Promise<void> {
  const { store } = index.context;
  if ((await store.entries.counts(index.run.id)).deleting === 0) return;
  for await (const page of entryPages(store, index.run.id, ["deleting"])) {
    await removeEntries(
      index,
      page.map((entry) => entry.entryId),
    );
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
