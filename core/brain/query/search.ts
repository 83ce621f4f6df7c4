/** Searches an index: aggregates several queries, and drops and refills results whose sample is gone. */

import type { Backend, Collection, Columns, SearchOptions, Selection } from "../../backends/backend.ts";
import { takeHits } from "../../backends/parts.ts";
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

/** Hits as columns, in order; distances that were averaged or fused are in double precision. */
export interface Hits extends Pick<Columns, "ids" | "sampleIds"> {
  readonly distances: Float32Array | Float64Array;
}

/** No hits. */
export const NOTHING: Columns = { ids: [], sampleIds: [], distances: new Float32Array(0) };

/** Weight of the first ranks in rank fusion (Cormack, Clarke, Buettcher 2009). */
const FUSION_CONSTANT = 60;

/** The hits of a planned query, nearest first (farthest first if reversed). */
export async function search(
  index: OpenIndex,
  collection: Collection,
  plan: QueryPlan,
  wanted: Wanted,
): Promise<Hits> {
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
): Promise<Columns> {
  const ask = (k: number | null) => rawHits(backend, collection, query, { ...wanted, k });
  return (await refilled(wanted, ask, (ids) => goneIds(index, ids))) ?? NOTHING;
}

/** Of these entries, those that are not indexed or whose sample no longer exists. */
export function goneIds({ context, run }: OpenIndex, ids: readonly string[]): Promise<Set<string>> {
  return context.store.entries.gone(run.id, ids);
}

/**
 * Hits without the unwanted ones; asks for more while there are such, so that `k` stays `k`. Null where `ask` gives up.
 */
export async function refilled(
  { k, trace }: Pick<Wanted, "k" | "trace">,
  ask: (k: number | null) => Promise<Columns | null>,
  unwantedOf: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<Columns | null> {
  let asked = k;
  while (true) {
    const found = await ask(asked);
    if (found === null) return null;
    const unwanted = await trace.time("liveCheck", () => unwantedOf(found.ids));
    const hits = without(found, unwanted);
    const count = hits.ids.length;
    if (k === null || asked === null || count >= k || found.ids.length < asked) {
      trace.dropped += found.ids.length - count;
      return k !== null && count > k ? takeHits(hits, 0, k) : hits;
    }
    asked *= 2;
    trace.refills++;
  }
}

function without(hits: Columns, gone: ReadonlySet<string>): Columns {
  if (gone.size === 0) return hits;
  const kept = [...hits.ids.keys()].filter((place) => !gone.has(hits.ids[place] ?? ""));
  return {
    ids: kept.map((place) => hits.ids[place] ?? ""),
    sampleIds: kept.map((place) => hits.sampleIds[place] ?? ""),
    distances: Float32Array.from(kept, (place) => hits.distances[place] ?? Number.NaN),
  };
}

/** Hits as the backend gives them, by one search or, beyond what that takes, by a scan. */
export async function rawHits(
  backend: Backend,
  collection: Collection,
  query: Matrix<VectorData>,
  wanted: Wanted,
): Promise<Columns> {
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
): Promise<Columns> {
  const [found = NOTHING] = await collection.search(query, { ...options, k });
  return found;
}

async function scanned(
  collection: Collection,
  query: Matrix<VectorData>,
  k: number | null,
  options: PlainOptions,
): Promise<Columns> {
  const ids: string[] = [];
  const sampleIds: string[] = [];
  const distances: number[] = [];
  for await (const page of collection.scan(query, options)) {
    for (const id of page.ids) ids.push(id);
    for (const id of page.sampleIds) sampleIds.push(id);
    for (const distance of page.distances) distances.push(distance);
    if (k !== null && ids.length >= k) break;
  }
  const found = { ids, sampleIds, distances: Float32Array.from(distances) };
  return k === null || ids.length <= k ? found : takeHits(found, 0, k);
}

/** The whole ranking of each query row. */
async function rankings(
  index: OpenIndex,
  backend: Backend,
  collection: Collection,
  queries: Matrix<VectorData>,
  wanted: Wanted,
): Promise<Columns[]> {
  const whole = { ...wanted, k: null, reverse: false, maxDistance: undefined };
  return Promise.all(
    Array.from({ length: queries.rows }, (_, i) =>
      liveHits(index, backend, collection, takeRows(queries, [i]), whole),
    ),
  );
}

/** One hit of several rankings together. */
interface Joined {
  readonly id: string;
  readonly sampleId: string;
  readonly distance: number;
}

async function aggregated(
  index: OpenIndex,
  backend: Backend,
  collection: Collection,
  queries: Matrix<VectorData>,
  wanted: Wanted,
): Promise<Hits> {
  const byId = new Map<string, { sampleId: string; distances: number[] }>();
  for (const { ids, sampleIds, distances } of await rankings(index, backend, collection, queries, wanted)) {
    ids.forEach((id, rank) => {
      const entry = byId.get(id) ?? { sampleId: sampleIds[rank] ?? id, distances: [] };
      entry.distances.push(distances[rank] ?? Number.NaN);
      byId.set(id, entry);
    });
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
): Promise<Hits> {
  const scores = new Map<string, { sampleId: string; score: number }>();
  let best = 0;
  for (const { vector, weight } of terms) {
    const [ranking = NOTHING] = await rankings(index, backend, collection, vector, wanted);
    best += Math.max(0, weight) / (FUSION_CONSTANT + 1);
    ranking.ids.forEach((id, rank) => {
      const entry = scores.get(id) ?? { sampleId: ranking.sampleIds[rank] ?? id, score: 0 };
      entry.score += weight / (FUSION_CONSTANT + 1 + rank);
      scores.set(id, entry);
    });
  }
  const hits = [...scores].map(([id, { sampleId, score }]) => ({
    id,
    sampleId,
    distance: 1 - score / (best || 1),
  }));
  return cut(hits, wanted);
}

function cut(hits: readonly Joined[], { k, reverse, maxDistance }: Wanted): Hits {
  const sign = reverse ? -1 : 1;
  const near = maxDistance === undefined ? [...hits] : hits.filter((hit) => hit.distance <= maxDistance);
  near.sort((a, b) => sign * (a.distance - b.distance) || (a.id < b.id ? -1 : 1));
  const first = k === null ? near : near.slice(0, k);
  return {
    ids: first.map((hit) => hit.id),
    sampleIds: first.map((hit) => hit.sampleId),
    distances: Float64Array.from(first, (hit) => hit.distance),
  };
}
