/** What an index says of its own searches when it is evaluated. */

import type { ComparingOptions } from "./duplicates-port.ts";

/** How an index is evaluated. */
export interface EvaluateOptions extends ComparingOptions {
  /** Neighbours asked for with each search. Default 10. */
  readonly k?: number;
  /** Entries to search with at most. Default 100. */
  readonly samples?: number;
  /** Equal seeds choose equal entries. Default 51. */
  readonly seed?: number;
}

/** What searches with some of an index's own vectors found, held against an exact comparison with all of them. */
export interface IndexEvaluation {
  readonly brainKey: string;
  readonly backend: string;
  readonly metric: string;
  readonly k: number;
  /** Vectors compared with. */
  readonly entries: number;
  /** Entries searched with. */
  readonly samples: number;
  /** Share of the true `k` nearest that was found, 0 to 1: the mean of all searches, and the worst one. */
  readonly recall: number;
  readonly worstRecall: number;
  /** Largest difference of a reported distance from the true one. */
  readonly distanceError: number;
  /** Whether every search claimed to be exact. */
  readonly exact: boolean;
  /** Entries that are said to be indexed and whose vectors the backend does not have: the first 100. */
  readonly lost: readonly string[];
  /** Time of one search call, one after the other. */
  readonly milliseconds: {
    readonly mean: number;
    readonly median: number;
    readonly p95: number;
    readonly largest: number;
  };
  /** What the backend told of its searches, such as their parameters. */
  readonly driver: Readonly<Record<string, unknown>>;
}
