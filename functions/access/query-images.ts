/** Finds the images in queries and views, so that none is fetched from where the service may not look. */

import type { QueryTerm, SimilarityQuery, Stage } from "../../core/index.ts";
import { type AllowList, assertMedia } from "./allow-list.ts";

/** NOT_ALLOWED */
export function assertQuery(allowed: AllowList, query: SimilarityQuery): Promise<void> {
  return assertMedia(allowed, imagesOf(query));
}

/** NOT_ALLOWED */
export async function assertStages(allowed: AllowList, stages: readonly Stage[]): Promise<void> {
  for (const stage of stages) {
    if (stage.stage === "sortBySimilarity") await assertQuery(allowed, stage.query as SimilarityQuery);
  }
}

function imagesOf(query: SimilarityQuery | QueryTerm): string[] {
  if ("combine" in query) return query.combine.flatMap(imagesOf);
  if ("not" in query) return imagesOf(query.not);
  return "image" in query ? [String(query.image)] : [];
}
