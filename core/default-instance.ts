/** The functions of FiftyOne's pages without an instance: they share one that is opened on first use. */

import type { ComputeSimilarityOptions, SimilarityIndex } from "./dataset/brain-port.ts";
import type { Dataset } from "./dataset/dataset.ts";
import type { SampleCollection } from "./dataset/sample-collection.ts";
import type { EmbeddingModel } from "./models/model.ts";
import type { ResolveOptions } from "./models/zoo.ts";
import { type LoadZooDatasetOptions, type Nearsight, open } from "./nearsight.ts";

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
