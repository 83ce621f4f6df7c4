/** Compares entries exactly where their backend cannot: their vectors are copied here while it is done. */

import type { Batch } from "../../backends/backend.ts";
import { isNearsightError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { BrainContext } from "../context.ts";
import { warnOfLost } from "../lost.ts";
import type { OpenIndex } from "../open-index.ts";
import { selectIds } from "../query/fetch-vectors.ts";
import type { EntryRows } from "./entry-rows.ts";

/** Where an index is made that only this machine needs: never on somebody's server unasked. */
const BACKEND_HERE = "local";

/** The name of the embedded backend, or null where an installation was given others only. */
export function backendHere(context: BrainContext): string | null {
  try {
    return context.backendName(BACKEND_HERE);
  } catch (error) {
    if (isNearsightError(error, "BACKEND_NOT_SUPPORTED")) return null;
    throw error;
  }
}

/** True where all entries can be compared in the backend: it has a way to, or each search of it is exact. */
export async function comparesAll(index: OpenIndex): Promise<boolean> {
  const collection = await index.collection();
  if (collection === null || collection.neighbors !== undefined) return true;
  return (await index.backend()).capabilities.exact;
}

/**
 * Does work that compares the rows with each other. Where the backend searches approximately they are read once,
 * in batches, into an index of the embedded backend, which is removed afterwards: exact, and faster than a search
 * for each of them. Without an embedded backend the work is done by approximate searches.
 */
export async function comparingExactly<Result>(
  index: OpenIndex,
  rows: EntryRows,
  work: (index: OpenIndex) => Promise<Result>,
): Promise<Result> {
  const name = backendHere(index.context);
  const collection = await index.collection();
  if (collection === null || name === null || (await comparesAll(index))) return work(index);
  const backend = await index.context.backend(name, {});
  const { dimension, metric, vectorType } = await collection.describe();
  const copy = await backend.create({ name: `comparison-${newId()}`, dimension, metric, vectorType });
  try {
    const came = new Uint8Array(rows.ids.length);
    const stored = collection.fetch(rows.isWhole ? undefined : selectIds(rows.ids));
    await copy.upsert(noting(stored, rows, came));
    warnOfLost(
      index,
      rows.ids.filter((_, place) => came[place] === 0),
    );
    return await work({
      ...index,
      run: index.run,
      backend: async () => backend,
      collection: async () => copy,
    });
  } finally {
    await copy.drop();
  }
}

/** Marks the place of each row that comes by. */
async function* noting(
  batches: AsyncIterable<Batch>,
  rows: EntryRows,
  came: Uint8Array,
): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    for (const id of batch.ids) {
      const place = rows.places.get(id);
      if (place !== undefined) came[place] = 1;
    }
    yield batch;
  }
}
