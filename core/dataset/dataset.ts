/** Data sets: samples with tags, fields and labels, under a name. */

import { NearsightError } from "../errors.ts";
import type { Matrix, VectorsLike } from "../matrix.ts";
import type { SortBySimilarityStage, Stage } from "../stages.ts";
import { assertName } from "../store/names.ts";
import type { DatasetRecord, FieldRecord } from "../store/store.ts";
import type { ConnectionOptions } from "./brain-port.ts";
import { checkView } from "./check.ts";
import type { DatasetContext } from "./context.ts";
import type { ImportOptions, ImportReport } from "./io-port.ts";
import { type ResolvedView, WHOLE_DATASET } from "./resolve-view.ts";
import { type Patch, type Sample, toSample } from "./sample.ts";
import { SampleCollection } from "./sample-collection.ts";
import type { SampleInput } from "./sample-input.ts";
import type { RowsInput } from "./stage-methods.ts";
import type { KeyOutcome, SyncOptions, SyncReport } from "./sync-port.ts";
import { DatasetView } from "./view.ts";
import {
  addSamples,
  deleteSamples,
  readVectors,
  type SamplesInput,
  setValues,
  type ValuesInput,
  writeVectors,
} from "./write-samples.ts";

/**
 * A named collection of samples; also a view of all of them.
 *
 * @example
 * const dataset = await ns.createDataset("pets");
 * await dataset.addSamples([{ filepath: "cat.jpg" }, { filepath: "dog.jpg" }]);
 */
export class Dataset extends SampleCollection<Sample> {
  readonly stages: readonly Stage[] = Object.freeze([]);
  protected readonly context: DatasetContext;
  #record: DatasetRecord;

  constructor(context: DatasetContext, record: DatasetRecord) {
    super();
    this.context = context;
    this.#record = record;
  }

  get dataset(): Dataset {
    return this;
  }

  get record(): DatasetRecord {
    return this.#record;
  }

  get id(): string {
    return this.#record.id;
  }

  get name(): string {
    return this.#record.name;
  }

  addStage<Next extends Sample | Patch = Sample>(stage: Stage): DatasetView<Next> {
    const before = { stages: this.stages, resolve: () => this.resolve() };
    return new DatasetView<Next>(this, this.context, before, stage);
  }

  protected addSearch(stage: SortBySimilarityStage, connection: ConnectionOptions | undefined) {
    const before = { stages: this.stages, resolve: () => this.resolve() };
    return new DatasetView<Sample>(this, this.context, before, stage, connection);
  }

  protected resolve(): Promise<ResolvedView> {
    return Promise.resolve(WHOLE_DATASET);
  }

  /** Adds samples a thousand at a time and returns their ids. ID_EXISTS, FIELD_TYPE_MISMATCH, INVALID_ARGUMENT. */
  addSamples(samples: Iterable<SampleInput> | AsyncIterable<SampleInput>): Promise<string[]> {
    return addSamples(this.context.store, this.id, samples);
  }

  /** Adds one sample and returns its id. */
  async addSample(sample: SampleInput): Promise<string> {
    const [id = ""] = await this.addSamples([sample]);
    return id;
  }

  /**
   * Adds the samples of a folder, file or archive; see docs/formats.md. What cannot be read is listed in `failed`,
   * or thrown with `skipFailures: false`; what was added before stays.
   * MEDIA_NOT_FOUND, MEDIA_INVALID, INVALID_ARGUMENT, LIMIT_EXCEEDED, ABORTED.
   *
   * @example
   * const { added, failed } = await dataset.addDir("photos", { tags: "holiday" });
   */
  addDir(path: string, options: ImportOptions = {}): Promise<ImportReport> {
    return this.context.io.addDir(this, path, options);
  }

  /**
   * Makes the data set and its indexes match a bucket (`s3://bucket/folder`) or a folder of this machine: pictures that
   * are new become samples and are embedded, those with other content are embedded again, samples whose picture is gone
   * are deleted. Only what differs is read; what cannot be read or indexed is listed in `failed`.
   * MEDIA_NOT_FOUND, also where nothing is found and there are samples from there; INVALID_ARGUMENT, PACKAGE_MISSING,
   * PERMISSION_DENIED, BACKEND_UNAVAILABLE, ABORTED.
   *
   * @example
   * const { added, updated, deleted } = await dataset.sync("s3://photos/2026");
   */
  sync(address: string, options: SyncOptions = {}): Promise<SyncReport> {
    return this.context.sync.sync(this, address, options);
  }

