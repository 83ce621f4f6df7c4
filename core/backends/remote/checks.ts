/** Checks of what a collection of a server is given, before the server is asked. */

import { NearsightError } from "../../errors.ts";
import { assertUsable, type Matrix, type VectorData } from "../../matrix.ts";
import type { Batch, CollectionInfo, SearchOptions } from "../backend.ts";

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
export function checkBatch(name: string, { ids, sampleIds, vectors }: Batch, shape: VectorShape): void {
  if (ids.length !== vectors.rows || sampleIds.length !== vectors.rows) {
    throw invalid(
      `Expected one id and one sample id for each of ${vectors.rows} vectors for index '${name}' but found ${ids.length} and ${sampleIds.length}`,
    );
  }
  if (vectors.rows > 0) checkVectors(name, vectors, shape);
}

function checkVectors(
  name: string,
  vectors: Matrix<VectorData>,
  { dimension, vectorType }: VectorShape,
): void {
  const found = vectors.data instanceof Uint8Array ? "bits" : "float32";
  if (found !== vectorType) {
    throw invalid(`Expected ${vectorType} vectors for index '${name}' but found ${found}`);
  }
  if (vectors.dimension === dimension) return;
  throw new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected vectors of dimension ${dimension} for index '${name}' but found ${vectors.dimension}`,
    hint: "Use the model that the index was made with, or make another index",
    details: { expected: dimension, found: vectors.dimension },
  });
}

function invalid(message: string): NearsightError {
  return new NearsightError({ code: "INVALID_ARGUMENT", message, hint: "Change that argument" });
}
