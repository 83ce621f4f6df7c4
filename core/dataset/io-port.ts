/** What data sets and views need of import and export: declared here, implemented in `core/io`. */

import type { ProgressOption } from "./brain-port.ts";
import type { Dataset } from "./dataset.ts";
import type { SampleCollection } from "./sample-collection.ts";

/** How a folder, file or archive is read. */
export interface ImportOptions {
  /** Name of the format, such as `coco` or FiftyOne's `COCODetectionDataset`. Default: found by what is there. */
  readonly format?: string;
  /** Field that labels are put in. Default `ground_truth`. */
  readonly labelField?: string;
  /** Field that vectors are put in, where the format has no name for it. Default `embeddings`. */
  readonly embeddingsField?: string;
  /** Folder of the media, in place of the format's own; relative to the imported folder. */
  readonly dataPath?: string;
  /** File or folder of the labels, in place of the format's own; relative to the imported folder. */
  readonly labelsPath?: string;
  /** Tags that every sample gets, besides its own. */
  readonly tags?: string | readonly string[];
  /** Stop after so many samples. */
  readonly maxSamples?: number;
  /** Where an archive is unpacked to. Default: a folder of its name beside it. */
  readonly unpackTo?: string;
  /** Report what cannot be read and go on, instead of throwing. Default true. */
  readonly skipFailures?: boolean;
  readonly progress?: ProgressOption;
  readonly signal?: AbortSignal;
}

/** How `datasetFromDir` names what it makes. */
export interface DatasetFromDirOptions extends ImportOptions {
  /** Name of the data set. Default: date and time. */
  readonly name?: string;
  /** Replace a data set of that name, once the import has succeeded. Default false: DATASET_EXISTS. */
  readonly overwrite?: boolean;
}

/** A new data set, and what the import of its samples did. */
export interface ImportedDataset {
  readonly dataset: Dataset;
  readonly report: ImportReport;
}

/** One thing that could not be read or written. */
export interface IoFailure {
  /** File, or place in a file, such as `labels.json: annotation 7`. */
  readonly path: string;
  readonly reason: string;
}

export interface ImportReport {
  readonly format: string;
  /** Samples added. */
  readonly added: number;
  /** Samples that were there already and got values, such as the vectors of a .npy file. */
  readonly updated: number;
  readonly failed: readonly IoFailure[];
  readonly savedViews: readonly string[];
  /** Keys of brain runs made again from the imported vectors. */
  readonly brainRuns: readonly string[];
}

/** How a view is written. */
export interface ExportOptions {
  /** Name of the format. Default `fiftyone`, or by the ending of the file. */
  readonly format?: string;
  /** Field whose labels are written. Default: the only label field that fits the format. */
  readonly labelField?: string;
  /** Vector field that is written, where the format takes one. Default: the only one. */
  readonly embeddingsField?: string;
  /** `copy` (default), `symlink`, or false: write paths to where the media are. */
  readonly exportMedia?: "copy" | "symlink" | false;
  /** Classes in the order of their numbers. Default: those that occur, sorted. */
  readonly classes?: readonly string[];
  /** Replace what is there already. Default false: INVALID_ARGUMENT. */
  readonly overwrite?: boolean;
  readonly skipFailures?: boolean;
  readonly progress?: ProgressOption;
  readonly signal?: AbortSignal;
}

export interface ExportReport {
  readonly format: string;
  /** Samples written. */
  readonly exported: number;
  readonly failed: readonly IoFailure[];
}

export interface IoPort {
  /** Throws what `addDir` would at once: MEDIA_NOT_FOUND, or INVALID_ARGUMENT for options. Reads nothing. */
  checkImport(path: string, options: ImportOptions): Promise<void>;
  addDir(dataset: Dataset, path: string, options: ImportOptions): Promise<ImportReport>;
  export(samples: SampleCollection, path: string, options: ExportOptions): Promise<ExportReport>;
}
