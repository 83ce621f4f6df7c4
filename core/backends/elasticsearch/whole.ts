/** Exact searches: the index, or a view of it, in parts so small that the server compares each entry with the query. */

import { NearsightError } from "../../errors.ts";
import type { Matrix, VectorData } from "../../matrix.ts";
import type { Columns, SearchOptions } from "../backend.ts";
import { ahead } from "../remote/ahead.ts";
import { rankEntries, startRanking } from "../remote/ranking.ts";
import { endsInTie, foundHits, type KnnRequest, knnBody } from "./knn.ts";
import { EXACT_ENTRIES, PARTS_AT_ONCE, SMALL_VIEW, WIDENING } from "./limits.ts";
import type { Layout } from "./mapping.ts";
import {
  atPointInTime,
  countOf,
  fetchAll,
  type IndexPlace,
  idsFilter,
  type Query,
  searchHits,
  type Target,
  WITH_VECTOR,
} from "./reads.ts";

type ExactOptions = Omit<SearchOptions, "within">;

/** Entries of an index that a search can compare one by one. */
interface Part {
  readonly target: Target;
  readonly filter: Query;
  /** Entries the filter leaves; at most, where `isCounted` is false. */
  readonly size: number;
  readonly isCounted: boolean;
}

/** What exact searches came to, for `explain`. */
export interface ExactFacts {
  readonly parts: number;
  readonly exact: boolean;
}

/** The ranking of one query over all entries. */
export async function searchWhole(
  place: IndexPlace,
  query: Matrix<VectorData>,
  options: ExactOptions,
): Promise<{ columns: Columns; facts: ExactFacts }> {
  const found = atPointInTime(place.server, place.index, options.signal, (target) =>
    ahead(
      partsOfIndex(place, target, options.signal),
      (part) => searchPart(place, query, part, options),
      PARTS_AT_ONCE,
    ),
  );
  return gathered(found, options);
}

/** The ranking of one query over the entries of these ids. */
export async function searchIds(
  place: IndexPlace,
  query: Matrix<VectorData>,
  ids: ReadonlySet<string>,
  options: ExactOptions,
): Promise<{ columns: Columns; facts: ExactFacts }> {
  const parts = partsOfIds(place, ids);
  return gathered(
    ahead(parts, (part) => searchPart(place, query, part, options), PARTS_AT_ONCE),
    options,
  );
}

/** Hits of one part. */
interface PartHits extends Pick<Columns, "ids" | "sampleIds"> {
  readonly distances: ArrayLike<number>;
  readonly exact: boolean;
}

async function gathered(
  parts: AsyncIterable<PartHits>,
  options: ExactOptions,
): Promise<{ columns: Columns; facts: ExactFacts }> {
  const ranking = startRanking(options);
  let [count, exact] = [0, true];
  for await (const found of parts) {
    count++;
    ranking.add(found.ids, found.sampleIds, found.distances);
    exact &&= found.exact;
  }
  return { columns: ranking.columns(), facts: { parts: count, exact } };
}

async function searchPart(
  place: IndexPlace,
  query: Matrix<VectorData>,
  part: Part,
  options: ExactOptions,
): Promise<PartHits> {
  const { layout } = place;
  const opposite = isOppositeEnough(layout, options);
  const wanted = hitsWanted(layout, part, options, opposite);
  const request = {
    query: opposite ? query.row(0).map((value) => -value) : query.row(0),
    candidates: EXACT_ENTRIES,
    filter: part.filter,
    maxDistance: opposite ? undefined : options.maxDistance,
  };
  let hits = Math.min(part.size, wanted + 1);
  let answer = await searchHits(place, bodyOf(layout, part, { ...request, hits }), "search", options.signal);
  while (answer.length === hits && hits < part.size && endsInTie(answer, wanted)) {
    hits = Math.min(part.size, hits * WIDENING);
    answer = await searchHits(place, bodyOf(layout, part, { ...request, hits }), "search", options.signal);
  }
  const found = await foundHits(place, answer, { ...request, hits }, options.signal);
  const isAll = hits === part.size;
  if (isAll && part.isCounted && options.maxDistance === undefined && found.ids.length < part.size) {
    return {
      ...(await rankEntries(fetchAll(place, part.filter), query, layout.metric, options)),
      exact: true,
    };
  }
  const distances = opposite
    ? found.distances.map((distance) => oppositeDistance(layout, distance))
    : found.distances;
  return { ...found, distances, exact: layout.oversample === null || isAll };
}

