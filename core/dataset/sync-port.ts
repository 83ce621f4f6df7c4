/** What data sets need to follow a bucket or folder: declared here, implemented in `core/sync` and `core/brain`. */

import type { MetadataStore } from "../store/store.ts";
import type { ProgressOption } from "./brain-port.ts";
import type { Dataset } from "./dataset.ts";
import type { IoFailure } from "./io-port.ts";

/** What became of the sample of one key. */
export type KeyOutcome = "added" | "updated" | "deleted" | "unchanged";

export interface SyncOptions {
  /** Go on where nothing is found but the data set has samples from there: all of them are deleted. Default false. */
  readonly allowEmpty?: boolean;
  /** Keys looked at at the same time. Default 4. */
  readonly numWorkers?: number;
  readonly progress?: ProgressOption;
  readonly signal?: AbortSignal;
}

/** How many samples a sync found as they should be, and what it did to the others. */
export interface SyncReport extends Readonly<Record<KeyOutcome, number>> {
  /** Media that could not be read or indexed; the next sync tries them again. */
  readonly failed: readonly IoFailure[];
}

export interface SyncPort {
  /** See `Dataset.reconcile`. */
  reconcile(dataset: Dataset, uri: string, options: Pick<SyncOptions, "signal">): Promise<KeyOutcome>;
  /** See `Dataset.sync`. */
  sync(dataset: Dataset, address: string, options: SyncOptions): Promise<SyncReport>;
}

/** A sample to match, the store that is written to, and how much of what is there can be believed. */
export interface MatchRequest {
  readonly store: MetadataStore;
  readonly dataset: Dataset;
  readonly sampleId: string;
  readonly uri: string;
  /** Vectors that seem right may be somebody else's: they are written again. */
  readonly isUncertain: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface MatchOutcome {
  /** Entries written. */
  readonly written: number;
  /** Entries that cannot be indexed. */
  readonly failed: readonly { readonly brainKey: string; readonly reason: string }[];
  /** False where somebody else was writing to an index, too, and may have had the last word. */
  readonly isCertain: boolean;
}

/** The indexes of a data set as far as single samples are concerned. */
export interface SampleIndexes {
  /** Makes entries and vectors of the data set's indexes match a sample and its medium. */
  match(request: MatchRequest): Promise<MatchOutcome>;
  /** Deletes a sample with its entries and vectors; fine where there is none. */
  remove(request: MatchRequest): Promise<void>;
  /** Of these samples, those that some index lacks, or has from another version of the medium. */
  outdated(
    dataset: Dataset,
    sampleIds: readonly string[],
    isCurrent: (sampleId: string, version: string) => boolean,
  ): Promise<Set<string>>;
}
