/** Counts how complete the answer of a search is. */

import type { AnswerFacts } from "../../dataset/answer-port.ts";
import type { SimilarityRequest } from "../../dataset/similarity-port.ts";
import type { OpenIndex } from "../open-index.ts";

/** Rows of the searched view by what the run knows of them now. */
export async function answerFacts(
  { context, run }: OpenIndex,
  { dataset, before }: SimilarityRequest,
  exact: boolean,
): Promise<AnswerFacts> {
  const { patchesField } = run.config;
  const { entries } = context.store;
  const { total, indexed, stale } = await entries.countInView(run.id, dataset.id, before, patchesField);
  return { exact, indexed, missing: total - indexed - stale, stale };
}