function bodyOf(layout: Layout, { target }: Part, request: KnnRequest) {
  return { ...target, ...knnBody(layout, request) };
}

/** The farthest of a query are the nearest of its opposite, by cosine and product. */
function isOppositeEnough(layout: Layout, { reverse, maxDistance, k }: ExactOptions): boolean {
  const isAngle = layout.vectorType === "float32" && layout.similarity !== "l2_norm";
  return isAngle && reverse === true && k !== null && maxDistance === undefined;
}

function oppositeDistance({ metric }: Layout, distance: number): number {
  return metric === "cosine" ? 2 - distance : -distance;
}

/** Hits to ask for: `k` of them, or all where the farthest are wanted or only all are sure. */
function hitsWanted(layout: Layout, { size }: Part, { k, reverse }: ExactOptions, opposite: boolean): number {
  if (k === null || (reverse === true && !opposite)) return size;
  if (layout.oversample !== null && size <= SMALL_VIEW) return size;
  return Math.min(k, size);
}

function* partsOfIds({ index }: IndexPlace, ids: ReadonlySet<string>): Generator<Part> {
  let part: string[] = [];
  const whole = (): Part => ({
    target: { index },
    filter: idsFilter(part),
    size: part.length,
    isCounted: false,
  });
  for (const id of ids) {
    part.push(id);
    if (part.length < EXACT_ENTRIES) continue;
    yield whole();
    part = [];
  }
  if (part.length > 0) yield whole();
}

/** The index cut by the numbers that its writes have, into parts of few enough entries; no id has to be sent. */
async function* partsOfIndex(
  place: IndexPlace,
  target: Target,
  signal: AbortSignal | undefined,
): AsyncGenerator<Part> {
  const filterOf = ({ from, to }: Range): Query => ({
    bool: { filter: [{ range: { _seq_no: { gte: from, lt: to } } }, WITH_VECTOR] },
  });
  const open: Range[] = [{ from: 0, to: (await lastWrite(place, target, signal)) + 1 }];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const filter = filterOf(range);
    const size = await countOf(place, target, filter, signal);
    if (size === 0) continue;
    if (size <= EXACT_ENTRIES) {
      yield { target, filter, size, isCounted: true };
      continue;
    }
    open.push(...halves(range, size));
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** As many ranges as its entries need, were they spread evenly. */
function halves({ from, to }: Range, size: number): Range[] {
  if (to - from < 2) throw unsplittable(size);
  const wanted = Math.min(to - from, Math.max(2, Math.ceil(size / EXACT_ENTRIES)));
  const step = Math.ceil((to - from) / wanted);
  const ranges: Range[] = [];
  for (let first = from; first < to; first += step)
    ranges.push({ from: first, to: Math.min(to, first + step) });
  return ranges;
}

/** Each shard counts its own writes: a number stands for at most as many entries as there are shards. */
function unsplittable(size: number): NearsightError {
  return new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected an index of at most ${EXACT_ENTRIES} shards but ${size} entries have the same number`,
    hint: "Give the index fewer shards",
  });
}

async function lastWrite(
  place: IndexPlace,
  target: Target,
  signal: AbortSignal | undefined,
): Promise<number> {
  const body = {
    ...target,
    _source: false,
    sort: [{ _seq_no: "desc" as const }],
    size: 1,
    track_total_hits: false,
  };
  const [last] = await searchHits(place, body, "find the last write", signal);
  return Number(last?.sort?.[0] ?? -1);
}
