/** The nearest entries by Milvus' index, and which way a search goes. */

import { throwIfAborted } from "../../errors.ts";
import { type Matrix, takeRows, type VectorData } from "../../matrix.ts";
import type { Columns, FilteredSearchOptions, SearchOptions } from "../backend.ts";
import { checkQueries, checkSearchOptions } from "../checks.ts";
import { within as nearerThan } from "../remote/ranking.ts";
import type { SelectedIds } from "../remote/selected-ids.ts";
import type { Access } from "./access.ts";
import { searchPart, someRows } from "./ask.ts";
import { filterExpression } from "./filter.ts";
import { candidates, searchParamsFor } from "./index-types.ts";
import {
  FILTERED_BREADTH,
  FILTERED_WIDENING,
  MAX_HITS,
  SEARCH_HITS,
  SEARCH_QUERIES,
  SMALL_VIEW,
} from "./limits.ts";
import { rankEverything, rankSelected } from "./whole.ts";

/** Hits of each query; small views and whole rankings exactly, the rest by the index. */
export async function searchCollection(
  access: Access,
  selections: SelectedIds,
  queries: Matrix<VectorData>,
  options: SearchOptions,
): Promise<Columns[]> {
  checkSearchOptions(options);
  throwIfAborted(options.signal);
  const layout = await access.layout();
  if (queries.rows === 0) return [];
  checkQueries(access.name, queries, layout);
  const { k, within, reverse = false, signal } = options;
  const ids = within === undefined ? undefined : await selections.of(within, signal);
  const byIndex = k !== null && k <= MAX_HITS && !reverse;
  if (ids === undefined) {
    return byIndex
      ? searchIndex(access, queries, { ...options, k })
      : rankEverything(access, queries, options);
  }
  if (!byIndex || ids.size <= SMALL_VIEW) return rankSelected(access, queries, [...ids], options);
  return searchView(access, queries, ids, { ...options, k });
}

/** The nearest entries that a filter leaves; null where the index gave fewer than there are. */
export async function searchFiltered(
  access: Access,
  query: Matrix<VectorData>,
  options: FilteredSearchOptions,
): Promise<Columns | null> {
  checkSearchOptions(options);
  throwIfAborted(options.signal);
  const layout = await access.layout();
  checkQueries(access.name, query, layout);
  const { k, filter, maxDistance, signal } = options;
  if (k > MAX_HITS) return null;
  const expression = filterExpression(layout.fields.id, filter);
  const [hits = NOTHING] = await nearest(access, query, k, { ...options, expression });
  const found = hits.ids.length;
  if (found < k && found < Math.min(k, await access.count(expression, signal))) return null;
  return nearerThan(hits, maxDistance);
}

type IndexSearch = SearchOptions & { readonly k: number };

/** Where the index gives fewer hits than there are, as HNSW may for large k, the whole collection is ranked. */
async function searchIndex(
  access: Access,
  queries: Matrix<VectorData>,
  options: IndexSearch,
): Promise<Columns[]> {
  const { k, maxDistance, signal, onExplain } = options;
  const found = await nearest(access, queries, k, options);
  const short = rowsWhere(found, (hits) => hits.ids.length < k);
  if (short.length > 0) {
    const size = Math.min(k, await access.count("", signal));
    const lacking = short.filter((row) => (found[row]?.ids.length ?? 0) < size);
    if (lacking.length > 0) {
      onExplain?.({ fallback: "the index gave too few hits: all entries ranked", queries: lacking.length });
      const ranked = await rankEverything(access, takeRows(queries, lacking), {
        ...options,
        maxDistance: undefined,
      });
      lacking.forEach((row, i) => {
        found[row] = ranked[i] ?? NOTHING;
      });
    }
  }
  return found.map((hits) => nearerThan(hits, maxDistance));
}

/** Asks for more hits than wanted and keeps those of the view, until there are enough. */
async function searchView(
  access: Access,
  queries: Matrix<VectorData>,
  ids: ReadonlySet<string>,
  options: IndexSearch,
): Promise<Columns[]> {
  const { k, maxDistance, signal, onExplain } = options;
  const { indexType } = await access.layout();
  const size = access.lastSize || (await access.count("", signal));
  const found: Columns[] = Array.from({ length: queries.rows }, () => NOTHING);
  let open = Array.from({ length: queries.rows }, (_, row) => row);
  const share = Math.min(1, ids.size / Math.max(1, size));
  for (
    let asked = firstAsked(candidates(indexType, k), share);
    open.length > 0 && asked <= MAX_HITS;
    asked *= 4
  ) {
    const hits = await askIndex(access, takeRows(queries, open), asked, options);
    onExplain?.({ view: "hits of the index filtered here", asked });
    const enough = hits.map((all, i) => {
      const kept = onlyOf(all, ids);
      found[open[i] ?? 0] = first(kept, k);
      return isSettled(kept, k, all);
    });
    open = open.filter((_, i) => !enough[i]);
  }
  if (open.length > 0) {
    const ranked = await rankSelected(access, takeRows(queries, open), [...ids], options);
    open.forEach((row, i) => {
      found[row] = ranked[i] ?? NOTHING;
    });
  }
  return found.map((hits) => nearerThan(hits, maxDistance));
}

