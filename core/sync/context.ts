/** What following a bucket or folder works with; put together by `core/nearsight.ts`. */

import type { SampleIndexes } from "../dataset/sync-port.ts";
import type { MediaSource } from "../media/media-source.ts";
import type { MetadataStore } from "../store/store.ts";

export interface SyncContext {
  readonly store: MetadataStore;
  readonly indexes: SampleIndexes;
  /** Places of media beside files. */
  readonly sources: readonly MediaSource[];
}
