/** What data sets and views need of the brain: declared here, implemented in `core/brain`. */

import type { CollectionHandle } from "../backends/collection-handle.ts";
import type { Metric } from "../backends/metric.ts";
import type { Matrix, VectorData, VectorsLike } from "../matrix.ts";
import type { EmbeddingModel } from "../models/model.ts";
import type { Aggregation, Stage } from "../stages.ts";
import type { RunState } from "../store/store-runs.ts";
import type { ComparisonPort, Duplicates } from "./duplicates-port.ts";
import type { EvaluateOptions, IndexEvaluation } from "./evaluation-port.ts";
import type { SampleCollection } from "./sample-collection.ts";
import type { SimilarityInput } from "./similarity-port.ts";
import type { DatasetView, Hit } from "./view.ts";
import type {
  BrainResults,
  ComputeVisualizationOptions,
  VisualizationResults,
} from "./visualization-port.ts";

/** How far a long call has come. */
export interface ProgressEvent {
  /** What is being done, such as `embedding`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly failed: number;
}

/** `true` draws nothing by itself: the command line and notebooks pass a function. */
export type ProgressOption = (event: ProgressEvent) => void;

/** How media become vectors. */
export interface EmbeddingOptions {
  /** Media per model call. Default: the model's own, 8 on a CPU. */
  readonly batchSize?: number;
  /** Media decoded at the same time. Default 4. */
  readonly numWorkers?: number;
  /** Record media that cannot be read and go on, instead of throwing. Default true. */
  readonly skipFailures?: boolean;
  /** Cut patches as squares. Default false. */
  readonly forceSquare?: boolean;
  /** Grow (> 0) or shrink (< 0) patches by this share of each side. */
  readonly alpha?: number;
  readonly progress?: ProgressOption;
  readonly signal?: AbortSignal;
}

/** Vectors in the order asked: `embeddings.row(i)` belongs to `sampleIds[i]` (and `labelIds[i]` for patches). */
export interface Embeddings<Data extends VectorData = Float32Array> {
  readonly embeddings: Matrix<Data>;
  readonly sampleIds: readonly string[];
  /** Null where whole samples were embedded. */
  readonly labelIds: readonly string[] | null;
  /** Media that could not be embedded, with the reason. */
  readonly failed?: readonly { readonly id: string; readonly reason: string }[];
}

/** Vectors a caller already has, in any of FiftyOne's forms. */
export type EmbeddingsInput =
  | VectorsLike
  /** Packed bits, for the metrics jaccard and hamming. */
  | Matrix<Uint8Array>
  | Embeddings<VectorData>
  /** By sample id: one vector, or one per patch in the order of the label list. */
  | Readonly<Record<string, readonly number[] | Float32Array | VectorsLike>>
  | ReadonlyMap<string, readonly number[] | Float32Array | VectorsLike>
  /** Name of a vector field; filled first if a model is given and vectors are missing. */
  | string
  /** Compute nothing: open an existing collection, or wait for `addToIndex`. */
  | false;

export interface ComputeEmbeddingsOptions extends EmbeddingOptions {
  /** Vector field to keep the embeddings in. */
  readonly embeddingsField?: string;
  /** Embed the objects of this Detections field instead of whole samples. */
  readonly patchesField?: string;
  readonly modelKwargs?: Readonly<Record<string, unknown>>;
}

/** Options of `computeSimilarity`; further names are options of the backend. */
export interface ComputeSimilarityOptions extends EmbeddingOptions {
  /** Name under which the run is kept. Default: a new one, see `index.key`. */
  readonly brainKey?: string;
  /** Default: what the configuration says, else `local`. */
  readonly backend?: string;
  /** A zoo name, a model directory, or a loaded model. Default `nearsight-tiny`, unless embeddings are given. */
  readonly model?: string | EmbeddingModel;
  readonly modelKwargs?: Readonly<Record<string, unknown>>;
  /**
   * With `embeddings: false`: fingerprint of the model the vectors were made with, null where it is not known.
   * The model is then named and not loaded until a prompt or picture is searched with.
   */
  readonly modelFingerprint?: string | null;
  /** Whether a model that is only named takes prompts. Default false. */
  readonly supportsPrompts?: boolean;
  readonly embeddings?: EmbeddingsInput;
  /** Vector field in which computed embeddings are kept as well. */
  readonly embeddingsField?: string;
  /** Index the objects of this Detections field instead of whole samples. */
  readonly patchesField?: string;
  /** Embed only these regions of each sample; several are averaged. */
  readonly roiField?: string;
  /** Default: the backend's. */
  readonly metric?: Metric | "innerproduct";
  /** Index normalised copies of the vectors. Default false. */
  readonly normalize?: boolean;
  /** Collection to open or make. Default: a new one. */
  readonly collectionName?: string;
  /**
   * With `embeddings: false` and a collection's name: only record the run. Its server is asked when the run is first
   * loaded or searched, so that it may be away, or its credentials unknown, until then. Default false.
   */
  readonly lazy?: boolean;
  /**
   * Fields to keep beside the vectors, so that views made of `match` and `matchTags` on them are searched by their
   * condition instead of their ids: `tags`, plain fields of texts, numbers or booleans, the `.label` or `.confidence`
   * of a classification, the `.label` of detections. For Milvus and Elasticsearch, in a collection of their own.
   */
  readonly filterFields?: readonly string[];
  readonly [backendOption: string]: unknown;
}

/** Options of `copyRun`; further names are options of the backend copied to. */
export interface CopyRunOptions {
  /** The backend to copy to: `local`, `milvus`, … */
  readonly to: string;
  /** Name of the copy. Default: the run's key, an underscore, and the backend's name. */
  readonly brainKey?: string;
  /** Collection to open or make. Default: a new one. */
  readonly collectionName?: string;
  /** Default: the run's own. */
  readonly metric?: Metric | "innerproduct";
  /** Write normalised copies of the vectors. Default: as the run has it. */
  readonly normalize?: boolean;
  /** Remove another run of the copy's key first, with its collection. Default false. */
  readonly overwrite?: boolean;
  readonly progress?: ProgressOption;
  readonly signal?: AbortSignal | undefined;
  readonly [backendOption: string]: unknown;
}

/** What to watch an index for. */
export interface WatchOptions {
  /** Leaves out what is farther, in the metric's distance. Default: nothing. */
  readonly maxDistance?: number | undefined;
  /** Ends after so many hits. Default: never. */
  readonly k?: number | undefined;
  /** Milliseconds between two looks. Default 1000. */
  readonly interval?: number | undefined;
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** An entry that became searchable near a watched query. */
export type WatchHit = Omit<Hit, "rank">;

/** Which brain runs to list. */
export interface BrainRunFilter {
  readonly type?: string;
  readonly method?: string;
  readonly patchesField?: string | null;
  readonly supportsPrompts?: boolean;
  readonly model?: string;
  readonly metric?: string;
  readonly [config: string]: unknown;
}

/** What a brain run was made with and how far it is. */
export interface BrainRunInfo {
  readonly key: string;
  readonly version: string;
  /** When it was made, ISO 8601. */
  readonly timestamp: string;
  readonly state: RunState;
  readonly reason: string | null;
  readonly config: BrainRunConfig;
  /** Entries by state. */
  readonly entries: Readonly<Record<"pending" | "indexed" | "failed" | "deleting", number>>;
  /** Entries that could not be indexed, with the reason: the first 1,000. */
  readonly failed: readonly FailedEntry[];
}

/** FiftyOne's names in camelCase; secrets are never part of it. */
export interface BrainRunConfig {
  readonly type: string;
  /** The backend's name. */
  readonly method: string;
  readonly collectionName: string;
  readonly metric: string;
  readonly dimension: number | null;
  readonly patchesField: string | null;
  readonly roiField: string | null;
  readonly embeddingsField: string | null;
  readonly model: string | null;
  readonly modelFingerprint: string | null;
  readonly modelKwargs: Readonly<Record<string, unknown>>;
  readonly supportsPrompts: boolean;
  /** Names of the fields kept beside the vectors; left out where there are none. */
  readonly filterFields?: readonly string[];
}

export interface SortBySimilarityOptions {
  /** Number of results. Default: the whole ranking. */
  readonly k?: number | undefined;
  /** Least similar first. Default false. */
  readonly reverse?: boolean | undefined;
  /** Leaves out what is farther, in the metric's distance. */
  readonly maxDistance?: number | undefined;
  /** How several query vectors become one ranking. Default `mean`. */
  readonly aggregation?: Aggregation | undefined;
  /** Name under which samples of the view carry their distance. */
  readonly distField?: string | undefined;
  /** Default: the one run that fits. */
  readonly brainKey?: string | undefined;
  /** Connection options of the run's backend, for this search only: they are no part of the view's stages. */
  readonly connection?: ConnectionOptions | undefined;
}

export interface ExistingOptions {
  /** Replace vectors of ids already in the index (else skip them). Default true. */
  readonly overwrite?: boolean;
  /** False: ids already in the index are an error. Default true. */
  readonly allowExisting?: boolean;
  readonly warnExisting?: boolean;
}

export interface IdSelection {
  readonly sampleIds?: string | readonly string[];
  readonly labelIds?: string | readonly string[];
  /** False: ids that are not in the index are an error. Default true. */
  readonly allowMissing?: boolean;
  readonly warnMissing?: boolean;
}

/** What `addMissing` did. */
export interface AddedReport {
  /** Entries written. */
  readonly added: number;
  /** Entries of the run that cannot be indexed, with the reason. */
  readonly failed: readonly FailedEntry[];
}

/** An entry that could not be indexed. */
export interface FailedEntry {
  /** Of the sample, or of the label on a patch index. */
  readonly id: string;
  readonly sampleId: string;
  readonly reason: string;
}

/** A searchable index over the samples, or patches, of a data set. */
export interface SimilarityIndex extends Duplicates {
  readonly key: string;
  readonly config: BrainRunConfig;
  readonly supportsPrompts: boolean;
  readonly isExternal: boolean;
  readonly hasView: boolean;
  /** The data set or view of `useView`. */
  readonly view: SampleCollection;

