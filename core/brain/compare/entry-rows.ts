/** The entries of an index that a view has, in order, and neighbours by their places in it. */

import type { Neighborhoods } from "../../backends/backend.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { throwIfAborted } from "../../errors.ts";
import { entryPages } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import { rowPages } from "../view-rows.ts";

/** Indexed entries whose sample exists, in the order of the view, or of the index where there is no view. */
export interface EntryRows {
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  /** The place of each id. */
  readonly places: ReadonlyMap<string, number>;
  /** True where these are all such entries of the index. */
  readonly isWhole: boolean;
}

/**
 * Neighbours by place: those of the entry at `places[i]` are hits `starts[i]` to `starts[i + 1]`,
 * nearest first.
 */
export interface PlacedNeighborhoods {
  readonly places: Uint32Array;
  /** One more number than there are places. */
  readonly starts: Uint32Array;
  readonly neighbors: Uint32Array;
  readonly distances: Float32Array;
}

/** Reads which entries of the index the view has. Takes memory for their ids. */
export async function entryRows(
  index: OpenIndex,
  view: SampleCollection,
  signal: AbortSignal | undefined,
): Promise<EntryRows> {
  const { store } = index.context;
  const isWhole = view.stages.length === 0;
  const ids: string[] = [];
  const sampleIds: string[] = [];
  for await (const page of isWhole ? indexedPages(index) : viewPages(index, view)) {
    throwIfAborted(signal);
    const gone = await store.entries.gone(
      index.run.id,
      page.map((row) => row.id),
    );
    for (const row of page) {
      if (gone.has(row.id)) continue;
      ids.push(row.id);
      sampleIds.push(row.sampleId);
    }
  }
  return { ids, sampleIds, places: new Map(ids.map((id, place) => [id, place])), isWhole };
}

async function* indexedPages({ context, run }: OpenIndex) {
  for await (const page of entryPages(context.store, run.id, ["indexed"])) {
    yield page.map(({ entryId, sampleId }) => ({ id: entryId, sampleId }));
  }
}

async function* viewPages(index: OpenIndex, view: SampleCollection) {
  yield* rowPages(index, view.dataset.id, await view.resolvedStages());
}

/** Neighbours by their places among the rows; entries and neighbours that are not among them are left out. */
export function placesOf(rows: EntryRows, part: Neighborhoods): PlacedNeighborhoods {
  const { ids, distances } = part.neighbors;
  const kept: number[] = [];
  const starts: number[] = [0];
  const neighbors = new Uint32Array(ids.length);
  const near = new Float32Array(ids.length);
  let count = 0;
  part.ids.forEach((id, i) => {
    const place = rows.places.get(id);
    if (place === undefined) return;
    for (let hit = part.starts[i] ?? 0; hit < (part.starts[i + 1] ?? 0); hit++) {
      const neighbor = rows.places.get(ids[hit] ?? "");
      if (neighbor === undefined) continue;
      neighbors[count] = neighbor;
      near[count] = distances[hit] ?? Number.NaN;
      count++;
    }
    kept.push(place);
    starts.push(count);
  });
  return {
    places: Uint32Array.from(kept),
    starts: Uint32Array.from(starts),
    neighbors: neighbors.subarray(0, count),
    distances: near.subarray(0, count),
  };
}
