/** What views need of similarity search: declared here, implemented in `core/brain`. */

import { NearsightError } from "../errors.ts";
import { isMatrix, type Matrix } from "../matrix.ts";
import type { BareQuery, SimilarityQuery, SortBySimilarityStage } from "../stages.ts";
import type { DatasetRecord, ResolvedOrderStage, StoreStage } from "../store/store.ts";
import type { AnswerFacts, SearchExplanation } from "./answer-port.ts";

export type { BareQuery } from "../stages.ts";

/** A stage to resolve, and the view it stands in. */
export interface SimilarityRequest {
  readonly dataset: DatasetRecord;
  /** The stages before it, resolved. */
  readonly before: readonly StoreStage[];
  /** Set on a patches view. */
  readonly patchesField: string | null;
  readonly stage: SortBySimilarityStage;
  /** Connection options given with the search; never part of the stage, of an answer or of an explanation. */
  readonly connection?: Readonly<Record<string, unknown>> | undefined;
}

/** What a search found: the order for the store, and the hits for the user. */
export interface ResolvedSimilarity {
  readonly order: ResolvedOrderStage;
  readonly hits: {
    readonly ids: readonly string[];
    readonly sampleIds: readonly string[];
    readonly distances: Float32Array;
    readonly scores: Float32Array;
    readonly brainKey: string;
  };
  readonly explanation: SearchExplanation;
  /** Another for each run, and for each time that it is built; left out by resolvers that cannot tell. */
  readonly indexVersion?: string;
  /** Counted when it is asked for, so that a search does not wait for it. */
  facts(): Promise<AnswerFacts>;
}

export interface SimilarityResolver {
  resolve(request: SimilarityRequest): Promise<ResolvedSimilarity>;
}

/**
 * What a user may search with: a tagged query, or one of FiftyOne's bare forms. Strings are ids if the index
 * has them, else prompts; numbers are a vector; rows of numbers are several vectors.
 */
export type SimilarityInput =
  | SimilarityQuery
  | string
  | readonly string[]
  | readonly number[]
  | Float32Array
  | Float64Array
  | readonly (readonly number[] | Float32Array | Float64Array)[]
  | Matrix;

/** The tagged form of a query; INVALID_ARGUMENT for anything that is none, VECTOR_INVALID for NaN. */
export function toSimilarityQuery(input: SimilarityInput): SimilarityQuery | BareQuery {
  const query = taggedQuery(input);
  const vectors = "vector" in query ? [query.vector] : "vectors" in query ? query.vectors : [];
  // What is no list of numbers is refused by the check of the stage.
  for (const vector of [vectors].flat()) if (Array.isArray(vector)) assertFinite(vector);
  return query;
}

function taggedQuery(input: SimilarityInput): SimilarityQuery | BareQuery {
  if (typeof input === "string") return { bare: input };
  if (isNumbers(input)) return { vector: Array.from(input) };
  if (isMatrix(input))
    return { vectors: Array.from({ length: input.rows }, (_, i) => Array.from(input.row(i))) };
  if (Array.isArray(input)) return fromList(input);
  if (typeof input === "object" && input !== null) return input as SimilarityQuery;
  throw unknownQuery(input);
}

function fromList(list: readonly unknown[]): SimilarityQuery | BareQuery {
  if (list.length === 0) throw unknownQuery(list);
  if (list.every((one) => typeof one === "string")) return { bare: [...list] };
  if (list.every((one) => typeof one === "number")) return { vector: [...list] };
  if (list.every(isNumbers)) return { vectors: list.map((one) => Array.from(one)) };
  throw unknownQuery(list);
}

function isNumbers(value: unknown): value is readonly number[] | Float32Array | Float64Array {
  if (value instanceof Float32Array || value instanceof Float64Array) return value.length > 0;
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "number");
}

function assertFinite(vector: readonly number[]): void {
  if (vector.every(Number.isFinite)) return;
  throw new NearsightError({
    code: "VECTOR_INVALID",
    message: "Expected finite numbers to search with but found NaN or infinity",
    hint: "Compute the vector again",
  });
}

function unknownQuery(found: unknown): NearsightError {
  const what = Array.isArray(found)
    ? `a list of ${found.length === 0 ? "nothing" : "mixed values"}`
    : String(found);
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected ids, prompts or vectors to search with but found ${what}`,
    hint: "Pass an id, a prompt, a vector, a list of one of these, or { image: path }",
  });
}
