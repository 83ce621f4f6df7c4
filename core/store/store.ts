/** The interface of the metadata store: data sets, samples, labels, vectors, saved views and brain runs. */

import type { Matrix } from "../matrix.ts";
import type { Stage } from "../stages.ts";
import type { EntryStore, PointStore, RunStore } from "./store-runs.ts";
import type { KeyLease, KeyLeaseStore, SampleAddressStore } from "./store-sync.ts";

/** The metadata of one installation. Every method is asynchronous; every write is one transaction. */
export interface MetadataStore {
  readonly datasets: DatasetStore;
  readonly samples: SampleStore;
  readonly vectors: VectorStore;
  readonly views: SavedViewStore;
  readonly runs: RunStore;
  readonly entries: EntryStore;
  readonly points: PointStore;
  readonly keyLeases: KeyLeaseStore;
  readonly addresses: SampleAddressStore;
  /** The same store for as long as a lease is held: after that its writes throw LEASE_LOST and change nothing. */
  under(lease: KeyLease): MetadataStore;
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
  /** The id of every row, in the view's order; with `patchesField` of its detections, as `media` has them. */
  rowIds(datasetId: string, stages: readonly StoreStage[], patchesField: string | null): Promise<string[]>;
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
