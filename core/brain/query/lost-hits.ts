/** Finds what a search should have found and cannot: entries whose vectors got lost. */

import type { Collection } from "../../backends/backend.ts";
import type { SimilarityRequest } from "../../dataset/similarity-port.ts";
import { entryPages } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import { rowPages } from "../view-rows.ts";
import { selectIds } from "./fetch-vectors.ts";

/** Entries looked at in one call. */
const PAGE = 1_000;

/** Lost entries after which the search for more ends. */
const MOST = 10;

/**
 * Lost entries of the searched view, ten at most. Looked for only where an answer is shorter than the entries that
 * count as indexed: that costs a count, and the ids are compared where the numbers differ.
 */
export async function lostHits(
  index: OpenIndex,
  collection: Collection,
  { dataset, before, stage }: SimilarityRequest,
  hits: readonly string[],
): Promise<string[]> {
  const wanted = stage.k ?? Number.POSITIVE_INFINITY;
  if (stage.maxDistance !== undefined || hits.length >= wanted) return [];
  const { id, config } = index.run;
  const { entries } = index.context.store;
  // Counting a run's entries is quick; what a view has of them takes reading the view once more.
  const { indexed } = await (before.length === 0
    ? entries.counts(id)
    : entries.countInView(id, dataset.id, before, config.patchesField));
  if (hits.length >= Math.min(wanted, indexed)) return [];
  const found = new Set(hits);
  const lost: string[] = [];
  for await (const page of before.length === 0 ? indexedPages(index) : rowPages(index, dataset.id, before)) {
    const missed = page.flatMap((row) => (found.has(row.id) ? [] : [row.id]));
    for (let start = 0; start < missed.length && lost.length < MOST; start += PAGE) {
      const asked = missed.slice(start, start + PAGE);
      const gone = await entries.gone(id, asked);
      const live = new Set(asked.filter((entryId) => !gone.has(entryId)));
      for await (const batch of collection.fetch(selectIds([...live]))) {
        for (const stored of batch.ids) live.delete(stored);
      }
      lost.push(...live);
    }
    if (lost.length >= MOST) break;
  }
  return lost.slice(0, MOST);
}

async function* indexedPages({ context, run }: OpenIndex): AsyncGenerator<{ id: string }[]> {
  for await (const page of entryPages(context.store, run.id, ["indexed"])) {
    yield page.map(({ entryId }) => ({ id: entryId }));
  }
}
