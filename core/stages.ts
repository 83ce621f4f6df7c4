/** View stages: the frozen JSON list that every view, saved view, URL and command line option is made of. */

import { z } from "zod";
import { type Filter, filterSchema } from "./filter.ts";

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

// As in filters: half a surrogate pair has no UTF-8.
const text = z.string().refine((value) => value.isWellFormed(), "Half of a surrogate pair");
const ids = z.array(text);
const count = z.number().int().min(0);
const field = text.min(1).max(256);
const seed = z.number().int();
const vector = z.array(z.number().finite()).min(1);

const simpleQueryFields = [
  z.strictObject({ id: z.string() }),
  z.strictObject({ ids: ids.min(1) }),
  z.strictObject({ vector }),
  z.strictObject({ vectors: z.array(vector).min(1) }),
  z.strictObject({ prompt: z.string() }),
  z.strictObject({ prompts: z.array(z.string()).min(1) }),
  z.strictObject({ image: z.union([z.string(), z.instanceof(Uint8Array)]) }),
] as const;

const weight = z.number().finite().optional();
const simpleQuery = z.union(simpleQueryFields);
const queryTerm = z.union([
  ...simpleQueryFields.map((one) => one.extend({ weight })),
  z.strictObject({ not: simpleQuery, weight }),
]);

/** Checks a tagged query that comes from outside. */
const similarityQuerySchema: z.ZodType<SimilarityQuery> = z.union([
  simpleQuery,
  z.strictObject({ combine: z.array(queryTerm).min(1), by: z.enum(["mean", "rank"]).optional() }),
]) as z.ZodType<SimilarityQuery>;

const flag = z.boolean().optional();

/** Checks one stage that comes from outside. */
export const stageSchema: z.ZodType<Stage> = z.discriminatedUnion("stage", [
  z.strictObject({ stage: z.literal("match"), filter: filterSchema }),
  z.strictObject({ stage: z.literal("matchTags"), tags: z.array(text), all: flag, not: flag }),
  z.strictObject({ stage: z.literal("filterLabels"), field, filter: filterSchema, onlyMatches: flag }),
  z.strictObject({ stage: z.literal("selectLabels"), field, ids }),
  z.strictObject({ stage: z.literal("select"), ids, ordered: flag }),
  z.strictObject({ stage: z.literal("exclude"), ids }),
  z.strictObject({ stage: z.literal("exists"), field, not: flag }),
  z.strictObject({ stage: z.literal("sortBy"), field, reverse: flag }),
  z.strictObject({ stage: z.literal("shuffle"), seed }),
  z.strictObject({ stage: z.literal("take"), size: count, seed }),
  z.strictObject({ stage: z.literal("limit"), count }),
  z.strictObject({ stage: z.literal("skip"), count }),
  z.strictObject({ stage: z.literal("toPatches"), field }),
  z.strictObject({
    stage: z.literal("sortBySimilarity"),
    query: similarityQuerySchema,
    k: z.number().int().min(1).optional(),
    reverse: flag,
    maxDistance: z.number().finite().optional(),
    aggregation: z.enum(AGGREGATIONS).optional(),
    distField: field.refine((name) => name !== "__proto__", "A name with a meaning of its own").optional(),
    brainKey: text.min(1).optional(),
  }),
]) as z.ZodType<Stage>;

/**
 * The JSON Schema of a view, as `view.toJSON()` gives it and as requests carry it: for API documents and editors.
 * Images are texts there.
 *
 * @example
 * viewJsonSchema()["type"]; // "object"
 */
export function viewJsonSchema(): Readonly<Record<string, unknown>> {
  const view = z.strictObject({ version: z.number().int().min(1).optional(), stages: z.array(stageSchema) });
  return z.toJSONSchema(view, { unrepresentable: "any", io: "input" });
}
