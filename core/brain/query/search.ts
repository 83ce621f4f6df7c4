/** Searches an index: aggregates several queries, and drops and refills results whose sample is gone. */

import type { Backend, Collection, Columns, SearchOptions, Selection } from "../../backends/backend.ts";
import { type Matrix, takeRows, type VectorData } from "../../matrix.ts";
import type { Aggregation } from "../../stages.ts";
import type { OpenIndex } from "../open-index.ts";
import type { SearchTrace } from "./explain.ts";
import { meanOf, oneRow, type QueryPlan, type Weighted } from "./query.ts";

/** What is wanted of a search. */
export interface Wanted {
  /** Null: the whole ranking. */
  readonly k: number | null;
  readonly reverse: boolean;
  readonly maxDistance: number | undefined;
  readonly aggregation: Aggregation;
  /** Left out: the whole index. */
  readonly within: Selection | undefined;
  /** Notes what is done. */
  readonly trace: SearchTrace;
}

/** One hit; lower distances are closer. */
export interface Hit {
  readonly id: string;
  readonly sampleId: string;
  readonly distance: number;
}

/** Weight of the first ranks in rank fusion (Cormack, Clarke, Buettcher 2009). */
const FUSION_CONSTANT = 60;

/** The hits of a planned query, nearest first (farthest first if reversed). */
export async function search(
  index: OpenIndex,
  collection: Collection,
  plan: QueryPlan,
  wanted: Wanted,
): Promise<Hit[]> {
  const backend = await index.backend();
  if (plan.kind === "fuse") return fused(index, backend, collection, plan.terms, wanted);
  const query = singleQuery(plan, wanted.aggregation);
  return query === null
    ? aggregated(index, backend, collection, plan.vectors, wanted)
    : liveHits(index, backend, collection, query, wanted);
}

/** The one vector that a plan searches with, or null where several rankings are put together. */
export function singleQuery(plan: QueryPlan, aggregation: Aggregation): Matrix<VectorData> | null {
  if (plan.kind === "fuse") return null;
  const { vectors } = plan;
  if (vectors.rows === 1) return vectors;
  // Bits have no mean: their distances are averaged instead.
  return aggregation === "mean" && !(vectors.data instanceof Uint8Array) ? oneRow(meanOf(vectors)) : null;
}

/** Hits whose sample exists. */
async function liveHits(
  index: OpenIndex,
  backend: Backend,
  collection: Collection,
  query: Matrix<VectorData>,
  wanted: Wanted,
): Promise<Hit[]> {
  const ask = (k: number | null) => rawHits(backend, collection, query, { ...wanted, k });
  return (await refilled(wanted, ask, (ids) => liveIds(index, ids))) ?? [];
}

/** Of these entries, those that are indexed and whose sample exists. */
export function liveIds({ context, run }: OpenIndex, ids: readonly string[]): Promise<Set<string>> {
  return context.store.entries.live(run.id, ids);
}

/**
 * Hits that are wanted, by id; asks for more while some are not, so that `k` stays `k`. Null where `ask` gives up.
 */
