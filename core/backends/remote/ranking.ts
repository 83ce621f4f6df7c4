/** Collects hits that come in parts and puts them in order: nearest or farthest first, ties by id, cut to k. */

import type { Matrix, VectorData } from "../../matrix.ts";
import type { Batch, Columns, SearchOptions } from "../backend.ts";
import { distanceOf, type Metric } from "../metric.ts";

export type RankingOptions = Pick<SearchOptions, "k" | "reverse" | "maxDistance">;

/** Hits of one query being collected. */
export interface Ranking {
  /** Takes hits; ids that were taken before must not come again. */
  add(ids: readonly string[], sampleIds: readonly string[], distances: ArrayLike<number>): void;
  /** The first `k` of what was taken, in order. */
  columns(): Columns;
}

/** Memory is dropped to the best `k` whenever this many times as many hits were taken. */
const SLACK = 4;
const LEAST_KEPT = 1024;

/** Starts a ranking; memory follows `k`, or all hits where `k` is null. */
export function startRanking({ k, reverse = false, maxDistance }: RankingOptions): Ranking {
  const limit = maxDistance === undefined ? Number.POSITIVE_INFINITY : Math.fround(maxDistance);
  const most = k === null ? Number.POSITIVE_INFINITY : Math.max(LEAST_KEPT, k * SLACK);
  let hits: Hit[] = [];

  const sorted = () => {
    hits.sort(byDistance(reverse));
    return k === null ? hits : hits.slice(0, k);
  };

  return {
    add(ids, sampleIds, distances) {
      for (let i = 0; i < ids.length; i++) {
        const distance = Math.fround(distances[i] ?? Number.NaN);
        const id = ids[i] ?? "";
        if (distance <= limit) hits.push({ id, sampleId: sampleIds[i] ?? id, distance });
        if (hits.length > most) hits = sorted();
      }
    },
    columns() {
      hits = sorted();
      return {
        ids: hits.map((hit) => hit.id),
        sampleIds: hits.map((hit) => hit.sampleId),
        distances: Float32Array.from(hits, (hit) => hit.distance),
      };
    },
  };
}

/** Hits that come nearest first, with those of equal distance by id. */
export function inOrder(hits: Columns): Columns {
  const { ids, sampleIds, distances } = hits;
  for (let i = 1; i < ids.length; i++) {
    const step = (distances[i] ?? 0) - (distances[i - 1] ?? 0);
    if (step > 0 || (step === 0 && (ids[i - 1] ?? "") < (ids[i] ?? ""))) continue;
    const ranking = startRanking({ k: null });
    ranking.add(ids, sampleIds, distances);
    return ranking.columns();
  }
  return hits;
}

/** The hits of a ranking that are not farther than `maxDistance`. */
export function within(hits: Columns, maxDistance: number | undefined): Columns {
  const limit = maxDistance === undefined ? Number.POSITIVE_INFINITY : Math.fround(maxDistance);
  const far = hits.distances.findIndex((distance) => distance > limit);
  if (far < 0) return hits;
  return {
    ids: hits.ids.slice(0, far),
    sampleIds: hits.sampleIds.slice(0, far),
    distances: hits.distances.slice(0, far),
  };
}

interface Hit {
  readonly id: string;
  readonly sampleId: string;
  readonly distance: number;
}

function byDistance(reverse: boolean): (a: Hit, b: Hit) => number {
  const sign = reverse ? -1 : 1;
  return (a, b) => sign * (a.distance - b.distance) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Compares each entry with a query here, exactly: what is left where a server has no exact way of its own. */
export async function rankEntries(
  batches: AsyncIterable<Batch>,
  query: Matrix<VectorData>,
  metric: Metric,
  options: RankingOptions,
): Promise<Columns> {
  const ranking = startRanking(options);
  const wanted = query.row(0);
  for await (const { ids, sampleIds, vectors } of batches) {
    const distances = ids.map((_, row) => distanceOf(metric, wanted, vectors.row(row)));
    ranking.add(ids, sampleIds, distances);
  }
  return ranking.columns();
}
