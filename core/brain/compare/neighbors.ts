/** The neighbours of every entry: found by the backend where it can, else by one search for each entry. */

import type {
  Backend,
  Batch,
  Collection,
  Columns,
  Neighborhoods,
  NeighborOptions,
} from "../../backends/backend.ts";
import { takeBatch } from "../../backends/parts.ts";
import { throwIfAborted } from "../../errors.ts";
import { takeRows } from "../../matrix.ts";
import type { OpenIndex } from "../open-index.ts";
import { selectIds } from "../query/fetch-vectors.ts";
import { type EntryRows, type PlacedNeighborhoods, placesOf } from "./entry-rows.ts";

/** Entries searched for in one call. */
const QUERIES_PER_SEARCH = 32;

/** Hits asked for first where the number of neighbours is not known, and how much more each time that is too few. */
const FIRST_HITS = 128;
const MORE_HITS = 16;

/**
 * Every entry of a collection with its neighbours, in parts of bounded size, itself left out. `k` and
 * `maxDistance` limit the neighbours, `within` limits entries and neighbours alike. Exact where the backend is.
 */
export async function* neighborhoods(
  backend: Backend,
  collection: Collection,
  options: NeighborOptions,
): AsyncGenerator<Neighborhoods> {
  throwIfAborted(options.signal);
  if (collection.neighbors !== undefined) {
    yield* collection.neighbors(options);
    return;
  }
  for await (const batch of collection.fetch(options.within)) {
    for (let first = 0; first < batch.ids.length; first += QUERIES_PER_SEARCH) {
      const last = Math.min(batch.ids.length, first + QUERIES_PER_SEARCH);
      const rows = Array.from({ length: last - first }, (_, i) => first + i);
      yield await searchNeighbors(backend, collection, takeBatch(batch, rows), options);
    }
  }
}

/** As `neighborhoods`, of the entries of `rows` only and by their places there. */
export async function* neighborhoodsOf(
  index: OpenIndex,
  rows: EntryRows,
  options: Omit<NeighborOptions, "within">,
): AsyncGenerator<PlacedNeighborhoods> {
  const collection = await index.collection();
  if (collection === null || rows.ids.length === 0) return;
  const within = (await coversAll(collection, rows)) ? undefined : selectIds(rows.ids);
  for await (const part of neighborhoods(await index.backend(), collection, { ...options, within })) {
    throwIfAborted(options.signal);
    yield placesOf(rows, part);
  }
}

/** Searches for each entry of a batch and leaves out the entry itself. */
export async function searchNeighbors(
  backend: Backend,
  collection: Collection,
  batch: Batch,
  options: NeighborOptions,
): Promise<Neighborhoods> {
  const { k } = options;
  const found = await searchAll(backend, collection, batch, { ...options, k: k === null ? null : k + 1 });
  const neighbors = found.map((columns, i) => others(columns, batch.ids[i] ?? "", k));
  const starts = new Uint32Array(neighbors.length + 1);
  neighbors.forEach(({ ids }, i) => {
    starts[i + 1] = (starts[i] ?? 0) + ids.length;
  });
  return { ids: batch.ids, sampleIds: batch.sampleIds, starts, neighbors: joined(neighbors) };
}

/** True where the index has these entries and no others. */
async function coversAll(collection: Collection, rows: EntryRows): Promise<boolean> {
  return rows.isWhole && (await collection.describe()).size === rows.ids.length;
}

/** All hits of each query. Where no number is given few are asked for at first: most entries have few that are near. */
async function searchAll(
  backend: Backend,
  collection: Collection,
  { vectors }: Batch,
  options: NeighborOptions,
): Promise<Columns[]> {
  const { maxK } = backend.capabilities;
  const hits: Columns[] = [];
  let open = Array.from({ length: vectors.rows }, (_, i) => i);
  const few = Math.min(FIRST_HITS, maxK ?? FIRST_HITS);
  for (let asked = options.k ?? few; open.length > 0; asked *= MORE_HITS) {
    throwIfAborted(options.signal);
    const k = Math.min(asked, options.k ?? asked);
    if (maxK !== null && k > maxK) {
      for (const row of open) hits[row] = await scanned(collection, takeRows(vectors, [row]), options);
      break;
    }
    const found = await collection.search(takeRows(vectors, open), { ...options, k });
    open.forEach((row, i) => {
      hits[row] = found[i] ?? NOTHING;
    });
    open = k === options.k ? [] : open.filter((row) => (hits[row] ?? NOTHING).ids.length === k);
  }
  return hits;
}

async function scanned(
  collection: Collection,
  query: Batch["vectors"],
  { k, ...options }: NeighborOptions,
): Promise<Columns> {
  const pages: Columns[] = [];
  let count = 0;
  for await (const page of collection.scan(query, options)) {
    pages.push(page);
    count += page.ids.length;
    if (k !== null && count >= k) break;
  }
  return first(joined(pages), k);
}

const NOTHING: Columns = { ids: [], sampleIds: [], distances: new Float32Array(0) };

/** The hits without the entry itself, which is told by its id: copies of it are neighbours. */
function others(hits: Columns, id: string, k: number | null): Columns {
  const self = hits.ids.indexOf(id);
  if (self < 0) return first(hits, k);
  return first(
    {
      ids: hits.ids.toSpliced(self, 1),
      sampleIds: hits.sampleIds.toSpliced(self, 1),
      distances: hits.distances.filter((_, i) => i !== self),
    },
    k,
  );
}

function first(hits: Columns, k: number | null): Columns {
  if (k === null || hits.ids.length <= k) return hits;
  return {
    ids: hits.ids.slice(0, k),
    sampleIds: hits.sampleIds.slice(0, k),
    distances: hits.distances.slice(0, k),
  };
}

function joined(parts: readonly Columns[]): Columns {
  const distances = new Float32Array(parts.reduce((sum, part) => sum + part.ids.length, 0));
  let offset = 0;
  for (const part of parts) {
    distances.set(part.distances, offset);
    offset += part.ids.length;
  }
  return {
    ids: parts.flatMap((part) => part.ids),
    sampleIds: parts.flatMap((part) => part.sampleIds),
    distances,
  };
}
