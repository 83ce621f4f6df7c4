/** View stages: the frozen JSON list that every view, saved view, URL and command line option is made of. */

import type { Filter } from "./filter.ts";

/** Version of the stage list's form; a list from a newer version is refused. */
export const STAGES_VERSION = 1;

/** How several query vectors become one ranking. `post-*` combine distances after searching with each. */
export const AGGREGATIONS = ["mean", "post-mean", "post-min", "post-max"] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** Image to search with: a path, URL or data URL, or encoded bytes (library only). */
export type ImageQuery = string | Uint8Array;

/** One part of a combined query: what to look for, how much it counts, or (`not`) what to keep away from. */
export type QueryTerm = (SimpleQuery & { weight?: number }) | { not: SimpleQuery; weight?: number };

/** A query that is one thing, or several of one kind. */
export type SimpleQuery =
  | { id: string }
  | { ids: readonly string[] }
  | { vector: readonly number[] }
  | { vectors: readonly (readonly number[])[] }
  | { prompt: string }
  | { prompts: readonly string[] }
  | { image: ImageQuery };

/** What to search for. `combine` mixes terms: `mean` adds weighted unit vectors, `rank` fuses rankings. */
export type SimilarityQuery = SimpleQuery | { combine: readonly QueryTerm[]; by?: "mean" | "rank" };

/** Strings that are ids or prompts, whichever the index knows: FiftyOne's form, of the library only. */
export interface BareQuery {
  bare: string | readonly string[];
}

/** Sorts by similarity to a query; resolved against a brain run when the view is first read. */
export interface SortBySimilarityStage {
  readonly stage: "sortBySimilarity";
  readonly query: SimilarityQuery | BareQuery;
  /** Number of results; left out = the whole ranking. */
  readonly k?: number;
  readonly reverse?: boolean;
  readonly maxDistance?: number;
  readonly aggregation?: Aggregation;
  /** Name under which samples of the view carry their distance. */
  readonly distField?: string;
  readonly brainKey?: string;
}

/** One step of a view. Later steps see the result of earlier ones. */
export type Stage =
  | { readonly stage: "match"; readonly filter: Filter }
  | {
      readonly stage: "matchTags";
      readonly tags: readonly string[];
      readonly all?: boolean;
      readonly not?: boolean;
    }
  | {
      readonly stage: "filterLabels";
      readonly field: string;
      readonly filter: Filter;
      readonly onlyMatches?: boolean;
    }
  | { readonly stage: "selectLabels"; readonly field: string; readonly ids: readonly string[] }
  | { readonly stage: "select"; readonly ids: readonly string[]; readonly ordered?: boolean }
  | { readonly stage: "exclude"; readonly ids: readonly string[] }
  | { readonly stage: "exists"; readonly field: string; readonly not?: boolean }
  | { readonly stage: "sortBy"; readonly field: string; readonly reverse?: boolean }
  | { readonly stage: "shuffle"; readonly seed: number }
  | { readonly stage: "take"; readonly size: number; readonly seed: number }
  | { readonly stage: "limit"; readonly count: number }
  | { readonly stage: "skip"; readonly count: number }
  | { readonly stage: "toPatches"; readonly field: string }
  | SortBySimilarityStage;
