/** The functions of FiftyOne's pages without an instance: they share one that is opened on first use. */

import type { ComputeSimilarityOptions, SimilarityIndex } from "./dataset/brain-port.ts";
import type { Dataset } from "./dataset/dataset.ts";
import type {
  ExactDuplicates,
  ExactDuplicatesOptions,
  IndexedOptions,
  LeakySplitsIndex,
  RepresentativenessOptions,
  Splits,
  UniquenessOptions,
} from "./dataset/duplicates-port.ts";
import type { DatasetFromDirOptions, ImportedDataset } from "./dataset/io-port.ts";
import type { SampleCollection } from "./dataset/sample-collection.ts";
import type { ComputeVisualizationOptions, VisualizationResults } from "./dataset/visualization-port.ts";
import type { EmbeddingModel } from "./models/model.ts";
import type { ResolveOptions } from "./models/zoo.ts";
import type { LoadZooDatasetOptions, Nearsight } from "./nearsight.ts";
import { open } from "./open.ts";

let instance: Promise<Nearsight> | undefined;

/** The shared instance, configured by environment and file when it is first used. */
export function defaultInstance(): Promise<Nearsight> {
  instance ??= open();
  instance.catch(() => {
    instance = undefined;
  });
  return instance;
}

/** Closes the shared instance; the next call opens a new one. */
export async function closeDefaultInstance(): Promise<void> {
  const opened = instance;
  instance = undefined;
  await (await opened)?.close();
}

/**
 * Loads a data set of the package by name: `quickstart` (200 scenes) or `emoji`.
 *
 * @example
 * const dataset = await loadZooDataset("quickstart");
 */
export async function loadZooDataset(name: string, options?: LoadZooDatasetOptions): Promise<Dataset> {
  return (await defaultInstance()).loadZooDataset(name, options);
}

/** Loads a model by zoo name, directory or `hub:owner/name`. */
export async function loadZooModel(name: string, options?: ResolveOptions): Promise<EmbeddingModel> {
  return (await defaultInstance()).loadZooModel(name, options);
}

/** Loads a data set by name; DATASET_NOT_FOUND. */
export async function loadDataset(name: string): Promise<Dataset> {
  return (await defaultInstance()).loadDataset(name);
}

/** Makes an empty data set; DATASET_EXISTS. */
export async function createDataset(name?: string): Promise<Dataset> {
  return (await defaultInstance()).createDataset(name);
}

/**
 * A new data set of a folder, file or archive, and the report of its import.
 *
 * @example
 * const { dataset } = await datasetFromDir("photos", { name: "photos" });
 */
export async function datasetFromDir(
  path: string,
  options?: DatasetFromDirOptions,
): Promise<ImportedDataset> {
  return (await defaultInstance()).datasetFromDir(path, options);
}

/** Names of all data sets. */
export async function listDatasets(): Promise<string[]> {
  return (await defaultInstance()).listDatasets();
}

/** Removes a data set with its records; media files stay. */
export async function deleteDataset(name: string): Promise<void> {
  await (await defaultInstance()).deleteDataset(name);
}

/**
 * Indexes samples, or the objects of `patchesField`, for similarity search and records a brain run.
 * With neither `model` nor `embeddings` the shipped model `nearsight-tiny` is used.
 *
 * @example
 * const index = await computeSimilarity(dataset, { brainKey: "images" });
 * const view = dataset.sortBySimilarity({ prompt: "a photo of a dog" }, { k: 10, brainKey: "images" });
 */
export function computeSimilarity(
  samples: SampleCollection,
  options: ComputeSimilarityOptions = {},
): Promise<SimilarityIndex> {
  return samples.computeSimilarity(options);
}

/**
 * Places samples, or the objects of `patchesField`, in a plane or space by their embeddings, with `umap`
 * (default), `tsne` or `pca`, and records a brain run. Float32 points [rows, numDims]; equal vectors, options
 * and `seed` give equal points.
 *
 * @example
 * const results = await computeVisualization(dataset, { method: "pca", brainKey: "map" });
 * console.log(results.points.shape);
 */
