/** The interface of a file format: each is one file of this room, reading and writing. */

import type { Dataset } from "../dataset/dataset.ts";
import type { ExportOptions, ImportOptions, IoFailure } from "../dataset/io-port.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import type { SampleInput } from "../dataset/sample-input.ts";

/** A sample that was read, or what could not be; `place` names the sample in reports, by default its file does. */
export type ReadItem =
  | { readonly sample: SampleInput; readonly place?: string }
  | { readonly failed: IoFailure };

/** What the import made besides samples. */
export interface Extras {
  readonly savedViews: readonly string[];
  readonly brainRuns: readonly string[];
  readonly failed: readonly IoFailure[];
  /** Samples that were there already and got values. Default 0. */
  readonly updated?: number;
}

/** A sample that was written, or what could not be; `written` holds the sample's id. */
export type WriteItem = { readonly written: string } | { readonly failed: IoFailure };

export interface Format {
  readonly name: string;
  /** Whether `write` takes views of patches. Default false: they are refused. */
  readonly patches?: boolean;
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
  /**
   * Writes the samples to `path`, a fresh temporary place that becomes the target once all is written: nothing is
   * there yet, its folder is, and its name is the target's. Files written beside `path` end beside the target.
   */
  write?(samples: SampleCollection, path: string, options: ExportOptions): AsyncIterable<WriteItem>;
}
