/** Chooses entries that are far from each other: each time the one farthest from all chosen before. */

import { setImmediate } from "node:timers/promises";
import type { Metric } from "../../backends/metric.ts";
import type { ComparingOptions } from "../../dataset/duplicates-port.ts";
import { throwIfAborted } from "../../errors.ts";
import type { OpenIndex } from "../open-index.ts";
import type { EntryRows } from "./entry-rows.ts";
import { distancesAmong, vectorRows } from "./vector-rows.ts";

/** Chosen entries. */
export interface Choice {
  /** In the order of choice. */
  readonly places: readonly number[];
  /** The largest distance of another entry to its nearest chosen one; null where none is left. */
  readonly thresh: number | null;
}

/** Distances computed between two looks at the signal and at other work. */
const NUMBERS_PER_TURN = 100_000_000;

/**
 * The farthest-first choice of Gonzalez (Clustering to minimize the maximum intercluster distance, 1985): the
 * first entry, then each time the one farthest from all chosen; ties go to the first. In a metric space no choice
 * of as many has a smallest distance of more than twice this one's. `count * rows` distances, memory for all vectors.
 */
export async function farthestFirst(
  index: OpenIndex,
  rows: EntryRows,
  count: number,
  options: ComparingOptions,
): Promise<Choice> {
  const { places, vectors } = await vectorRows(index, rows, options.signal);
  const distancesFrom = distancesAmong(index.run.config.metric as Metric, vectors);
  const nearest = new Float64Array(vectors.rows).fill(Number.POSITIVE_INFINITY);
  const distances = new Float64Array(vectors.rows);
  const chosen: number[] = [];
  const perTurn = Math.max(1, Math.floor(NUMBERS_PER_TURN / Math.max(1, vectors.rows * vectors.dimension)));
  let next = vectors.rows === 0 ? -1 : 0;
  while (next !== -1 && chosen.length < count) {
    if (chosen.length % perTurn === 0) await turn(chosen.length, count, options);
    chosen.push(next);
    distancesFrom(next, distances);
    nearest[next] = Number.NEGATIVE_INFINITY;
    next = shrink(nearest, distances);
  }
  options.progress?.({ phase: "choosing", done: chosen.length, total: count, failed: 0 });
  return {
    places: chosen.map((row) => places[row] ?? 0),
    thresh: next === -1 ? null : (nearest[next] ?? null),
  };
}

/** Lowers `nearest` to the new distances and gives the row where it is largest, -1 where all are chosen. */
function shrink(nearest: Float64Array, distances: Float64Array): number {
  let farthest = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < nearest.length; row++) {
    const distance = Math.min(nearest[row] as number, distances[row] as number);
    nearest[row] = distance;
    if (distance <= most) continue;
    most = distance;
    farthest = row;
  }
  return farthest;
}

async function turn(done: number, total: number, { progress, signal }: ComparingOptions): Promise<void> {
  await setImmediate();
  throwIfAborted(signal);
  progress?.({ phase: "choosing", done, total, failed: 0 });
}