export function computeVisualization(
  samples: SampleCollection,
  options: ComputeVisualizationOptions = {},
): Promise<VisualizationResults> {
  return samples.computeVisualization(options);
}

/**
 * Finds near duplicates: samples, or patches of a patches view, within `threshold` (default 0.2, in the metric's
 * distance) of one that is kept. Without `similarityIndex` an index is made under the cosine metric, and stays.
 * Errors: those of `computeSimilarity`, RUN_NOT_FOUND, INVALID_ARGUMENT, ABORTED.
 *
 * @example
 * const index = await computeNearDuplicates(dataset, { threshold: 0.02 });
 * const view = await index.duplicatesView({ distField: "duplicateDistance" });
 */
export function computeNearDuplicates(
  samples: SampleCollection,
  options: IndexedOptions = {},
): Promise<SimilarityIndex> {
  return samples.computeNearDuplicates(options);
}

/**
 * Finds samples whose files have the same bytes, by SHA-256. Only files that share their size with another are
 * read, in pieces. Files that cannot be read are in `failed`, or thrown with `skipFailures: false`:
 * MEDIA_NOT_FOUND, MEDIA_INVALID. ABORTED, INVALID_ARGUMENT for a view of patches.
 *
 * @example
 * const { duplicates } = await computeExactDuplicates(dataset);
 * await dataset.deleteSamples([...duplicates.values()].flat());
 */
export function computeExactDuplicates(
  samples: SampleCollection,
  options: ExactDuplicatesOptions = {},
): Promise<ExactDuplicates> {
  return samples.computeExactDuplicates(options);
}

/**
 * Finds leaks: samples with one of another split within `threshold` (default 0.2, in the metric's distance), and
 * samples in several splits at once. Splits are tags, the values of a field, or views by name. Without
 * `similarityIndex` an index is made under the cosine metric, and stays.
 * Errors: those of `computeSimilarity`, FIELD_NOT_FOUND, FIELD_TYPE_MISMATCH, INVALID_ARGUMENT, ABORTED.
 *
 * @example
 * const leaks = await computeLeakySplits(dataset, ["train", "test"], { threshold: 0.05 });
 * const train = leaks.noLeaksView(leaks.splitViews.train);
 */
export function computeLeakySplits(
  samples: SampleCollection,
  splits: Splits,
  options: IndexedOptions = {},
): Promise<LeakySplitsIndex> {
  return samples.computeLeakySplits(splits, options);
}

/**
 * Writes to `uniquenessField` (default `uniqueness`) how far each sample is from its three nearest neighbours:
 * 0.6, 0.3 and 0.1 of their distances, divided by the largest such sum; 1 for all of three samples or fewer. Samples
 * without a vector get none. The same on every backend: an index of inner products is compared by cosine.
 * Errors: those of `computeSimilarity`, RUN_NOT_FOUND, INVALID_ARGUMENT, ABORTED.
 *
 * @example
 * await computeUniqueness(dataset);
 * const mostUnique = dataset.sortBy("uniqueness", { reverse: true });
 */
export function computeUniqueness(samples: SampleCollection, options: UniquenessOptions = {}): Promise<void> {
  return samples.computeUniqueness(options);
}

/**
 * Writes to `representativenessField` (default `representativeness`) how typical each sample is: 1 at the centre of
 * its cluster, 0 at the cluster's farthest sample. Clusters are 20 of k-means, euclidean, the same every time.
 * `cluster-center-downweight` then takes 0.7 of samples near a more typical one. Holds all vectors in memory.
 * Errors: those of `computeSimilarity`, RUN_NOT_FOUND, METRIC_NOT_SUPPORTED for bits, INVALID_ARGUMENT, ABORTED.
 *
 * @example
 * await computeRepresentativeness(dataset);
 * const mostTypical = dataset.sortBy("representativeness", { reverse: true });
 */
export function computeRepresentativeness(
  samples: SampleCollection,
  options: RepresentativenessOptions = {},
): Promise<void> {
  return samples.computeRepresentativeness(options);
}
