/** What data sets and views work with; put together by `core/nearsight.ts` and by `client/`. */

import type { DatasetStore, SampleStore, SavedViewStore, VectorStore } from "../store/store.ts";
import type { BrainPort } from "./brain-port.ts";
import type { IoPort } from "./io-port.ts";
import type { SimilarityResolver } from "./similarity-port.ts";
import type { SyncPort } from "./sync-port.ts";

/** The part of the store that data sets and views use. */
export interface DatasetStores {
  readonly datasets: DatasetStore;
  readonly samples: Omit<SampleStore, "rowIds" | "media">;
  readonly vectors: Pick<VectorStore, "get" | "put">;
  readonly views: SavedViewStore;
}

export interface DatasetContext {
  readonly store: DatasetStores;
  readonly similarity: SimilarityResolver;
  readonly brain: BrainPort;
  readonly io: IoPort;
  readonly sync: SyncPort;
}
