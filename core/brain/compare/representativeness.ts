/** Representativeness: how near each sample is to the centre of its cluster, from 0 to 1. */

import { isBinaryMetric, type Metric } from "../../backends/metric.ts";
import type { RepresentativenessOptions } from "../../dataset/duplicates-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { NearsightError } from "../../errors.ts";
import type { Matrix } from "../../matrix.ts";
import type { BrainContext } from "../context.ts";
import type { OpenIndex } from "../open-index.ts";
import { type Pace, pace } from "../visualization/pace.ts";
import { type Clusters, kMeans } from "./clusters.ts";
import { withVectors } from "./compared-index.ts";
import { squaredDistanceTo, vectorRows } from "./vector-rows.ts";
import { writeScores } from "./write-scores.ts";

/** FiftyOne's number of clusters. */
const CLUSTERS = 20;
/** What a sample near a more representative one keeps: FiftyOne's. */
const DOWNWEIGHT = 0.7;
/** Near is within this share of the cluster's root mean square distance to its centre. */
const NEAR = 0.5;

const METHODS = ["cluster-center", "cluster-center-downweight"] as const;

/** See `computeRepresentativeness` in `core/default-instance.ts`. */
export async function computeRepresentativeness(
  context: BrainContext,
  samples: SampleCollection,
  options: RepresentativenessOptions,
): Promise<void> {
  const { method = "cluster-center", representativenessField: field = "representativeness" } = options;
  if (!METHODS.includes(method)) throw unknownMethod(method);
  await withVectors(context, samples, options, async (index, rows) => {
    assertNumbers(index);
    const { places, vectors } = await vectorRows(index, rows, options.signal);
    const turn = pace(options.signal);
    const total = places.length;
    options.progress?.({ phase: "clustering", done: 0, total, failed: 0 });
    const clusters = await kMeans(vectors as Matrix, CLUSTERS, turn);
    const found = centerness(clusters);
    if (method === "cluster-center-downweight") await downweight(vectors as Matrix, clusters, found, turn);
    const scores: (number | null)[] = new Array(rows.ids.length).fill(null);
    for (const [row, place] of places.entries()) scores[place] = found[row] ?? null;
    options.progress?.({ phase: "clustering", done: total, total, failed: 0 });
    await writeScores(samples, field, rows, scores);
  });
}

/** 1 at the centre of a cluster, 0 at its farthest member. */
function centerness({ labels, distances, count }: Clusters): Float64Array {
  const farthest = new Float64Array(count);
  labels.forEach((label, row) => {
    farthest[label] = Math.max(farthest[label] ?? 0, distances[row] ?? 0);
  });
  return distances.map((distance, row) => {
    const most = farthest[labels[row] ?? 0] ?? 0;
    return most === 0 ? 1 : 1 - distance / most;
  });
}

/**
 * Goes through each cluster from the most representative row on: rows near it that none covered yet count less.
 * The largest score becomes 1 again.
 */
async function downweight(
  { data, dimension }: Matrix,
  { labels, distances, count }: Clusters,
  scores: Float64Array,
  turn: Pace,
): Promise<void> {
  const members = Map.groupBy(scores.keys(), (row) => labels[row] ?? 0);
  for (let cluster = 0; cluster < count; cluster++) {
    const rows = (members.get(cluster) ?? []).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    const squares = rows.reduce((sum, row) => sum + (distances[row] ?? 0) ** 2, 0) / Math.max(1, rows.length);
    const covered = new Set<number>();
    for (const [rank, row] of rows.entries()) {
      if (covered.has(row)) continue;
      await turn();
      for (const other of rows.slice(rank + 1)) {
        if (covered.has(other)) continue;
        if (squaredDistanceTo(data, row, data, other, dimension) > NEAR ** 2 * squares) continue;
        covered.add(other);
        scores[other] = (scores[other] ?? 0) * DOWNWEIGHT;
      }
    }
  }
  const most = scores.reduce((largest, score) => Math.max(largest, score), 0);
  for (let row = 0; row < scores.length && most > 0; row++) scores[row] = (scores[row] ?? 0) / most;
}

function assertNumbers({ run }: OpenIndex): void {
  if (!isBinaryMetric(run.config.metric as Metric)) return;
  throw new NearsightError({
    code: "METRIC_NOT_SUPPORTED",
    message: `Expected vectors of numbers but index '${run.key}' holds bits, which have no clusters around a mean`,
    hint: "Give an index of the metric cosine, dotproduct or euclidean",
    details: { brainKey: run.key },
  });
}

function unknownMethod(method: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a method of ${METHODS.join(", ")} but found ${JSON.stringify(method)}`,
    hint: 'Leave it out for "cluster-center"',
  });
}
