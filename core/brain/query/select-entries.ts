/** Finds entries of an index by sample or label id, and reads their vectors. */

import type { Embeddings, IdSelection } from "../../dataset/brain-port.ts";
import { NearsightError } from "../../errors.ts";
import { type Matrix, matrix, type VectorData } from "../../matrix.ts";
import type { EntryRecord } from "../../store/store-runs.ts";
import { entryPages } from "../entries.ts";
import { vectorsLost, warnOfLost } from "../lost.ts";
import type { OpenIndex } from "../open-index.ts";
import { getMostVectors, getVectors } from "./fetch-vectors.ts";

/** Entries that are indexed, of the given samples or labels, or all; in planning order. */
export async function selectEntries(index: OpenIndex, selection: IdSelection): Promise<EntryRecord[]> {
  const { store } = index.context;
  const { sampleIds, labelIds } = selection;
  if (sampleIds === undefined && labelIds === undefined) {
    const all: EntryRecord[] = [];
    for await (const page of entryPages(store, index.run.id, ["indexed"])) all.push(...page);
    return all;
  }
  const found = await namedEntries(index, selection);
  return found.filter((entry) => entry.state === "indexed" || entry.state === "deleting");
}

/** Entries of the given samples or labels, in whatever state. */
function namedEntries(index: OpenIndex, { sampleIds, labelIds }: IdSelection): Promise<EntryRecord[]> {
  return index.context.store.entries.list(index.run.id, {
    ...(labelIds === undefined ? {} : { entryIds: asList(labelIds) }),
    ...(sampleIds === undefined ? {} : { sampleIds: asList(sampleIds) }),
  });
}

/**
 * Ids of the entries a selection names, those of a write that failed or was cut off too: their vectors may be
 * there. Missing ids are an error, a warning or nothing, as it says.
 */
export async function wantedEntries(index: OpenIndex, selection: IdSelection): Promise<string[]> {
  const entries = await namedEntries(index, selection);
  reportMissing(index, selection, entries);
  return entries.map((entry) => entry.entryId);
}

/** Stored vectors of a selection, in the order of the ids asked, or all in planning order. */
export async function storedEmbeddings(
  index: OpenIndex,
  selection: IdSelection,
): Promise<Embeddings<VectorData>> {
  const entries = await selectEntries(index, selection);
  reportMissing(index, selection, entries);
  const collection = await index.collection();
  const ids = inOrderAsked(entries, selection);
  const isPatchIndex = index.run.config.patchesField !== null;
  if (collection === null || ids.length === 0) return empty(index, isPatchIndex);
  const isAll = selection.sampleIds === undefined && selection.labelIds === undefined;
  const found = await (isAll ? getMostVectors : getVectors)(collection, ids);
  if (found.ids.length < ids.length) reportLost(index, selection, ids, found.ids);
  return {
    embeddings: found.vectors,
    sampleIds: isPatchIndex ? found.sampleIds : found.ids,
    labelIds: isPatchIndex ? found.ids : null,
  };
}

/** Entries whose vectors the collection has no more: an error where nothing may be missing, else a warning. */
function reportLost(
  index: OpenIndex,
  { allowMissing }: IdSelection,
  asked: readonly string[],
  found: readonly string[],
): void {
  const there = new Set(found);
  const lost = asked.filter((id) => !there.has(id));
  if (allowMissing === false) throw vectorsLost(index, lost);
  warnOfLost(index, lost);
}

function empty(index: OpenIndex, isPatchIndex: boolean): Embeddings {
  const embeddings: Matrix = matrix(new Float32Array(0), index.run.config.dimension ?? 0);
  return { embeddings, sampleIds: [], labelIds: isPatchIndex ? [] : null };
}

function inOrderAsked(entries: readonly EntryRecord[], { sampleIds, labelIds }: IdSelection): string[] {
  if (labelIds !== undefined) {
    const found = new Set(entries.map((entry) => entry.entryId));
    return asList(labelIds).filter((id) => found.has(id));
  }
  if (sampleIds === undefined) return entries.map((entry) => entry.entryId);
  const bySample = Map.groupBy(entries, (entry) => entry.sampleId);
  return asList(sampleIds).flatMap((id) => (bySample.get(id) ?? []).map((entry) => entry.entryId));
}

function reportMissing(index: OpenIndex, selection: IdSelection, entries: readonly EntryRecord[]): void {
  const asked = selection.labelIds ?? selection.sampleIds;
  if (asked === undefined || (selection.allowMissing !== false && !selection.warnMissing)) return;
  const byLabel = selection.labelIds !== undefined;
  const found = new Set(entries.map((entry) => (byLabel ? entry.entryId : entry.sampleId)));
  const missing = asList(asked).filter((id) => !found.has(id));
  if (missing.length === 0) return;
  const message = `${missing.length} of the ids are not in index '${index.run.key}', such as '${missing[0]}'`;
  if (selection.allowMissing !== false) {
    index.context.warn(message);
    return;
  }
  throw new NearsightError({
    code: "ID_NOT_FOUND",
    message,
    hint: "Leave allowMissing at true to go on without them",
    details: { ids: missing.slice(0, 10) },
  });
}

/** One id or several, as a list. */
export function asList(ids: string | readonly string[]): readonly string[] {
  return typeof ids === "string" ? [ids] : ids;
}