  /**
   * Makes the sample, the entries and the vectors of one picture match what is at its address now: `added`, `updated`,
   * `deleted` or `unchanged`. Safe to call any number of times, in any order, from any number of processes.
   * WRITE_PARTIAL where the picture cannot be indexed; the codes of `sync`.
   *
   * @example
   * await dataset.reconcile("s3://photos/2026/cat.jpg");
   */
  reconcile(uri: string, options: Pick<SyncOptions, "signal"> = {}): Promise<KeyOutcome> {
    return this.context.sync.reconcile(this, uri, options);
  }

  /** Deletes samples with their labels and vectors; returns how many there were. */
  deleteSamples(samples: SamplesInput): Promise<number> {
    return deleteSamples(this.context.store, this.id, samples);
  }

  /** Samples by id; ID_NOT_FOUND. */
  async sample(id: string): Promise<Sample> {
    const [record] = await this.context.store.samples.byId(this.id, [id]);
    if (record === undefined) throw sampleNotFound(this.name, id);
    return toSample(record);
  }

  /** Sets a field of samples: a value each by id; null unsets it. ID_NOT_FOUND, FIELD_TYPE_MISMATCH. */
  setValues(field: string, values: ValuesInput): Promise<void> {
    return setValues(this.context.store, this.id, field, values);
  }

  /** Names and types of the fields that samples have had. */
  fields(): Promise<FieldRecord[]> {
    return this.context.store.datasets.fields(this.id);
  }

  /** Stored vectors of samples or labels: those that exist, in the order asked. */
  getVectors(field: string, ids: RowsInput): Promise<{ ids: string[]; vectors: Matrix }> {
    return readVectors(this.context.store, this.id, field, ids);
  }

  /** Stores a vector for each sample or label. DIMENSION_MISMATCH with what the field holds, VECTOR_INVALID. */
  setVectors(field: string, ids: RowsInput, vectors: VectorsLike): Promise<void> {
    return writeVectors(this.context.store, this.id, field, ids, vectors);
  }

  /** Gives the data set another name. DATASET_EXISTS */
  async rename(name: string): Promise<void> {
    assertName(name, "a data set name");
    this.#record = await this.context.store.datasets.rename(this.id, name);
  }

  /** Deletes the data set with everything in the store. Collections of its brain runs stay: `cleanup()` them first. */
  delete(): Promise<void> {
    return this.context.store.datasets.delete(this.id);
  }

  /** A view made of stages, such as `view.toJSON()` gave; INVALID_ARGUMENT for a form this version does not know. */
  view(json: { readonly version?: number; readonly stages: readonly Stage[] }): SampleCollection {
    return checkView(json).reduce<SampleCollection>((before, stage) => before.addStage(stage), this);
  }

  /** Keeps a view under a name; INVALID_ARGUMENT if the name is taken, unless `overwrite`. */
  async saveView(
    name: string,
    view: DatasetView | DatasetView<Patch>,
    options: { overwrite?: boolean } = {},
  ): Promise<void> {
    const { views } = this.context.store;
    if (!options.overwrite && (await views.load(this.id, name)) !== null) throw viewExists(name);
    await views.save(this.id, name, view.toJSON());
  }

  /** A view saved under a name; ID_NOT_FOUND. */
  async loadView(name: string): Promise<SampleCollection> {
    const saved = await this.context.store.views.load(this.id, name);
    if (saved === null) throw viewNotFound(name, await this.listSavedViews());
    return this.view(saved);
  }

  listSavedViews(): Promise<string[]> {
    return this.context.store.views.list(this.id);
  }

  /** Forgets a saved view; fine if there is none. */
  deleteSavedView(name: string): Promise<void> {
    return this.context.store.views.delete(this.id, name);
  }
}

function sampleNotFound(dataset: string, id: string): NearsightError {
  return new NearsightError({
    code: "ID_NOT_FOUND",
    message: `Data set '${dataset}' has no sample ${JSON.stringify(id)}`,
    hint: "Take ids from the data set, such as with values('id')",
    details: { ids: [id] },
  });
}

function viewExists(name: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a new name for the view but '${name}' is taken`,
    hint: "Choose another name, or pass overwrite: true",
    details: { name },
  });
}

function viewNotFound(name: string, names: readonly string[]): NearsightError {
  return new NearsightError({
    code: "ID_NOT_FOUND",
    message: `The data set has no saved view '${name}'`,
    hint: names.length === 0 ? "Save one with saveView()" : `Its saved views are: ${names.join(", ")}`,
    details: { name },
  });
}
