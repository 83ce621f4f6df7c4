/** Checks of what a collection is given, before anything is asked or written; the same for every backend. */

import { NearsightError } from "../errors.ts";
import { assertUsable, type Matrix, type VectorData, vectorProblem } from "../matrix.ts";
import type { Batch, CollectionInfo, SearchOptions } from "./backend.ts";

/** What vectors are compared with. */
export type VectorShape = Pick<CollectionInfo, "dimension" | "metric" | "vectorType">;

/** INVALID_ARGUMENT for a `k` or a `maxDistance` that means nothing. */
export function checkSearchOptions({ k, maxDistance }: Pick<SearchOptions, "k" | "maxDistance">): void {
  if (k !== null && !(Number.isInteger(k) && k > 0)) {
    throw invalid(`Expected k to be a whole number above 0, or null for all, but found ${k}`);
  }
  if (maxDistance !== undefined && Number.isNaN(maxDistance)) {
    throw invalid("Expected maxDistance to be a number but found NaN");
  }
}

/** INVALID_ARGUMENT, DIMENSION_MISMATCH or VECTOR_INVALID for queries that the collection has no answer to. */
export function checkQueries(name: string, queries: Matrix<VectorData>, shape: VectorShape): void {
  checkVectors(name, queries, shape);
  if (shape.vectorType === "float32") assertUsable(queries, { nonZero: shape.metric === "cosine" });
}

/** INVALID_ARGUMENT or DIMENSION_MISMATCH for a batch that no entry can be made of. */
export function checkBatch(name: string, batch: Batch, shape: VectorShape): void {
  checkCounts(name, batch);
  if (batch.vectors.rows > 0) checkVectors(name, batch.vectors, shape);
}

/** INVALID_ARGUMENT for a batch whose columns are not of one length. */
export function checkCounts(name: string, { ids, sampleIds, vectors, fields }: Batch): void {
  if (fields !== undefined && fields.length !== vectors.rows) {
    throw invalid(
      `Expected values for each of ${vectors.rows} vectors for index '${name}' but found ${fields.length}`,
    );
  }
  if (ids.length === vectors.rows && sampleIds.length === vectors.rows) return;
  throw invalid(
    `Expected one id and one sample id for each of ${vectors.rows} vectors for index '${name}' but found ${ids.length} and ${sampleIds.length}`,
  );
}

/** INVALID_ARGUMENT or DIMENSION_MISMATCH for vectors of another kind or length than the collection's. */
export function checkVectors(
  name: string,
  { data, dimension }: Pick<Matrix<VectorData>, "data" | "dimension">,
  shape: Pick<VectorShape, "dimension" | "vectorType">,
): void {
  const found = data instanceof Uint8Array ? "bits" : "float32";
  const isBits = shape.vectorType === "bits";
  if (found !== shape.vectorType) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected ${shape.vectorType} vectors for index '${name}' but found ${found}`,
      hint: isBits ? "Give packed bits in a Uint8Array" : "Give numbers in a Float32Array",
      details: { index: name },
    });
  }
  if (dimension === shape.dimension) return;
  throw new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected vectors of ${shape.dimension} ${isBits ? "bits" : "numbers"} for index '${name}' but found ${dimension}`,
    hint: "Use the model the index was made with, or make a new index",
    details: { index: name, expected: shape.dimension, found: dimension },
  });
}

/** Why no entry can be made of a vector, or null. */
export function vectorFault(
  vector: VectorData,
  { metric, vectorType }: Pick<VectorShape, "metric" | "vectorType">,
): string | null {
  const problem = vectorType === "bits" ? null : vectorProblem(vector, metric === "cosine");
  return problem === null ? null : `VECTOR_INVALID: the vector ${problem}`;
}

/** The key of a filter field, which becomes part of conditions as it is; INVALID_ARGUMENT for any other text. */
export function checkedKey(key: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(key)) return key;
  throw invalid(`Expected a key of small letters, digits and underscores but found ${JSON.stringify(key)}`);
}

/** The error of an argument that means nothing. */
export function invalid(message: string): NearsightError {
  return new NearsightError({ code: "INVALID_ARGUMENT", message, hint: "Change that argument" });
}
