/** The interface of what the store keeps of brain runs: their records, their entries, the points of visualizations. */

import type { FieldKind } from "../backends/filter-fields.ts";
import type { Matrix } from "../matrix.ts";
import type { Stage } from "../stages.ts";
import type { StoreStage } from "./store.ts";

export type RunState = "planned" | "building" | "ready" | "partial" | "cancelled" | "failed" | "deleting";

/** A field whose values are written beside the vectors. */
export interface FilterFieldRecord {
  readonly name: string;
  readonly kind: FieldKind;
}

/** What a run was made with; plain JSON, no secrets. */
export interface RunConfig {
  readonly backend: string;
  readonly collectionName: string;
  /** False for a collection that existed before: only a forced cleanup drops it. */
  readonly ownsCollection: boolean;
  readonly metric: string;
  /** Null until the first vectors are known. */
  readonly dimension: number | null;
  readonly patchesField: string | null;
  readonly roiField: string | null;
  readonly embeddingsField: string | null;
  readonly model: string | null;
  readonly modelFingerprint: string | null;
  readonly modelArguments: Readonly<Record<string, unknown>>;
  readonly supportsPrompts: boolean;
  readonly forceSquare: boolean;
  readonly alpha: number | null;
  /** Vectors are normalised copies of what was given. */
  readonly normalized: boolean;
  /** Options of the backend. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The view the run was made on. */
  readonly stages: readonly Stage[];
  /** Fields of the samples whose values are written beside the vectors; left out where there are none. */
  readonly filterFields?: readonly FilterFieldRecord[];
  /** True for a collection made elsewhere whose entries were not written down yet: its server was not asked so far. */
  readonly isUnread?: boolean;
}

