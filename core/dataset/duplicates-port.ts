/** What data sets and views need of the brain to find duplicates, leaks and unique samples. */

import type { Metric } from "../backends/metric.ts";
import type { Matrix } from "../matrix.ts";
import type { EmbeddingModel } from "../models/model.ts";
import type {
  EmbeddingOptions,
  EmbeddingsInput,
  FailedEntry,
  ProgressOption,
  SimilarityIndex,
} from "./brain-port.ts";
import type { Patch, Sample } from "./sample.ts";
import type { SampleCollection } from "./sample-collection.ts";
import type { DatasetView } from "./view.ts";

/** Options of long calls that read an index and embed nothing. */
export interface ComparingOptions {
  readonly progress?: ProgressOption;
  readonly signal?: AbortSignal;
}

/** How to tell duplicates: by a distance, or by how many there are to be. Exactly one of the two. */
export interface FindDuplicatesOptions extends ComparingOptions {
  /** Entries no farther than this from a kept one are duplicates, in the metric's distance. */
  readonly thresh?: number;
  /** Share of the entries to call duplicates, 0 to 1: the threshold is found for it. */
  readonly fraction?: number;
}

/** How a view of duplicates is put together. */
export interface DuplicatesViewOptions {
  /** Field that is set to `nearest` or `duplicate`. */
  readonly typeField?: string;
  /** Field that is set to the id of the nearest kept entry; a kept entry names itself. */
  readonly idField?: string;
  /** Field that is set to the distance to it; 0 for a kept entry. */
  readonly distField?: string;
  /** Groups with the closest duplicate first, or with the fewest duplicates. Default `distance`. */
  readonly sortBy?: "distance" | "count";
  /** Default false. */
  readonly reverse?: boolean;
}

/** Points of a visualization: row `i` of `points` belongs to `labelIds[i]`, or `sampleIds[i]` without labels. */
export interface PlacedPoints {
  readonly points: Matrix;
  readonly sampleIds: readonly string[];
  readonly labelIds: readonly string[] | null;
}

/** Points to draw: row `i` of `points` is entry `ids[i]` of type `types[i]`. */
export interface TypedPoints<Type extends string> {
  /** float32 [entries, dimensions]. */
  readonly points: Matrix;
  readonly ids: readonly string[];
  readonly types: readonly Type[];
}

export interface DuplicatesPlot extends TypedPoints<"unique" | "nearest" | "duplicate"> {
  /** Lines to draw: the rows of a duplicate and of its nearest kept entry. */
  readonly edges: readonly (readonly [duplicate: number, nearest: number])[];
}

/** A histogram of the distances from each entry to its nearest neighbour. */
export interface DistancesPlot {
  readonly metric: Metric;
  /** Entries in bin `i`, from `edges[i]` up to `edges[i + 1]`; the last bin holds its upper edge too. */
  readonly counts: readonly number[];
  /** One more than there are bins. */
  readonly edges: readonly number[];
  /** Where to draw the line of the last threshold, or null. */
  readonly thresh: number | null;
  /** Whether the counts are to be drawn on a logarithmic axis. */
  readonly log: boolean;
}

/** What a similarity index knows of duplicates: FiftyOne's, on every backend. */
export interface Duplicates {
  /** Threshold of the last `findDuplicates` or `findUnique`, in the metric's distance; null where there is none. */
  readonly thresh: number | null;
  /** Kept entries of the last call, in the order of the view; null before. */
  readonly uniqueIds: readonly string[] | null;
  /** The other entries. */
  readonly duplicateIds: readonly string[] | null;
  /**
   * Duplicates by the kept entry nearest to them, nearest first, with their distances, none above `thresh`;
   * null before `findDuplicates`.
   */
  readonly neighborsMap: ReadonlyMap<string, readonly (readonly [id: string, distance: number])[]> | null;

  /**
   * Goes through the entries in the order of the view, keeps each one that is farther than the threshold from
   * all kept before, and calls the others duplicates of the kept entry nearest to them. Changes no vector.
   * Memory grows with the number of entries, not of pairs. INVALID_ARGUMENT, ABORTED.
   *
   * @example
   * await index.findDuplicates({ thresh: 0.02 });
   * console.log(index.duplicateIds.length, index.neighborsMap);
   */
  findDuplicates(options: FindDuplicatesOptions): Promise<void>;
  /**
   * Chooses `count` entries that are far from each other: the first one, then each time the entry farthest
   * from all chosen before. `thresh` becomes the largest distance from another entry to its nearest chosen one.
   * Takes `count * entries` distances and memory for all vectors. INVALID_ARGUMENT, ABORTED.
   */
  findUnique(count: number, options?: ComparingOptions): Promise<void>;
  /**
   * Each kept entry that has duplicates, followed by them, nearest first. The fields named are written to the
   * samples, or to the labels of a patch index. INVALID_ARGUMENT before `findDuplicates`.
   */
  duplicatesView(options?: DuplicatesViewOptions): Promise<DatasetView<Sample | Patch>>;
  /** The kept entries. INVALID_ARGUMENT before `findDuplicates` and `findUnique`. */
  uniqueView(): DatasetView<Sample | Patch>;
  /** Points of a visualization by what the last `findDuplicates` made of them; INVALID_ARGUMENT before. */
  visualizeDuplicates(visualization: PlacedPoints): DuplicatesPlot;
  /** Points of a visualization by whether the last call kept them; INVALID_ARGUMENT before. */
  visualizeUnique(visualization: PlacedPoints): TypedPoints<"unique" | "other">;
  /** How far each entry of the view is from its nearest neighbour. `bins` default 100, `log` default false. */
  plotDistances(options?: { bins?: number; log?: boolean } & ComparingOptions): Promise<DistancesPlot>;
}