export async function refilled(
  { k, trace }: Pick<Wanted, "k" | "trace">,
  ask: (k: number | null) => Promise<Hit[] | null>,
  choose: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<Hit[] | null> {
  let asked = k;
  while (true) {
    const found = await ask(asked);
    if (found === null) return null;
    const ids = found.map((hit) => hit.id);
    const chosen = await trace.time("liveCheck", () => choose(ids));
    const hits = found.filter((hit) => chosen.has(hit.id));
    const isLast = k === null || asked === null || hits.length >= k || found.length < asked;
    if (isLast) trace.dropped += found.length - hits.length;
    if (k === null || asked === null) return hits;
    if (isLast) return hits.slice(0, k);
    asked *= 2;
    trace.refills++;
  }
}

/** Hits as the backend gives them, by one search or, beyond what that takes, by a scan. */
export async function rawHits(
  backend: Backend,
  collection: Collection,
  query: Matrix<VectorData>,
  wanted: Wanted,
): Promise<Hit[]> {
  const { maxK, exact } = backend.capabilities;
  const { trace, k } = wanted;
  const isScan = maxK !== null && (k === null || k > maxK);
  if (isScan) {
    trace.scans++;
    trace.fallbacks.add(
      `${k === null ? "the whole ranking" : `k ${k}`} is above the ${maxK} of one search: scanned`,
    );
  } else trace.searches++;
  // A scan is exact by contract.
  return timedSearch(trace, isScan || exact, (onExplain) => {
    const options = searchOptions(wanted, onExplain);
    return isScan ? scanned(collection, query, k, options) : searched(collection, query, k, options);
  });
}

type OnExplain = NonNullable<SearchOptions["onExplain"]>;

/** Does one search, whose facts and time go to the trace. */
export async function timedSearch<Result>(
  trace: SearchTrace,
  isExactAsRule: boolean,
  ask: (onExplain: OnExplain) => Promise<Result>,
): Promise<Result> {
  // What the driver says of this very call counts more than what it claims as a rule.
  let isExact: boolean | undefined;
  const result = await trace.time("search", () =>
    ask((facts) => {
      if (typeof facts["exact"] === "boolean") isExact = facts["exact"] && isExact !== false;
      trace.note(facts);
    }),
  );
  if (!(isExact ?? isExactAsRule)) trace.exact = false;
  return result;
}

type PlainOptions = Omit<SearchOptions, "k">;

function searchOptions({ reverse, maxDistance, within }: Wanted, onExplain: OnExplain): PlainOptions {
  return { reverse, maxDistance, within, onExplain };
}

async function searched(
  collection: Collection,
  query: Matrix<VectorData>,
  k: number | null,
  options: PlainOptions,
): Promise<Hit[]> {
  const [columns] = await collection.search(query, { ...options, k });
  return columns === undefined ? [] : hitsOf(columns);
}

async function scanned(
  collection: Collection,
  query: Matrix<VectorData>,
  k: number | null,
  options: PlainOptions,
): Promise<Hit[]> {
  const hits: Hit[] = [];
  for await (const columns of collection.scan(query, options)) {
    for (const hit of hitsOf(columns)) hits.push(hit);
    if (k !== null && hits.length >= k) return hits.slice(0, k);
  }
  return hits;
}

export function hitsOf(columns: Columns): Hit[] {
  return columns.ids.map((id, i) => ({
    id,
    sampleId: columns.sampleIds[i] ?? id,
    distance: columns.distances[i] ?? Number.NaN,
  }));
}

/** The whole ranking of each query row, as a map from id. */
async function rankings(
  index: OpenIndex,
  backend: Backend,
  collection: Collection,
  queries: Matrix<VectorData>,
  wanted: Wanted,
): Promise<Hit[][]> {
  const whole = { ...wanted, k: null, reverse: false, maxDistance: undefined };
  return Promise.all(
    Array.from({ length: queries.rows }, (_, i) =>
      liveHits(index, backend, collection, takeRows(queries, [i]), whole),
    ),
  );
}

async function aggregated(
  index: OpenIndex,
  backend: Backend,
  collection: Collection,
  queries: Matrix<VectorData>,
  wanted: Wanted,
): Promise<Hit[]> {
  const lists = await rankings(index, backend, collection, queries, wanted);
  const byId = new Map<string, { sampleId: string; distances: number[] }>();
  for (const hit of lists.flat()) {
    const entry = byId.get(hit.id) ?? { sampleId: hit.sampleId, distances: [] };
    entry.distances.push(hit.distance);
    byId.set(hit.id, entry);
  }
  const hits = [...byId].map(([id, { sampleId, distances }]) => ({
    id,
    sampleId,
    distance: combineDistances(distances, wanted.aggregation),
  }));
  return cut(hits, wanted);
}

function combineDistances(distances: readonly number[], aggregation: Aggregation): number {
  if (aggregation === "post-min") return Math.min(...distances);
  if (aggregation === "post-max") return Math.max(...distances);
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
}

/** Reciprocal rank fusion; the distance is 1 - fused score over the best possible one. */
async function fused(
  index: OpenIndex,
  backend: Backend,
  collection: Collection,
  terms: readonly Weighted[],
  wanted: Wanted,
): Promise<Hit[]> {
  const scores = new Map<string, { sampleId: string; score: number }>();
  let best = 0;
  for (const { vector, weight } of terms) {
    const [ranking = []] = await rankings(index, backend, collection, vector, wanted);
    best += Math.max(0, weight) / (FUSION_CONSTANT + 1);
    ranking.forEach((hit, rank) => {
      const entry = scores.get(hit.id) ?? { sampleId: hit.sampleId, score: 0 };
      entry.score += weight / (FUSION_CONSTANT + 1 + rank);
      scores.set(hit.id, entry);
    });
  }
  const hits = [...scores].map(([id, { sampleId, score }]) => ({
    id,
    sampleId,
    distance: 1 - score / (best || 1),
  }));
  return cut(hits, wanted);
}

function cut(hits: Hit[], { k, reverse, maxDistance }: Wanted): Hit[] {
  const sign = reverse ? -1 : 1;
  const near = maxDistance === undefined ? hits : hits.filter((hit) => hit.distance <= maxDistance);
  near.sort((a, b) => sign * (a.distance - b.distance) || (a.id < b.id ? -1 : 1));
  return k === null ? near : near.slice(0, k);
}
