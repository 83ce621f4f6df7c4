/** What data sets and views need of visualizations: declared here, implemented in `core/brain/visualization`. */

import type { Matrix } from "../matrix.ts";
import type { EmbeddingModel } from "../models/model.ts";
import type { BrainRunConfig, EmbeddingOptions, EmbeddingsInput, SimilarityIndex } from "./brain-port.ts";
import type { SampleCollection } from "./sample-collection.ts";

/** How vectors become points: three calculations, or points that are given. */
export const VISUALIZATION_METHODS = ["umap", "tsne", "pca", "manual"] as const;
export type VisualizationMethod = (typeof VISUALIZATION_METHODS)[number];

/** Numbers that steer `umap` and `tsne`. */
export interface LayoutOptions {
  /** umap: neighbours that make up a point's surroundings, itself included, at least 2. Default 15. */
  readonly numNeighbors?: number;
  /** umap: how close points may lie, 0 or more. Default 0.1. */
  readonly minDist?: number;
  /** tsne: roughly the neighbours that count for a point, at least 1. Default 30. */
  readonly perplexity?: number;
  /** tsne: size of a step. Default: a 48th of the number of points, at least 50. */
  readonly learningRate?: number;
  /** tsne: number of steps. Default 1000. */
  readonly maxIters?: number;
  /** umap and tsne: what makes vectors neighbours. Default `euclidean`, or the metric of `similarityIndex`. */
  readonly metric?: "euclidean" | "cosine";
}

/** Options of `computeVisualization`. */
export interface ComputeVisualizationOptions extends EmbeddingOptions, LayoutOptions {
  /** Name under which the run is kept. Default: a new one, see `results.key`. */
  readonly brainKey?: string;
  /** Default: what the configuration says, else `umap`; `manual` where points are given. */
  readonly method?: VisualizationMethod;
  /** Numbers a point, at least 1; at most 3 for `tsne`. Default 2. */
  readonly numDims?: number;
  /** Equal seeds, vectors and options give equal points. Default 51. */
  readonly seed?: number;
  /** A zoo name, a model directory, or a loaded model. Default `nearsight-tiny`, unless vectors are given. */
  readonly model?: string | EmbeddingModel;
  readonly modelKwargs?: Readonly<Record<string, unknown>>;
  readonly embeddings?: Exclude<EmbeddingsInput, false>;
  /** Points you have already, in the forms of embeddings. */
  readonly points?: Exclude<EmbeddingsInput, string | false>;
  /** Place the objects of this Detections field instead of whole samples. */
  readonly patchesField?: string;
  /** Embed only these regions of each sample; several are averaged. */
  readonly roiField?: string;
  /** An index, or the key of one, whose vectors and neighbours are used. */
  readonly similarityIndex?: string | SimilarityIndex;
  /** Keep the points in a field as well, named as the run unless `pointsField` says otherwise. Default false. */
  readonly createIndex?: boolean;
  /** Vector field of the samples, or labels, to keep the points in as well. */
  readonly pointsField?: string;
}

/** What a visualization was made with. */
export interface VisualizationConfig extends BrainRunConfig {
  readonly numDims: number;
  readonly seed: number;
  readonly pointsField: string | null;
  /** Key of the index whose vectors were used. */
  readonly similarityIndex: string | null;
  readonly layout: LayoutOptions;
}

/** Colours, sizes and classes of a plot: a field's path, or one value for each current point. */
export interface VisualizeOptions {
  readonly labels?: string | readonly unknown[];
  readonly sizes?: string | readonly number[];
  /** Only points whose label is one of these. */
  readonly classes?: readonly unknown[];
}

/** Plain columns to plot: entry `i` of each belongs to one point. */
export interface PlotData {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Of three-dimensional points. */
  readonly z?: Float32Array;
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  /** Null where whole samples were placed. */
  readonly labelIds: readonly string[] | null;
  readonly labels?: readonly unknown[];
  readonly sizes?: readonly number[];
}

/** The points of a visualization. */
export interface VisualizationResults {
  readonly key: string;
  readonly config: VisualizationConfig;
  /** Float32, [points, numDims]; row `i` belongs to `sampleIds[i]`. Samples deleted before loading are not there. */
  readonly points: Matrix;
  readonly sampleIds: readonly string[];
  /** Null where whole samples were placed. */
  readonly labelIds: readonly string[] | null;
  readonly hasView: boolean;
  /** The data set or view of `useView`. */
  readonly view: SampleCollection;
  /** Limits everything named `current`, `values` and `visualize` to a view. */
  useView(samples: SampleCollection): VisualizationResults;
  clearView(): void;
  /** Points of the current view, in the order of `points`. */
  currentPoints(): Promise<Matrix>;
  currentSampleIds(): Promise<string[]>;
  /** Null where whole samples were placed. */
  currentLabelIds(): Promise<string[] | null>;
  /** Current points there are. */
  indexSize(): Promise<number>;
  /** Rows of the current view without a point. */
  missingSize(): Promise<number>;
  /** One field for each current point, null where it is missing; of the patch on a visualization of patches. */
  values<Value = unknown>(path: string): Promise<Value[]>;
  /** The current points as columns, to plot. INVALID_ARGUMENT for lists of another length. */
  visualize(options?: VisualizeOptions): Promise<PlotData>;
  /** Removes the run with its points; fine if it is gone. */
  delete(): Promise<void>;
}

/** What a brain run gives when it is loaded. */
export type BrainResults = SimilarityIndex | VisualizationResults;
