/** One kNN search: its body, and its hits as distances. */

import type { estypes } from "@elastic/elasticsearch";
import type { VectorData } from "../../matrix.ts";
import { distanceOf } from "../metric.ts";
import { LEAST_CANDIDATES, MAX_HITS } from "./limits.ts";
import type { Layout } from "./mapping.ts";
import { type Hit, hitFields, type IndexPlace, type Query, readIds, sampleIdOf } from "./reads.ts";
import { distanceOfScore, encodedVector, leastSimilarity, type QueryVector, queryVector } from "./vectors.ts";

/** What one search asks for. */
export interface KnnRequest {
  readonly query: VectorData;
  readonly hits: number;
  readonly candidates: number;
  readonly filter?: Query | undefined;
  /** Farther hits are not wanted. */
  readonly maxDistance?: number | undefined;
}

/** Hits in no order to rely on. */
export interface FoundHits {
  readonly ids: string[];
  readonly sampleIds: string[];
  readonly distances: number[];
}

/** Where l2_norm's score tells too little: it changes by no more than 6e-8 for distances this short. */
const SHORT_DISTANCE = 0.01;
/** How near a limit a distance is taken from the vectors themselves. */
const NEAR_LIMIT = 1e-5;

/** The body of a search, without the place to search. */
export function knnBody(layout: Layout, request: KnnRequest): estypes.SearchRequest {
  const { hits, candidates, filter, maxDistance } = request;
  const asked = queryVector(request.query, layout);
  const similarity = similarityOf(layout, maxDistance, asked);
  const knn = {
    field: "vector",
    query_vector: encodedVector(asked.vector, layout.encoding),
    k: hits,
    num_candidates: Math.max(hits, candidates),
    ...(filter === undefined ? {} : { filter }),
    ...(similarity === null ? {} : { similarity }),
    ...rescoring(layout, hits),
  };
  // Base64 is not in the SDK's types yet.
  return { ...hitFields(layout), knn: knn as estypes.KnnSearch, size: hits, track_total_hits: false };
}

/**
 * True where the `k`th hit is as near as the last one: more may be as near, and the ids decide which are the first
 * `k`. Searches ask for one hit more than is wanted, so that this shows.
 */
export function endsInTie(hits: readonly Hit[], k: number): boolean {
  return hits.length > k && hits[k - 1]?._score === hits.at(-1)?._score;
}

/** A quantised index compares codes; raw vectors are compared after them, and their scores are exact. */
function rescoring({ oversample }: Layout, hits: number): { rescore_vector?: { oversample: number } } {
  if (oversample === null) return {};
  const wanted = Math.max(oversample, LEAST_CANDIDATES / hits);
  return { rescore_vector: { oversample: Math.max(1, Math.min(wanted, MAX_HITS / hits)) } };
}

/** Codes are compared with the limit before raw vectors are, and could lose hits. */
function similarityOf(
  layout: Layout,
  maxDistance: number | undefined,
  { scale }: QueryVector,
): number | null {
  return maxDistance === undefined || layout.oversample !== null
    ? null
    : leastSimilarity(maxDistance, layout, scale);
}

/** The hits of an answer. Distances that scores tell too little of are computed from the vectors. */
export async function foundHits(
  place: IndexPlace,
  hits: readonly Hit[],
  { query, maxDistance }: KnnRequest,
  signal?: AbortSignal,
): Promise<FoundHits> {
  const { layout } = place;
  const { scale } = queryVector(query, layout);
  const distances = hits.map((hit) => distanceOfScore(hit._score ?? Number.NaN, layout, scale));
  const found = { ids: hits.map((hit) => hit._id ?? ""), sampleIds: hits.map(sampleIdOf), distances };
  const unsure = found.ids.filter((_, i) => isUnsure(distances[i] ?? 0, layout, maxDistance));
  if (unsure.length > 0) await refine(place, found, unsure, query, signal);
  return found;
}

function isUnsure(distance: number, { similarity, vectorType }: Layout, limit: number | undefined): boolean {
  if (vectorType === "bits") return false;
  if (similarity === "l2_norm" && distance < SHORT_DISTANCE) return true;
  return limit !== undefined && Math.abs(distance - limit) <= NEAR_LIMIT * Math.max(1, Math.abs(limit));
}

async function refine(
  place: IndexPlace,
  { ids, distances }: FoundHits,
  unsure: readonly string[],
  query: VectorData,
  signal: AbortSignal | undefined,
): Promise<void> {
  const rows = new Map(ids.map((id, row) => [id, row]));
  for (let first = 0; first < unsure.length; first += REFINED_AT_ONCE) {
    const batch = await readIds(place, unsure.slice(first, first + REFINED_AT_ONCE), signal);
    batch.ids.forEach((id, i) => {
      distances[rows.get(id) ?? 0] = distanceOf(place.layout.metric, query, batch.vectors.row(i));
    });
  }
}

const REFINED_AT_ONCE = 1000;
