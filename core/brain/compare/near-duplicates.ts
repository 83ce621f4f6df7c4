/** Near duplicates of samples or patches in one call: an index, and the duplicates found in it. */

import type { SimilarityIndex } from "../../dataset/brain-port.ts";
import type { IndexedOptions } from "../../dataset/duplicates-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import type { BrainContext } from "../context.ts";
import { comparedIndex } from "./compared-index.ts";
import { assertThreshold } from "./find-duplicates.ts";

/** FiftyOne's default. */
export const DEFAULT_THRESHOLD = 0.2;

/** See `computeNearDuplicates` in `core/default-instance.ts`. */
export async function computeNearDuplicates(
  context: BrainContext,
  samples: SampleCollection,
  options: IndexedOptions,
): Promise<SimilarityIndex> {
  const { threshold = DEFAULT_THRESHOLD, progress, signal } = options;
  assertThreshold(threshold);
  const index = await comparedIndex(context, samples, options);
  await index.findDuplicates({
    thresh: threshold,
    ...(progress === undefined ? {} : { progress }),
    ...(signal === undefined ? {} : { signal }),
  });
  return index;
}
