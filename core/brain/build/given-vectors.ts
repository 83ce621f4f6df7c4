/** Vectors a caller already has, in any of FiftyOne's forms, looked up by row of the view. */

import type { Embeddings, EmbeddingsInput } from "../../dataset/brain-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { NearsightError } from "../../errors.ts";
import {
  isMatrix,
  type Matrix,
  toMatrix,
  toVectors,
  type VectorData,
  type VectorsLike,
} from "../../matrix.ts";
import type { RowIdentity } from "../../store/store.ts";

/** A row of the view as the look-up needs it. */
export interface RowPosition extends RowIdentity {
  /** Position in the view, from 0. */
  readonly position: number;
  /** Position among the patches of its sample, from 0; 0 for whole samples. */
  readonly inSample: number;
}

/** Known vectors of one dimension. */
export interface GivenVectors {
  readonly dimension: number;
  /** Whether they are packed bits. */
  readonly isBinary: boolean;
  /** Number of vectors that must meet the view's rows one to one, or null where ids decide. */
  readonly expectedRows: number | null;
  /** The row's vector, or null if there is none for it. */
  vectorOf(row: RowPosition): VectorData | null;
}

type VectorsBySample = ReadonlyMap<string, readonly number[] | Float32Array | VectorsLike>;

/** Reads any accepted form except a field name and `false`; nothing of the caller's is changed. */
export function givenVectors(input: Exclude<EmbeddingsInput, string | false>): GivenVectors {
  if (typeof input !== "object" || input === null) throw noEmbeddings(input);
  if (isEmbeddings(input)) return byId(input);
  if (input instanceof Map) return bySample(input);
  if (isMatrix(input) || Array.isArray(input)) return inOrder(toVectors(input as VectorsLike));
  return bySample(new Map(Object.entries(input)) as VectorsBySample);
}

function isEmbeddings(input: object): input is Embeddings<VectorData> {
  return "embeddings" in input && "sampleIds" in input;
}

function inOrder(vectors: Matrix<VectorData>): GivenVectors {
  return {
    dimension: vectors.dimension,
    isBinary: vectors.data instanceof Uint8Array,
    expectedRows: vectors.rows,
    vectorOf: (row) => (row.position < vectors.rows ? vectors.row(row.position) : null),
  };
}

function byId(input: Embeddings<VectorData>): GivenVectors {
  const ids = input.labelIds ?? input.sampleIds;
  if (ids.length !== input.embeddings.rows) {
    throw lengthMismatch(`${ids.length} vectors, one for each id,`, input.embeddings.rows);
  }
  const positions = new Map(ids.map((id, i) => [id, i]));
  return {
    dimension: input.embeddings.dimension,
    isBinary: input.embeddings.data instanceof Uint8Array,
    expectedRows: null,
    vectorOf(row) {
      const position = positions.get(row.id);
      return position === undefined ? null : input.embeddings.row(position);
    },
  };
}

function bySample(input: VectorsBySample): GivenVectors {
  const vectors = new Map<string, Matrix>();
  let dimension = 0;
  for (const [sampleId, given] of input) {
    const rows = toMatrix(isOneVector(given) ? [given] : given);
    if (rows.rows === 0) continue;
    if (dimension !== 0 && rows.dimension !== dimension) {
      throw new NearsightError({
        code: "DIMENSION_MISMATCH",
        message: `Expected vectors of ${dimension} numbers, as the first sample's, but those of sample '${sampleId}' have ${rows.dimension}`,
        hint: "Give every vector the same length",
      });
    }
    dimension = rows.dimension;
    vectors.set(sampleId, rows);
  }
  return {
    dimension,
    isBinary: false,
    expectedRows: null,
    vectorOf(row) {
      const rows = vectors.get(row.sampleId);
      return rows !== undefined && row.inSample < rows.rows ? rows.row(row.inSample) : null;
    },
  };
}

function isOneVector(
  given: readonly number[] | Float32Array | VectorsLike,
): given is readonly number[] | Float32Array {
  return ArrayBuffer.isView(given) || (Array.isArray(given) && typeof given[0] === "number");
}

/** Vectors without ids must be as many as the view's rows; those with ids must belong to some row. */
export async function assertRows(
  samples: SampleCollection,
  vectors: GivenVectors,
  patchesField: string | null,
): Promise<void> {
  if (vectors.expectedRows === null) return assertSomeRow(samples, vectors, patchesField);
  const ofPatches = patchesField !== null && samples.patchesField === null;
  assertRowCount(vectors, await (ofPatches ? samples.toPatches(patchesField) : samples).count());
}

async function assertSomeRow(
  samples: SampleCollection,
  vectors: GivenVectors,
  patchesField: string | null,
): Promise<void> {
  if (vectors.dimension === 0) return;
  let rows = 0;
  for await (const page of samples.mediaPages({ patchesField })) {
    if (page.some((row) => vectors.vectorOf({ ...row, position: 0, inSample: 0 }) !== null)) return;
    rows += page.length;
  }
  if (rows === 0) return;
  throw new NearsightError({
    code: "ID_NOT_FOUND",
    message: `Expected vectors for some of the ${rows} rows of the view but none of their ids is there`,
    hint: `Key the vectors by ${patchesField === null ? "sample id" : "sample or label id"}, such as values("id") gives`,
  });
}

/** Throws INVALID_ARGUMENT unless vectors given without ids are as many as the view's rows. */
function assertRowCount(vectors: GivenVectors, rows: number): void {
  if (vectors.expectedRows === null || vectors.expectedRows === rows) return;
  throw lengthMismatch(`${rows} vectors, one for each row of the view,`, vectors.expectedRows);
}

function noEmbeddings(found: unknown): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected embeddings as vectors, vectors by sample id, the name of a field or false but found ${String(found)}`,
    hint: "Leave embeddings out to compute them with a model",
  });
}

function lengthMismatch(expected: string, found: number): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected ${expected} but found ${found}`,
    hint: "Give the vectors by sample id, or embed the same view",
  });
}