/** Where vectors come from that are compared: an index, given ones, or a model. */
export interface VectorsOptions extends EmbeddingOptions {
  /** An index of the samples, or its brain key; it stays as it is. */
  readonly similarityIndex?: SimilarityIndex | string;
  readonly embeddings?: EmbeddingsInput;
  /** A zoo name, a model directory, or a loaded model. Default `nearsight-tiny`, unless vectors are given. */
  readonly model?: string | EmbeddingModel;
  readonly modelKwargs?: Readonly<Record<string, unknown>>;
  /** Compare only these regions of each sample; several are averaged. */
  readonly roiField?: string;
}

/** Options of calls that make an index where none is given. */
export interface IndexedOptions extends VectorsOptions {
  /** In the metric's distance. Default 0.2. */
  readonly threshold?: number;
  /** Key and backend of the index that is made; its metric is cosine. Default: a new key, `local`. */
  readonly brainKey?: string;
  readonly backend?: string;
}

export interface ExactDuplicatesOptions extends ComparingOptions {
  /** Files read at the same time. Default 4. */
  readonly numWorkers?: number;
  /** Record files that cannot be read and go on, instead of throwing. Default true. */
  readonly skipFailures?: boolean;
}

/** Samples whose files have the same bytes. */
export interface ExactDuplicates {
  /** The ids of equal files by the id of the first of them, in the order of the view. */
  readonly duplicates: ReadonlyMap<string, readonly string[]>;
  /** Files that could not be read, with the reason. */
  readonly failed: readonly FailedEntry[];
}

/** How samples are split: by tags, by the values of a field, or as views by name. */
export type Splits = readonly string[] | string | Readonly<Record<string, SampleCollection>>;

/** Samples that occur, nearly the same, in several splits. */
export interface LeakySplitsIndex {
  /** The index the samples were compared by. */
  readonly similarityIndex: SimilarityIndex;
  readonly splitViews: Readonly<Record<string, SampleCollection>>;
  /** Threshold of the last `findLeaks`. */
  readonly thresh: number | null;
  /** Samples within `thresh` of one in another split, or in two splits at once; those that belong together follow each other. */
  readonly leakIds: readonly string[] | null;
  /** Looks again with another threshold, in the metric's distance. ABORTED */
  findLeaks(thresh: number, options?: ComparingOptions): Promise<void>;
  /** The leaks, in the order of `leakIds`. */
  leaksView(): DatasetView;
  /** The samples, or those of a view, without the leaks. */
  noLeaksView(view?: SampleCollection): DatasetView;
  /** The sample, then the samples of other splits within `thresh` of it, nearest first. ID_NOT_FOUND */
  leaksForSample(sample: string | { readonly id: string }): Promise<DatasetView>;
  /** Tags the leaks. Default `leak`. */
  tagLeaks(tag?: string): Promise<void>;
}

export interface UniquenessOptions extends VectorsOptions {
  /** Field that is written. Default `uniqueness`. */
  readonly uniquenessField?: string;
}

export interface RepresentativenessOptions extends VectorsOptions {
  /** Field that is written. Default `representativeness`. */
  readonly representativenessField?: string;
  /** Default `cluster-center`. */
  readonly method?: "cluster-center" | "cluster-center-downweight";
}

/** The functions that compare samples with each other; described in `core/default-instance.ts`. */
export interface ComparisonPort {
  /** See `computeNearDuplicates`. */
  computeNearDuplicates(samples: SampleCollection, options?: IndexedOptions): Promise<SimilarityIndex>;
  /** See `computeExactDuplicates`. */
  computeExactDuplicates(
    samples: SampleCollection,
    options?: ExactDuplicatesOptions,
  ): Promise<ExactDuplicates>;
  /** See `computeLeakySplits`. */
  computeLeakySplits(
    samples: SampleCollection,
    splits: Splits,
    options?: IndexedOptions,
  ): Promise<LeakySplitsIndex>;
  /** See `computeUniqueness`. */
  computeUniqueness(samples: SampleCollection, options?: UniquenessOptions): Promise<void>;
  /** See `computeRepresentativeness`. */
  computeRepresentativeness(samples: SampleCollection, options?: RepresentativenessOptions): Promise<void>;
}