export interface RunRecord {
  readonly id: string;
  readonly datasetId: string;
  readonly key: string;
  readonly type: string;
  readonly version: string;
  readonly config: RunConfig;
  /** Equal for equal requests: the same key and hash, not ready, is resumed. */
  readonly specHash: string;
  readonly state: RunState;
  /** Rises with each lease; writes of an older epoch are refused. */
  readonly epoch: number;
  readonly leaseOwner: string | null;
  /** Milliseconds since 1970. */
  readonly leaseUntil: number | null;
  readonly reason: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export type NewRun = Pick<RunRecord, "datasetId" | "key" | "type" | "version" | "config" | "specHash">;

export interface RunStore {
  /** Records a planned run; RUN_EXISTS, INDEX_EXISTS if a run owns a collection of that name already. */
  create(run: NewRun): Promise<RunRecord>;
  get(datasetId: string, key: string): Promise<RunRecord | null>;
  byId(runId: string): Promise<RunRecord | null>;
  list(datasetId: string): Promise<RunRecord[]>;
  /**
   * Changes state, config or reason; with `epoch` LEASE_LOST when a newer one exists; RUN_NOT_FOUND.
   * The state `deleting` ends the lease of whoever holds it.
   */
  update(runId: string, change: RunChange, epoch?: number): Promise<RunRecord>;
  /** RUN_NOT_FOUND, RUN_EXISTS */
  rename(datasetId: string, key: string, newKey: string): Promise<RunRecord>;
  /**
   * Two runs change their keys in one step. RUN_NOT_FOUND; RUN_BUSY while one of them is being built;
   * INVALID_ARGUMENT unless the run of `otherKey` is `ready` or `partial`.
   */
  swapKeys(datasetId: string, key: string, otherKey: string): Promise<void>;
  /** Removes the record with its entries; true if it was there. */
  delete(runId: string): Promise<boolean>;
  /** Takes the lease if it is free, expired or the owner's own: raises the epoch; null if somebody else holds it. */
  acquireLease(runId: string, owner: string, ttlMs: number): Promise<RunRecord | null>;
  /** Who holds the lease of this epoch may write; null if the run is gone. */
  epoch(runId: string): Promise<number | null>;
  /** False when the epoch is no longer the run's. */
  renewLease(runId: string, epoch: number, ttlMs: number): Promise<boolean>;
  releaseLease(runId: string, epoch: number, change: RunChange): Promise<void>;
}

export type RunChange = Partial<Pick<RunRecord, "state" | "config" | "reason">>;

export type EntryState = "pending" | "indexed" | "failed" | "deleting";

export interface EntryRecord {
  readonly entryId: string;
  readonly sampleId: string;
  readonly sourceVersion: string | null;
  readonly state: EntryState;
  readonly reason: string | null;
  readonly attempts: number;
}

/** Which entries: of one state, of these ids (entry or sample), or all; paged by entry order of planning. */
export interface EntryQuery {
  readonly states?: readonly EntryState[];
  readonly entryIds?: readonly string[];
  readonly sampleIds?: readonly string[];
  /** Rows with a higher sequence number than this. */
  readonly after?: number;
  readonly limit?: number;
}

export interface EntryStore {
  /**
   * Writes entries as pending; those present keep their row, and become pending again if `overwrite`: with
   * `unwritten` only those that are not indexed. Returns how many are new. With `epoch`: LEASE_LOST, RUN_NOT_FOUND.
   */
  plan(
    runId: string,
    entries: readonly PlannedEntry[],
    options?: { overwrite?: boolean | "unwritten"; epoch?: number },
  ): Promise<number>;
  /**
   * Sets entries to indexed, or to failed with a reason, raising attempts. Returns those of `indexed` that are
   * wanted no more: marked `deleting`, or forgotten. With `epoch`: LEASE_LOST, RUN_NOT_FOUND.
   */
  settle(runId: string, outcome: SettledEntries, epoch?: number): Promise<string[]>;
  /** Records by entry id which version of its source an entry was made from. With `epoch`: LEASE_LOST. */
  recordSources(runId: string, versions: ReadonlyMap<string, string>, epoch?: number): Promise<void>;
  markDeleting(runId: string, entryIds: readonly string[]): Promise<void>;
  /** Marks pending entries `deleting` whose sample, or label with `patchesField`, is no longer there. */
  markVanished(runId: string, patchesField: string | null): Promise<void>;
  /**
   * Forgets entries marked `deleting` (their vectors are gone from the backend). Returns those that are still
   * there because they were planned again since.
   */
  remove(runId: string, entryIds: readonly string[]): Promise<string[]>;
  counts(runId: string): Promise<Record<EntryState, number>>;
  /** In planning order, with `sequence` for paging, and the `revision` in which an entry became searchable. */
  list(runId: string, query: EntryQuery): Promise<(EntryRecord & ArrivalPlace)[]>;
  /** Of these entry ids, the ones that are not indexed or whose sample no longer exists. */
  gone(runId: string, entryIds: readonly string[]): Promise<Set<string>>;
  /**
   * Of these entries, those whose sample's filter fields were written to since their values were last settled, with
   * how often. To be read before the values themselves.
   */
  fieldChanges(runId: string, entryIds: readonly string[]): Promise<Map<string, number>>;
  /** Indexed entries with such changes, in planning order. */
  outdated(
    runId: string,
    page: { readonly after?: number; readonly limit: number },
  ): Promise<{ entryId: string; sequence: number }[]>;
  /**
   * Takes off the changes that the values written now have in them. Returns the entries that are not indexed any more.
   * With `epoch`: LEASE_LOST, RUN_NOT_FOUND.
   */
  settleFields(
    runId: string,
    entryIds: readonly string[],
    changes: ReadonlyMap<string, number>,
    epoch?: number,
  ): Promise<string[]>;
  /** The run's revision, which rises with each `settle` that makes entries searchable; null if the run is gone. */
  revision(runId: string): Promise<number | null>;
  /** Live entries that became searchable after a place in the order of revisions; in that order, at most `limit`. */
  arrivals(runId: string, after: ArrivalPlace, limit: number): Promise<Arrival[]>;
  /** What the run knows of a view's rows: `patchesField` counts its labels. */
  countInView(
    runId: string,
    datasetId: string,
    stages: readonly StoreStage[],
    patchesField: string | null,
  ): Promise<{
    total: number;
    /** Searchable now. */
    indexed: number;
    /** Were searchable and are not now: to be made again, failed at that, or being removed. */
    stale: number;
  }>;
}

export interface SettledEntries {
  readonly indexed: readonly string[];
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
  /** By entry id: null for an entry that is no longer made from its medium. Others keep what they have. */
  readonly sourceVersions?: ReadonlyMap<string, string | null> | undefined;
  /** By entry id: the changes of filter fields that the values written now have in them. */
  readonly fieldChanges?: ReadonlyMap<string, number> | undefined;
}

/** A place in the order in which entries became searchable. */
export interface ArrivalPlace {
  readonly revision: number;
  readonly sequence: number;
}

export interface Arrival extends ArrivalPlace, Pick<EntryRecord, "entryId" | "sampleId"> {}

export interface PlannedEntry {
  readonly entryId: string;
  readonly sampleId: string;
  readonly sourceVersion?: string | null;
}

/** Where a visualization places its entries; removed with them. */
export interface PointStore {
  /** Float32 points of entries of the run, one a row; those there are replaced. */
  put(runId: string, entryIds: readonly string[], points: Matrix): Promise<void>;
  /** The points of indexed entries in planning order, after a sequence number; fewer than `limit` at the end. */
  page(runId: string, after: number, limit: number): Promise<PlacedEntry[]>;
}

interface PlacedEntry extends Pick<EntryRecord, "entryId" | "sampleId"> {
  readonly sequence: number;
  readonly point: Float32Array;
}
