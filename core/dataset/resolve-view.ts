/** Turns a view's stages into those the store runs, by searching where a stage asks for similarity. */

import type { Stage } from "../stages.ts";
import type { DatasetRecord, StoreStage } from "../store/store.ts";
import type { SearchExplanation } from "./answer-port.ts";
import type { ConnectionOptions } from "./brain-port.ts";
import type { DatasetContext } from "./context.ts";
import type { ResolvedSimilarity } from "./similarity-port.ts";

/** A view's stages for the store, and what its last search found. */
export interface ResolvedView {
  readonly stages: readonly StoreStage[];
  readonly found: ResolvedSimilarity | null;
  /** How each search of the view was done, in the order of its stages. */
  readonly searches: readonly SearchExplanation[];
}

export const WHOLE_DATASET: ResolvedView = { stages: [], found: null, searches: [] };

/** The view after one more stage. */
export async function resolveStage(
  context: DatasetContext,
  dataset: DatasetRecord,
  before: ResolvedView,
  stage: Stage,
  connection?: ConnectionOptions,
): Promise<ResolvedView> {
  if (stage.stage !== "sortBySimilarity") return { ...before, stages: [...before.stages, stage] };
  const found = await context.similarity.resolve({
    dataset,
    before: before.stages,
    patchesField: patchesFieldOf(before.stages),
    stage,
    connection,
  });
  return {
    stages: [...before.stages, found.order],
    found,
    searches: [...before.searches, found.explanation],
  };
}

/** The field whose patches the stages lead to, or null for samples. */
export function patchesFieldOf(stages: readonly (Stage | StoreStage)[]): string | null {
  const last = stages.findLast((stage) => stage.stage === "toPatches");
  return last === undefined ? null : last.field;
}
