/** The interface of a file format: each is one file of this room, reading and writing. */

import type { Dataset } from "../dataset/dataset.ts";
import type { ExportOptions, ImportOptions, IoFailure } from "../dataset/io-port.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import type { SampleInput } from "../dataset/sample-input.ts";

/** A sample that was read, or what could not be. */
export type ReadItem = { readonly sample: SampleInput } | { readonly failed: IoFailure };

/** What the import made besides samples. */
export interface Extras {
  readonly savedViews: readonly string[];
  readonly brainRuns: readonly string[];
  readonly failed: readonly IoFailure[];
}

/** A sample that was written, or what could not be; `written` holds the sample's id. */
export type WriteItem = { readonly written: string } | { readonly failed: IoFailure };

export interface Format {
  readonly name: string;
  /** Other names, FiftyOne's class names first. */
  readonly aliases: readonly string[];
  /** File endings with the dot where the format is one file; none where it is a folder. */
  readonly endings: readonly string[];
  /** Whether the path looks like this format: by names and first bytes only. */
  detect(path: string): Promise<boolean>;
  /** The samples, streamed: memory stays flat where the format allows. MEDIA_INVALID where the whole is unreadable. */
  read(path: string, options: ImportOptions): AsyncIterable<ReadItem>;
  /** After the samples were added: saved views, brain runs. */
  finish?(path: string, dataset: Dataset, options: ImportOptions): Promise<Extras>;
  /** Writes the samples below `path`, a fresh temporary place that becomes the target once all is written. */
  write?(samples: SampleCollection, path: string, options: ExportOptions): AsyncIterable<WriteItem>;
}