  /** Adds vectors: row `i` of `embeddings` for `sampleIds[i]`, and `labelIds[i]` on a patch index. */
  addToIndex(
    embeddings: VectorsLike | Matrix<VectorData>,
    sampleIds: string | readonly string[],
    labelIds?: string | readonly string[] | null,
    options?: ExistingOptions,
  ): Promise<void>;
  /**
   * Embeds and adds the rows of the current view that are not in the index, with the run's model; those that
   * failed before are tried again, and those whose file has other content by now are embedded anew. Also goes on with a build that was stopped. RUN_BUSY, ABORTED.
   */
  addMissing(options?: EmbeddingOptions): Promise<AddedReport>;
  /**
   * Writes the filter fields of samples that have changed since beside their vectors again; gives how many entries.
   * Until then searches judge these entries by the store, and where they are many, go by ids. RUN_BUSY, ABORTED.
   */
  updateFilterFields(options?: { readonly signal?: AbortSignal | undefined }): Promise<number>;
  /** Removes entries by sample id (all patches of it) or label id. */
  removeFromIndex(selection: IdSelection): Promise<void>;
  /** Stored vectors, all of them or those of the ids, in the order asked. */
  getEmbeddings<Data extends VectorData = Float32Array>(selection?: IdSelection): Promise<Embeddings<Data>>;
  /** Embeds media with the run's model; writes nothing. */
  computeEmbeddings(
    samples: SampleCollection,
    options?: EmbeddingOptions & { model?: string | EmbeddingModel; skipExisting?: boolean },
  ): Promise<Embeddings>;

