/** Divides what is sent and asked for into requests of a size that every server takes. */

import { type Matrix, takeRows, type VectorData } from "../core/matrix.ts";
import { type PackedVectors, packVectors } from "../core/packed-vectors.ts";

/** Bytes of vectors in a request: a Lambda function takes 6 MB of body, and base64 makes 4 of 3. */
const BYTES_PER_REQUEST = 3_000_000;

/** The most entries, ids or vectors that the API takes at once. */
const ROWS_PER_REQUEST = 1_000;

/** Vectors of one answer, whose dimension is not known before. */
const VECTORS_PER_ANSWER = 500;

/** The items in lists that fit one request; one empty list where there are none. */
export function parts<Item>(items: readonly Item[], size = VECTORS_PER_ANSWER): (readonly Item[])[] {
  const count = Math.max(1, Math.ceil(items.length / size));
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** Vectors of one request, and the place of the first. */
export interface VectorPart {
  readonly vectors: PackedVectors;
  readonly start: number;
  readonly end: number;
}

/** The vectors in parts that fit one request. Another number of ids than of vectors is left to the server to refuse. */
export function* vectorParts(vectors: Matrix<VectorData>, ids: number): Generator<VectorPart> {
  if (ids !== vectors.rows) yield { vectors: packVectors(vectors), start: 0, end: ids };
  else {
    const bytes = vectors.data.byteLength / Math.max(1, vectors.rows);
    const most = Math.max(1, Math.min(ROWS_PER_REQUEST, Math.floor(BYTES_PER_REQUEST / Math.max(1, bytes))));
    for (let start = 0; start < ids; start += most) {
      const end = Math.min(ids, start + most);
      const rows = Array.from({ length: end - start }, (_, i) => start + i);
      yield { vectors: packVectors(takeRows(vectors, rows)), start, end };
    }
  }
}
