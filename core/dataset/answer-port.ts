/** What a similarity answer can tell about itself: how complete it is, and how it was found. */

/** How far an answer can be relied on; counts are of rows of the searched view. */
export interface AnswerFacts {
  /** The ranking is the true one of what was searchable: nothing was approximated. */
  readonly exact: boolean;
  /** Rows whose entry is searchable. */
  readonly indexed: number;
  /** Rows without an entry that is, or ever was, searchable: not embedded yet, or failed at it. */
  readonly missing: number;
  /** Rows whose entry was searchable and is not now, because it is out of date: to be embedded again, or being removed. */
  readonly stale: number;
}

/** Parts of a search, in the order they begin in. */
export const SEARCH_PHASES = ["planning", "query", "viewRead", "search", "liveCheck"] as const;

/**
 * `planning` finds the run and opens its collection, `query` makes the vectors searched with, `viewRead` collects
 * the rows to search within, `search` is the backend's time, `liveCheck` asks the store whether samples are there.
 */
export type SearchPhase = (typeof SEARCH_PHASES)[number];

/**
 * What a search was limited to. `index`: everything was searched. `ids`: so many rows of the view; with filter fields
 * also the `reason` why not by condition. `filter`: the condition of the view was applied by the backend; `unsure`
 * entries, whose fields have changed since they were written, went along and were judged by the store.
 */
export type SearchedWithin =
  | { readonly by: "index" }
  | { readonly by: "ids"; readonly rows: number; readonly reason?: string }
  | { readonly by: "filter"; readonly unsure: number };

/** How one search was done; plain JSON without vectors and secrets. */
export interface SearchExplanation {
  readonly brainKey: string;
  readonly backend: string;
  readonly collectionName: string;
  readonly metric: string;
  readonly model: string | null;
  readonly patchesField: string | null;
  readonly query: {
    /** `id`, `ids`, `vector`, `vectors`, `prompt`, `prompts`, `image`, `combine`, or `bare` for FiftyOne's strings. */
    readonly kind: string;
    /** Vectors it came to. */
    readonly vectors: number;
    readonly aggregation: string;
  };
  /** Null: the whole ranking. */
  readonly k: number | null;
  readonly reverse: boolean;
  readonly maxDistance: number | null;
  readonly within: SearchedWithin;
  readonly exact: boolean;
  /** Calls of the backend: `search` for the first hits, `scan` for all in order, which is exact. */
  readonly calls: { readonly search: number; readonly scan: number };
  /** Why something other than one plain search was done. */
  readonly fallbacks: readonly string[];
  /** Hits left out because their sample is gone or their entry is out of date, and searches made again for that. */
  readonly dropped: number;
  readonly refills: number;
  readonly hits: number;
  /** Entries that an answer shorter than expected lacks because the backend has lost their vectors: ten at most. */
  readonly lost: readonly string[];
  /** What the backend tells of itself, such as its parameters. */
  readonly driver: Readonly<Record<string, unknown>>;
  readonly milliseconds: Readonly<Record<SearchPhase, number>>;
}

/** One stage of a view: where it runs, and for a search how. */
export interface StageExplanation {
  readonly stage: string;
  readonly runs: "store" | "index";
  /** The stage's options; long lists are given by their length. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly search?: SearchExplanation;
}

/** How a view is read; plain JSON. */
export interface ViewExplanation {
  readonly dataset: string;
  readonly stages: readonly StageExplanation[];
  readonly milliseconds: {
    /** All stages, searches included, when the view was first read. */
    readonly resolve: number;
    /** The view's first 100 rows, read for this explanation. */
    readonly firstRows: number;
  };
}