  /** Limits `indexSize`, `missingSize` and `sortBySimilarity` to a view. */
  useView(samples: SampleCollection): SimilarityIndex;
  clearView(): void;
  /** Entries in the whole index. */
  totalIndexSize(): Promise<number>;
  /** Entries of the current view in the index. */
  indexSize(): Promise<number>;
  /** Rows of the current view that are not in the index. */
  missingSize(): Promise<number>;
  sampleIds(): Promise<string[]>;
  /** Null on an index of whole samples. */
  labelIds(): Promise<string[] | null>;

  sortBySimilarity(query: SimilarityInput, options?: Omit<SortBySimilarityOptions, "brainKey">): DatasetView;

  /**
   * Searches with a seeded sample of the index's own vectors and compares each answer with an exact one: recall at
   * `k`, the error of the distances, and the time of a search. Reads every vector once; memory does not grow with
   * the index. Vectors that got lost are named. ABORTED, INVALID_ARGUMENT.
   *
   * @example
   * const { recall, milliseconds } = await index.evaluate({ k: 25 });
   */
  evaluate(options?: EvaluateOptions): Promise<IndexEvaluation>;

  /**
   * Yields entries within `maxDistance` of the query as they become searchable: added or replaced after this call,
   * by any process, while a build goes on, too. Each version of an entry comes once; the query's vector is made
   * once. Ends without an error when `signal` fires or after `k` hits. Errors: RUN_NOT_FOUND where the run is
   * deleted, INDEX_NOT_FOUND, those of a search, INVALID_ARGUMENT.
   *
   * @example
   * for await (const { id, distance } of index.watch({ prompt: "a fox" }, { maxDistance: 0.7, signal })) {
   *   console.log(id, distance);
   * }
   */
  watch(query: SimilarityInput, options?: WatchOptions): AsyncGenerator<WatchHit, void, undefined>;

