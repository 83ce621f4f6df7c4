/** The brain's methods on data sets and views: embed, index, and manage brain runs. */

import type { EmbeddingModel } from "../models/model.ts";
import type {
  BrainRunFilter,
  BrainRunInfo,
  ComputeEmbeddingsOptions,
  ComputeSimilarityOptions,
  ConnectionOptions,
  Embeddings,
  SimilarityIndex,
} from "./brain-port.ts";
import type { DatasetContext } from "./context.ts";
import type { Dataset } from "./dataset.ts";
import type { Patch, Sample } from "./sample.ts";
import type { SampleCollection } from "./sample-collection.ts";
import { StageMethods } from "./stage-methods.ts";

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

  /** The similarity index of a brain run; connection options are used in this process and never stored. RUN_NOT_FOUND */
  loadBrainResults(key: string, connection: ConnectionOptions = {}): Promise<SimilarityIndex> {
    return this.context.brain.loadBrainResults(this.samples, key, connection);
  }

  /** The view a brain run was made on. RUN_NOT_FOUND */
  async loadBrainView(key: string): Promise<SampleCollection> {
    return this.dataset.view({ stages: await this.context.brain.brainViewStages(this.dataset.id, key) });
  }

  /** RUN_NOT_FOUND, RUN_EXISTS */
  renameBrainRun(key: string, newKey: string): Promise<void> {
    return this.context.brain.renameBrainRun(this.dataset.id, key, newKey);
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
