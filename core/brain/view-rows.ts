/** The rows of a view as an index knows them: samples, or their labels for a patch index. */

import type { RowIdentity, StoreStage } from "../store/store.ts";
import type { OpenIndex } from "./open-index.ts";

/** Rows per page when the ids of a view are collected. */
const PAGE = 10_000;

/** The view's rows as the index knows them, page by page in the view's order. */
export async function* rowPages(
  index: OpenIndex,
  datasetId: string,
  stages: readonly StoreStage[],
): AsyncGenerator<RowIdentity[]> {
  const { samples } = index.context.store;
  const snapshot = await samples.snapshot(datasetId, stages, index.run.config.patchesField);
  for (let offset = 0; offset < snapshot.size; offset += PAGE) {
    yield await snapshot.ids({ offset, limit: PAGE });
  }
}