/** Hits to ask for so that k of them most likely belong to a view with that share of the entries. */
function firstAsked(k: number, share: number): number {
  return Math.ceil((k + 2 * Math.sqrt(k) + 10) / share);
}

/**
 * The k nearest by the index. Which of equally far entries are among them follows their ids: one more is asked for,
 * and more still while it is as far as the last.
 */
async function nearest(
  access: Access,
  queries: Matrix<VectorData>,
  k: number,
  options: AskOptions,
): Promise<Columns[]> {
  const { indexType } = await access.layout();
  const found: Columns[] = [];
  let open = Array.from({ length: queries.rows }, (_, row) => row);
  for (
    let asked = Math.min(MAX_HITS, candidates(indexType, k) + 1);
    open.length > 0;
    asked = Math.min(MAX_HITS, asked * 4)
  ) {
    const hits = await askIndex(access, takeRows(queries, open), asked, options);
    const settled = hits.map((all, i) => {
      found[open[i] ?? 0] = first(all, k);
      return all.ids.length < asked || asked === MAX_HITS || isSettled(all, k, all);
    });
    open = open.filter((_, i) => !settled[i]);
  }
  return found;
}

interface AskOptions extends Pick<SearchOptions, "signal" | "onExplain"> {
  /** Limits the search to entries that meet it. */
  readonly expression?: string;
}

/** True where hits that were not asked for are farther than the k-th of `kept`. */
function isSettled(kept: Columns, k: number, all: Columns): boolean {
  return (kept.distances[k - 1] ?? Number.POSITIVE_INFINITY) < (all.distances.at(-1) ?? 0);
}

/** One search by the index for each query, several queries a call; hits in order. */
async function askIndex(
  access: Access,
  queries: Matrix<VectorData>,
  k: number,
  { signal, onExplain, expression }: AskOptions,
): Promise<Columns[]> {
  const layout = await access.layout();
  const breadth = expression === undefined ? k : Math.max(FILTERED_BREADTH, FILTERED_WIDENING * k);
  const params = searchParamsFor(layout.indexType, layout.indexParams, layout.searchParams, k, breadth);
  onExplain?.({ exact: EXACT_TYPES.includes(layout.indexType), indexType: layout.indexType, ...params });
  const step = Math.max(1, Math.min(SEARCH_QUERIES, Math.floor(SEARCH_HITS / k)));
  const found: Columns[] = [];
  for (let start = 0; start < queries.rows; start += step) {
    throwIfAborted(signal);
    found.push(
      ...(await searchPart(access, someRows(queries, start, step), {
        k,
        params,
        signal,
        ...(expression === undefined ? {} : { expression }),
      })),
    );
  }
  return found;
}

/** Kinds of index that compare with every entry. */
const EXACT_TYPES: readonly string[] = ["FLAT", "BIN_FLAT"];

function onlyOf(hits: Columns, ids: ReadonlySet<string>): Columns {
  const kept = rowsWhere(hits.ids, (id) => ids.has(id));
  return {
    ids: kept.map((place) => hits.ids[place] ?? ""),
    sampleIds: kept.map((place) => hits.sampleIds[place] ?? ""),
    distances: Float32Array.from(kept, (place) => hits.distances[place] ?? Number.NaN),
  };
}

function first(hits: Columns, k: number): Columns {
  if (hits.ids.length <= k) return hits;
  const { ids, sampleIds, distances } = hits;
  return { ids: ids.slice(0, k), sampleIds: sampleIds.slice(0, k), distances: distances.slice(0, k) };
}

function rowsWhere<Value>(values: readonly Value[], holds: (value: Value) => boolean): number[] {
  return values.flatMap((value, row) => (holds(value) ? [row] : []));
}

const NOTHING: Columns = { ids: [], sampleIds: [], distances: new Float32Array(0) };
