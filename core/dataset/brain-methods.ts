/** The brain's methods on data sets and views: embed, index, and manage brain runs. */

import type { EmbeddingModel } from "../models/model.ts";
import type {
  BrainRunFilter,
  BrainRunInfo,
  ComputeEmbeddingsOptions,
  ComputeSimilarityOptions,
  ConnectionOptions,
  CopyRunOptions,
  Embeddings,
  SimilarityIndex,
} from "./brain-port.ts";
import type { DatasetContext } from "./context.ts";
import type { Dataset } from "./dataset.ts";
import type {
  ExactDuplicates,
  ExactDuplicatesOptions,
  IndexedOptions,
  LeakySplitsIndex,
  RepresentativenessOptions,
  Splits,
  UniquenessOptions,
} from "./duplicates-port.ts";
import type { Patch, Sample } from "./sample.ts";
import type { SampleCollection } from "./sample-collection.ts";
import { StageMethods } from "./stage-methods.ts";
import type {
  BrainResults,
  ComputeVisualizationOptions,
  VisualizationResults,
} from "./visualization-port.ts";

export abstract class BrainMethods<Row extends Sample | Patch = Sample> extends StageMethods<Row> {
  abstract readonly dataset: Dataset;
  protected abstract readonly context: DatasetContext;

  /** This object as what it always is: its only subclass is `SampleCollection`. */
  private get samples(): SampleCollection {
    return this as unknown as SampleCollection;
  }

  /**
   * Embeds every row with a model, given by name, directory or loaded: float32 vectors [rows, dimension].
   * Media that fail are left out and listed in `failed`. MODEL_NOT_FOUND, ABORTED.
   *
   * @example
   * const { embeddings, sampleIds } = await dataset.computeEmbeddings("nearsight-tiny");
   */
  computeEmbeddings(
    model: string | EmbeddingModel,
    options: ComputeEmbeddingsOptions = {},
  ): Promise<Embeddings> {
    return this.context.brain.computeEmbeddings(this.samples, model, options);
  }

  /** Indexes these rows for similarity search and records a brain run; see `computeSimilarity`. */
  computeSimilarity(options: ComputeSimilarityOptions = {}): Promise<SimilarityIndex> {
    return this.context.brain.computeSimilarity(this.samples, options);
  }

  /** Finds near duplicates among these rows; see the function `computeNearDuplicates`. */
  computeNearDuplicates(options: IndexedOptions = {}): Promise<SimilarityIndex> {
    return this.context.brain.computeNearDuplicates(this.samples, options);
  }

  /** Finds samples whose files have the same bytes; see the function `computeExactDuplicates`. */
  computeExactDuplicates(options: ExactDuplicatesOptions = {}): Promise<ExactDuplicates> {
    return this.context.brain.computeExactDuplicates(this.samples, options);
  }

  /** Finds samples that occur in several splits; see the function `computeLeakySplits`. */
  computeLeakySplits(splits: Splits, options: IndexedOptions = {}): Promise<LeakySplitsIndex> {
    return this.context.brain.computeLeakySplits(this.samples, splits, options);
  }

  /** Writes how unlike the others each sample is, 0 to 1; see the function `computeUniqueness`. */
  computeUniqueness(options: UniquenessOptions = {}): Promise<void> {
    return this.context.brain.computeUniqueness(this.samples, options);
  }

  /** Writes how typical each sample is, 0 to 1; see the function `computeRepresentativeness`. */
  computeRepresentativeness(options: RepresentativenessOptions = {}): Promise<void> {
    return this.context.brain.computeRepresentativeness(this.samples, options);
  }

  /** Places these rows in a plane or space by their embeddings and records a brain run; see `computeVisualization`. */
  computeVisualization(options: ComputeVisualizationOptions = {}): Promise<VisualizationResults> {
    return this.context.brain.computeVisualization(this.samples, options);
  }

  /** Keys of the data set's brain runs whose configuration has every value given, oldest first. */
  listBrainRuns(filter: BrainRunFilter = {}): Promise<string[]> {
    return this.context.brain.listBrainRuns(this.dataset.id, filter);
  }

  async hasBrainRun(key: string): Promise<boolean> {
    return (await this.listBrainRuns()).includes(key);
  }

  async hasBrainRuns(): Promise<boolean> {
    return (await this.listBrainRuns()).length > 0;
  }

  /** What a brain run was made with and how far it is. RUN_NOT_FOUND */
  getBrainInfo(key: string): Promise<BrainRunInfo> {
    return this.context.brain.getBrainInfo(this.dataset.id, key);
  }

  /**
   * The similarity index of a brain run; connection options are used in this process and never stored.
   * A run of `computeVisualization` gives its points: `loadBrainResults<VisualizationResults>(key)`.
   * RUN_NOT_FOUND
   */
  loadBrainResults<Results extends BrainResults = SimilarityIndex>(
    key: string,
    connection: ConnectionOptions = {},
  ): Promise<Results> {
    return this.context.brain.loadBrainResults(this.samples, key, connection) as Promise<Results>;
  }

  /**
   * Copies a brain run to another backend or collection: vectors are read and written, nothing is embedded. What
   * the run has indexed is copied, and failures with their reasons. A copy that was stopped goes on when it is
   * asked for again. Errors: RUN_NOT_FOUND, RUN_BUSY while the run is being built, RUN_EXISTS,
   * METRIC_NOT_SUPPORTED, BACKEND_NOT_SUPPORTED, INDEX_NOT_FOUND, INVALID_ARGUMENT, ABORTED.
   *
   * @example
   * const deployed = await dataset.copyRun("images", { to: "local", brainKey: "images_euclidean", metric: "euclidean" });
   */
  copyRun(key: string, options: CopyRunOptions): Promise<SimilarityIndex> {
    return this.context.brain.copyRun(this.samples, key, options);
  }

  /** The view a brain run was made on. RUN_NOT_FOUND */
  async loadBrainView(key: string): Promise<SampleCollection> {
    return this.dataset.view({ stages: await this.context.brain.brainViewStages(this.dataset.id, key) });
  }

  /** RUN_NOT_FOUND, RUN_EXISTS */
  renameBrainRun(key: string, newKey: string): Promise<void> {
    return this.context.brain.renameBrainRun(this.dataset.id, key, newKey);
  }

  /**
   * Puts the index of `toKey` in the place of that of `key`, which from then on is found under `toKey`: both runs
   * keep their collections, and searches and saved views under `key` use the other model and collection at once.
   * Index objects that are open stay with their own collection. Errors: RUN_NOT_FOUND, RUN_BUSY while one of the two
   * is being built, INVALID_ARGUMENT unless `toKey` is ready and both index the same rows.
   *
   * @example
   * await dataset.computeSimilarity({ brainKey: "images_next", model: "clip-vit-base32-torch" });
   * await dataset.switchBrainRun("images", "images_next");
   */
  switchBrainRun(key: string, toKey: string): Promise<void> {
    return this.context.brain.switchBrainRun(this.dataset.id, key, toKey);
  }

  /** Removes the record only: the backend's collection stays until `index.cleanup()`. RUN_NOT_FOUND */
  deleteBrainRun(key: string): Promise<void> {
    return this.context.brain.deleteBrainRun(this.dataset.id, key);
  }

  /** Removes the records of all brain runs; see `deleteBrainRun`. */
  deleteBrainRuns(): Promise<void> {
    return this.context.brain.deleteBrainRuns(this.dataset.id);
  }
}
