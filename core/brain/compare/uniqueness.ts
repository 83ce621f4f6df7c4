/** Uniqueness: how far each sample is from its three nearest neighbours, from 0 to 1. */

import type { UniquenessOptions } from "../../dataset/duplicates-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import type { BrainContext } from "../context.ts";
import type { OpenIndex } from "../open-index.ts";
import { withCosineCopy, withVectors } from "./compared-index.ts";
import type { EntryRows } from "./entry-rows.ts";
import { comparingExactly } from "./exact-copy.ts";
import { neighborhoodsOf } from "./neighbors.ts";
import { writeScores } from "./write-scores.ts";

/** What the nearest neighbour counts, the second and the third: FiftyOne's weights. */
const WEIGHTS = [0.6, 0.3, 0.1];

/** See `computeUniqueness` in `core/default-instance.ts`. */
export async function computeUniqueness(
  context: BrainContext,
  samples: SampleCollection,
  options: UniquenessOptions,
): Promise<void> {
  await withVectors(context, samples, options, async (index, rows) => {
    const work = async (compared: OpenIndex, among: EntryRows) => {
      const scores = await comparingExactly(compared, among, (exact) => uniquenessOf(exact, among, options));
      await writeScores(samples, options.uniquenessField ?? "uniqueness", among, scores);
    };
    // An inner product is no distance: it depends on the lengths, and its negative has no zero to count from.
    if (index.run.config.metric !== "dotproduct") return work(index, rows);
    return withCosineCopy(index, samples, rows, options, work);
  });
}

async function uniquenessOf(
  index: OpenIndex,
  rows: EntryRows,
  options: UniquenessOptions,
): Promise<(number | null)[]> {
  // Entries whose vector got lost never come, and get no score.
  const scores: (number | null)[] = new Array(rows.ids.length).fill(null);
  if (scores.length <= WEIGHTS.length) return scores.fill(1);
  let done = 0;
  for await (const part of neighborhoodsOf(index, rows, { k: WEIGHTS.length, signal: options.signal })) {
    part.places.forEach((place, i) => {
      const start = part.starts[i] ?? 0;
      scores[place] = WEIGHTS.reduce(
        (sum, weight, rank) => sum + weight * Math.max(0, part.distances[start + rank] ?? 0),
        0,
      );
    });
    done += part.places.length;
    options.progress?.({ phase: "neighbors", done, total: scores.length, failed: 0 });
  }
  const most = scores.reduce<number>((largest, score) => Math.max(largest, score ?? 0), 0);
  return most === 0 ? scores : scores.map((score) => (score === null ? null : score / most));
}