  getModel(): Promise<EmbeddingModel>;
  /** The connected client of the backend's SDK. */
  client(): Promise<unknown>;
  /**
   * The server's own collection, bound and printable: `name`, `describe()`, `query()`, `count()`. Milvus has one;
   * BACKEND_NOT_SUPPORTED elsewhere.
   *
   * @example
   * const collection = await index.collection();
   * console.log(collection.name, await collection.count());
   */
  collection(): Promise<CollectionHandle>;
  save(): Promise<void>;
  /**
   * Reads the run's record again and finishes deletions. On a server it also takes over what other programs did to
   * the collection: what they added to samples of the data set is indexed, what they removed counts as missing.
   * Reads the collection once. INDEX_NOT_FOUND
   */
  reload(): Promise<void>;
  /** Removes the collection from the backend; one that existed before only with `force`. */
  cleanup(options?: { force?: boolean }): Promise<void>;
  /** `cleanup`, then removes the run's record; fine if either is gone. */
  delete(options?: { force?: boolean }): Promise<void>;
}

/** Connection options given again when a run is loaded; never stored. */
export type ConnectionOptions = Readonly<Record<string, unknown>>;

export interface BrainPort extends ComparisonPort {
  computeSimilarity(samples: SampleCollection, options: ComputeSimilarityOptions): Promise<SimilarityIndex>;
  computeVisualization(
    samples: SampleCollection,
    options: ComputeVisualizationOptions,
  ): Promise<VisualizationResults>;
  computeEmbeddings(
    samples: SampleCollection,
    model: string | EmbeddingModel,
    options: ComputeEmbeddingsOptions,
  ): Promise<Embeddings>;
  listBrainRuns(datasetId: string, filter: BrainRunFilter): Promise<string[]>;
  getBrainInfo(datasetId: string, key: string): Promise<BrainRunInfo>;
  loadBrainResults(
    samples: SampleCollection,
    key: string,
    connection: ConnectionOptions,
  ): Promise<BrainResults>;
  copyRun(samples: SampleCollection, key: string, options: CopyRunOptions): Promise<SimilarityIndex>;
  /** Stages of the view the run was made on. */
  brainViewStages(datasetId: string, key: string): Promise<readonly Stage[]>;
  renameBrainRun(datasetId: string, key: string, newKey: string): Promise<void>;
  switchBrainRun(datasetId: string, key: string, toKey: string): Promise<void>;
  deleteBrainRun(datasetId: string, key: string): Promise<void>;
  deleteBrainRuns(datasetId: string): Promise<void>;
}
