/** The interface of the metadata store: data sets, samples, labels, vectors, saved views and brain runs. */

import type { Matrix } from "../matrix.ts";
import type { Stage } from "../stages.ts";
import type { PointStore } from "./points.ts";

/** The metadata of one installation. Every method is asynchronous; every write is one transaction. */
export interface MetadataStore {
  readonly datasets: DatasetStore;
  readonly samples: SampleStore;
  readonly vectors: VectorStore;
  readonly views: SavedViewStore;
  readonly runs: RunStore;
  readonly entries: EntryStore;
  readonly points: PointStore;
  /** What is wrong with the store itself, in words; nothing where it is sound. */
  check(): Promise<string[]>;
  close(): Promise<void>;
}

export type FieldType =
  | "string"
  | "number"
  | "boolean"
  | "list"
  | "object"
  | "classification"
  | "detections"
  | "vector";

export interface FieldRecord {
  readonly name: string;
  readonly type: FieldType;
}

export interface DatasetRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly info: Readonly<Record<string, unknown>>;
}

export interface DatasetStore {
  /** DATASET_EXISTS */
  create(name: string, info?: Record<string, unknown>): Promise<DatasetRecord>;
  get(name: string): Promise<DatasetRecord | null>;
  list(): Promise<DatasetRecord[]>;
  /** DATASET_NOT_FOUND, DATASET_EXISTS */
  rename(id: string, name: string): Promise<DatasetRecord>;
  /** Removes the data set with its samples, vectors, saved views and run records. */
  delete(id: string): Promise<void>;
  fields(id: string): Promise<FieldRecord[]>;
}

