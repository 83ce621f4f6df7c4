/** Searches an index: by its graph where a few nearest are wanted, exactly where that would not do. */

import { throwIfAborted } from "../../errors.ts";
import { type Matrix, takeRows, type VectorData } from "../../matrix.ts";
import type { Columns, FilteredSearchOptions, SearchOptions } from "../backend.ts";
import { startRanking } from "../remote/ranking.ts";
import type { SelectedIds } from "../remote/selected-ids.ts";
import { reasonError } from "./errors.ts";
import { filterQuery } from "./filter.ts";
import { endsInTie, foundHits, type KnnRequest, knnBody } from "./knn.ts";
import {
  CANDIDATES_PER_HIT,
  FILTERED_CANDIDATES,
  FILTERED_WIDENING,
  LEAST_CANDIDATES,
  MAX_HITS,
  SEARCH_HITS,
  SEARCH_QUERIES,
  WIDENING,
} from "./limits.ts";
import {
  countOf,
  type EntrySource,
  type Hit,
  type IndexPlace,
  SEARCH_PARAMETERS,
  WITH_VECTOR,
} from "./reads.ts";
import { searchIds, searchWhole } from "./whole.ts";

type Hits = readonly Hit[];

/** One set of columns per query row; options and queries are checked already. */
export async function searchIndex(
  place: IndexPlace,
  queries: Matrix<VectorData>,
  options: SearchOptions,
  selections: SelectedIds,
): Promise<Columns[]> {
  const { k, within, signal, reverse = false } = options;
  if (within !== undefined) {
    const ids = await selections.of(within, signal);
    return exactly(place, queries, options, (query) => searchIds(place, query, ids, options));
  }
  if (k === null || k > MAX_HITS || reverse) {
    return exactly(place, queries, options, (query) => searchWhole(place, query, options));
  }
  return byGraph(place, queries, k, options);
}

/** The nearest entries that a filter leaves; null where the graph gave fewer than there are. */
export async function searchFiltered(
  place: IndexPlace,
  query: Matrix<VectorData>,
  options: FilteredSearchOptions,
): Promise<Columns | null> {
  const { k, maxDistance, signal, onExplain } = options;
  if (k > MAX_HITS) return null;
  const { indexType } = place.layout;
  const filter = filterQuery(options.filter);
  const candidates = Math.max(FILTERED_CANDIDATES, candidatesFor(FILTERED_WIDENING * k));
  const request = { query: query.row(0), hits: Math.min(MAX_HITS, k + 1), candidates, filter };
  const [first = []] = await searchTogether(place, [request], signal);
  const hits = await throughTie(place, first, k, request, signal);
  const all = { bool: { filter: [filter, WITH_VECTOR] } };
  if (hits.length < k && hits.length < (await countOf(place, { index: place.index }, all, signal)))
    return null;
  onExplain?.({ exact: indexType === "flat", indexType, way: "graph, filtered", numCandidates: candidates });
  return ranked(place, hits, { ...request, maxDistance }, options);
}

async function exactly(
  { layout }: IndexPlace,
  queries: Matrix<VectorData>,
  options: SearchOptions,
  search: (query: Matrix<VectorData>) => ReturnType<typeof searchWhole>,
): Promise<Columns[]> {
  const found: Columns[] = [];
  for (let row = 0; row < queries.rows; row++) {
    throwIfAborted(options.signal);
    const { columns, facts } = await search(takeRows(queries, [row]));
    options.onExplain?.({
      exact: facts.exact,
      indexType: layout.indexType,
      way: "in parts",
      parts: facts.parts,
    });
    found.push(columns);
  }
  return found;
}

async function byGraph(
  place: IndexPlace,
  queries: Matrix<VectorData>,
  k: number,
  options: SearchOptions,
): Promise<Columns[]> {
  const { indexType } = place.layout;
  const candidates = candidatesFor(k);
  const step = Math.max(1, Math.min(SEARCH_QUERIES, Math.floor(SEARCH_HITS / k)));
  const found: Columns[] = [];
  let [size, inParts]: [number | undefined, number] = [undefined, 0];
  for (let first = 0; first < queries.rows; first += step) {
    const requests = rowsFrom(queries, first, step).map(
      (query): KnnRequest => ({ query, hits: Math.min(MAX_HITS, k + 1), candidates }),
    );
    const answers = await searchTogether(place, requests, options.signal);
    for (const [i, request] of requests.entries()) {
      const hits = await throughTie(place, answers[i] ?? [], k, request, options.signal);
      if (hits.length < k) size ??= await countOf(place, { index: place.index }, WITH_VECTOR, options.signal);
      // A graph may lose entries that are there.
      if (hits.length < Math.min(k, size ?? 0)) {
        found.push((await searchWhole(place, takeRows(queries, [first + i]), options)).columns);
        inParts++;
      } else found.push(await ranked(place, hits, { ...request, maxDistance: options.maxDistance }, options));
    }
  }
  throwIfAborted(options.signal);
  options.onExplain?.({
    exact: indexType === "flat" || inParts === queries.rows,
    indexType,
    way: "graph",
    numCandidates: candidates,
    ...(inParts === 0 ? {} : { fallback: `the graph gave too few hits: ${inParts} searched in parts` }),
  });
  return found;
}

function candidatesFor(k: number): number {
  return Math.min(MAX_HITS, Math.max(LEAST_CANDIDATES, CANDIDATES_PER_HIT * k));
}

/** The hits, and all that are as near as the last one wanted. */
async function throughTie(
  place: IndexPlace,
  found: Hits,
  k: number,
  request: KnnRequest,
  signal: AbortSignal | undefined,
): Promise<Hits> {
  let [hits, asked] = [found, request.hits];
  while (hits.length === asked && asked < MAX_HITS && endsInTie(hits, k)) {
    asked = Math.min(MAX_HITS, asked * WIDENING);
    [hits = []] = await searchTogether(place, [{ ...request, hits: asked }], signal);
  }
  return hits;
}

async function ranked(
  place: IndexPlace,
  hits: Hits,
  request: KnnRequest,
  options: SearchOptions,
): Promise<Columns> {
  const { ids, sampleIds, distances } = await foundHits(place, hits, request, options.signal);
  const ranking = startRanking(options);
  ranking.add(ids, sampleIds, distances);
  return ranking.columns();
}

/** The hits of each request, by one call. */
async function searchTogether(
  { server, index, layout }: IndexPlace,
  requests: readonly KnnRequest[],
  signal: AbortSignal | undefined,
): Promise<Hits[]> {
  const [request] = requests;
  const facts = { action: "search", index, signal };
  if (requests.length === 1 && request !== undefined) {
    const body = { index, ...knnBody(layout, request), ...SEARCH_PARAMETERS };
    const answer = await server.call((client, more) => client.search<EntrySource>(body, more), facts);
    return [answer.hits?.hits ?? []];
  }
  const searches = requests.flatMap((one) => [{ allow_partial_search_results: false }, knnBody(layout, one)]);
  return server.call(async (client, more) => {
    const { responses } = await client.msearch<EntrySource>({ index, searches }, more);
    return responses.map((answer) => {
      if (!("error" in answer)) return answer.hits.hits;
      const { type = "", reason } = answer.error;
      throw reasonError({ status: answer.status, type, reason: reason ?? type }, server.facts(facts));
    });
  }, facts);
}

function rowsFrom(queries: Matrix<VectorData>, first: number, count: number): VectorData[] {
  const last = Math.min(queries.rows, first + count);
  return Array.from({ length: last - first }, (_, i) => queries.row(first + i));
}
