/** What data sets and views work with; put together by `core/nearsight.ts`. */

import type { MetadataStore } from "../store/store.ts";
import type { BrainPort } from "./brain-port.ts";
import type { IoPort } from "./io-port.ts";
import type { SimilarityResolver } from "./similarity-port.ts";
import type { SyncPort } from "./sync-port.ts";

export interface DatasetContext {
  readonly store: MetadataStore;
  readonly similarity: SimilarityResolver;
  readonly brain: BrainPort;
  readonly io: IoPort;
  readonly sync: SyncPort;
}