/** A stored label: one row per classification or detection. */
export interface LabelRecord {
  readonly id: string;
  readonly sampleId: string;
  readonly field: string;
  readonly kind: "classification" | "detection";
  readonly label: string;
  readonly confidence: number | null;
  readonly boundingBox: readonly [number, number, number, number] | null;
  readonly tags: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A stored sample with its labels grouped by field, filtered as the view says. */
export interface SampleRecord {
  readonly id: string;
  readonly filepath: string;
  readonly mediaType: string;
  readonly tags: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, readonly LabelRecord[]>>;
  /** Label fields that are set, also when their list is empty or filtered to nothing. */
  readonly labelFields: Readonly<Record<string, "classification" | "detections">>;
}

export interface NewSample {
  readonly id: string;
  readonly filepath: string;
  readonly uri: string | null;
  readonly mediaType: string;
  readonly tags: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly labels: readonly LabelRecord[];
  readonly labelFields: Readonly<Record<string, "classification" | "detections">>;
}

/** One row of a view: a sample, or a label of a patches view. */
export interface RowIdentity {
  readonly id: string;
  readonly sampleId: string;
}

/** What is needed to read the pixels of one row. */
export interface MediaRow extends RowIdentity {
  readonly filepath: string;
  readonly boundingBox: readonly [number, number, number, number] | null;
}

/** Already resolved order of a sortBySimilarity stage, in place of the stage itself. */
export interface ResolvedOrderStage {
  readonly stage: "resolvedOrder";
  /** Sample ids, or label ids on a patches view, in order; rows not named leave the view. */
  readonly ids: readonly string[];
  /** On a sample view searched with a patch index: only these labels of `field` stay. */
  readonly labels?: { readonly field: string; readonly ids: readonly string[] };
  /** Name and value per id that rows carry from here on. */
  readonly distances?: { readonly field: string; readonly values: readonly number[] };
}

/** Stages the store can run: the public ones, similarity already resolved. */
export type StoreStage = Exclude<Stage, { stage: "sortBySimilarity" }> | ResolvedOrderStage;

/** Which rows of a view to read. Far offsets cost a scan: to read a whole view take a `snapshot`. */
export type Page = { readonly offset: number; readonly limit: number };

/**
 * The rows a view had when it was taken, in its order, to read page by page: linear in the view whatever
 * its order. Holds 16 bytes a row. Rows deleted meanwhile are left out, so a page can be shorter than asked.
 */
export interface ViewSnapshot {
  readonly size: number;
  ids(page: Page): Promise<RowIdentity[]>;
  rows(page: Page): Promise<ViewRow[]>;
  media(page: Page): Promise<MediaRow[]>;
}

export interface SampleStore {
  /**
   * Adds samples with their labels and vectors, all of them or none: ID_EXISTS names the first doubled id.
   * DIMENSION_MISMATCH.
   */
  add(datasetId: string, samples: readonly NewSample[], vectors?: readonly VectorColumn[]): Promise<void>;
  /** Deletes samples, their labels and vectors, and marks their entries in every run `deleting`; unknown ids are fine. */
  delete(datasetId: string, ids: readonly string[]): Promise<number>;
  /**
   * Sets fields (null unsets), tags, labels or vectors of existing samples, all of them or none.
   * ID_NOT_FOUND, FIELD_TYPE_MISMATCH, DIMENSION_MISMATCH.
   */
  update(
    datasetId: string,
    changes: readonly SampleChange[],
    vectors?: readonly VectorColumn[],
  ): Promise<void>;
  count(datasetId: string, stages: readonly StoreStage[]): Promise<number>;
  /** Ids of the view's rows, in its order. */
  ids(datasetId: string, stages: readonly StoreStage[], page: Page): Promise<RowIdentity[]>;
  /** Rows with everything; on a patches view `id` is the label's. */
  rows(datasetId: string, stages: readonly StoreStage[], page: Page): Promise<ViewRow[]>;
  /** Rows to read pixels of; with `patchesField` one per detection of the view's samples, labels filtered. */
  media(
    datasetId: string,
    stages: readonly StoreStage[],
    patchesField: string | null,
    page: Page,
  ): Promise<MediaRow[]>;
  /** With `patchesField` one row per detection of the view's samples, as `media` has them. */
  snapshot(
    datasetId: string,
    stages: readonly StoreStage[],
    patchesField?: string | null,
  ): Promise<ViewSnapshot>;
  /** One field of every row, in order: null where it is missing; label paths give lists. */
  values(datasetId: string, stages: readonly StoreStage[], path: string, page: Page): Promise<unknown[]>;
  countValues(
    datasetId: string,
    stages: readonly StoreStage[],
    path: string,
  ): Promise<[value: unknown, count: number][]>;
  byId(datasetId: string, ids: readonly string[]): Promise<SampleRecord[]>;
}

export interface ViewRow {
  readonly id: string;
  readonly sample: SampleRecord;
  /** The label of a patches view. */
  readonly label: LabelRecord | null;
  readonly distances: Readonly<Record<string, number>>;
}

export interface SampleChange {
  readonly id: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  readonly labels?: Readonly<
    Record<
      string,
      { readonly kind: "classification" | "detections"; readonly records: readonly LabelRecord[] } | null
    >
  >;
  readonly addTags?: readonly string[];
  readonly removeTags?: readonly string[];
}

/** One field's vectors: `ownerIds` are sample ids, or label ids, one a row. */
export interface VectorColumn {
  readonly field: string;
  readonly ownerIds: readonly string[];
  readonly vectors: Matrix;
}

/** Float32 vectors of samples or labels, by field. */
export interface VectorStore {
  /** `ownerIds` are sample ids, or label ids. DIMENSION_MISMATCH with what the field holds. */
  put(datasetId: string, field: string, ownerIds: readonly string[], vectors: Matrix): Promise<void>;
  /** Those that exist, in the order asked. */
  get(
    datasetId: string,
    field: string,
    ownerIds: readonly string[],
  ): Promise<{ ids: string[]; vectors: Matrix }>;
  /** The vector field's dimension, or null when it holds nothing. */
  dimension(datasetId: string, field: string): Promise<number | null>;
}

export interface SavedViewStore {
  save(datasetId: string, name: string, view: { version: number; stages: readonly Stage[] }): Promise<void>;
  load(datasetId: string, name: string): Promise<{ version: number; stages: Stage[] } | null>;
  list(datasetId: string): Promise<string[]>;
  delete(datasetId: string, name: string): Promise<void>;
}

export type RunState = "planned" | "building" | "ready" | "partial" | "cancelled" | "failed" | "deleting";

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
  /** Of these entry ids, the ones that are indexed and whose sample still exists. */
  live(runId: string, entryIds: readonly string[]): Promise<Set<string>>;
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
