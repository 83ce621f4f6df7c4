/** Vectors as one typed array with a shape, instead of arrays of arrays. */

import { NearsightError } from "./errors.ts";

/** Storage of vectors: float32 numbers, or bits packed 8 to a byte (lowest bit first). */
export type VectorData = Float32Array | Uint8Array;

/**
 * `rows` vectors of `dimension` entries, row after row in one typed array.
 * For packed bits (`Uint8Array`) `dimension` counts bits and each row takes `dimension / 8` bytes.
 */
export interface Matrix<Data extends VectorData = Float32Array> {
  readonly data: Data;
  readonly rows: number;
  readonly dimension: number;
  /** `[rows, dimension]`, as NumPy prints it. */
  readonly shape: readonly [number, number];
  /** Row `i` as a view on the data, not a copy. */
  row(i: number): Data;
}

/** Vectors as users may give them: a matrix, an array of arrays, or typed arrays. */
export type VectorsLike = Matrix | readonly (readonly number[] | Float32Array | Float64Array)[];

/** Elements of the typed array that one row takes. */
export function rowLength(data: VectorData, dimension: number): number {
  return data instanceof Uint8Array ? dimension / 8 : dimension;
}

/**
 * Wraps a typed array as a matrix, without copying.
 *
 * @example
 * matrix(new Float32Array([1, 0, 0, 1]), 2).shape; // [2, 2]
 */
export function matrix<Data extends VectorData>(data: Data, dimension: number): Matrix<Data> {
  const length = rowLength(data, dimension);
  const rows = length === 0 ? 0 : data.length / length;
  if (!Number.isInteger(rows) || !Number.isInteger(length) || length < 0) {
    throw new NearsightError({
      code: "DIMENSION_MISMATCH",
      message: `Expected a multiple of ${length} elements for vectors of dimension ${dimension} but found ${data.length}`,
      hint: "Give every vector the same length",
    });
  }
  return {
    data,
    rows,
    dimension,
    shape: [rows, dimension],
    row(i) {
      if (i < 0 || i >= rows) throw new RangeError(`Expected a row from 0 to ${rows - 1} but found ${i}`);
      return data.subarray(i * length, (i + 1) * length) as Data;
    },
  };
}

/** True for a matrix, false for the arrays a user may give instead. */
export function isMatrix(value: unknown): value is Matrix {
  return typeof value === "object" && value !== null && "data" in value && "dimension" in value;
}

/** Copies any accepted form into a new float32 matrix; DIMENSION_MISMATCH on ragged rows, VECTOR_INVALID for other than numbers. */
export function toMatrix(vectors: VectorsLike): Matrix {
  if (isMatrix(vectors)) {
    if (!(vectors.data instanceof Float32Array)) throw noVectors("a matrix of something else than float32");
    return matrix(vectors.data.slice(), vectors.dimension);
  }
  if (!Array.isArray(vectors)) throw noVectors(typeof vectors);
  const dimension = vectors[0]?.length ?? 0;
  const data = new Float32Array(vectors.length * dimension);
  vectors.forEach((vector, i) => {
    if (!holdsNumbers(vector)) throw noVectors(`something else in vector ${i}`);
    if (vector.length !== dimension) {
      throw new NearsightError({
        code: "DIMENSION_MISMATCH",
        message: `Expected vectors of ${dimension} numbers, as the first one, but vector ${i} has ${vector.length}`,
        hint: "Give every vector the same length",
      });
    }
    // A detached array has no length, and throws when it is read.
    if (dimension > 0) data.set(vector, i * dimension);
  });
  return matrix(data, dimension);
}

const NO_NUMBERS = [BigInt64Array, BigUint64Array, DataView] as const;

/** True for lists and typed arrays of numbers; a hole, null or text is none, though arithmetic would take it for one. */
function holdsNumbers(vector: unknown): boolean {
  if (ArrayBuffer.isView(vector)) return !NO_NUMBERS.some((kind) => vector instanceof kind);
  if (!Array.isArray(vector)) return false;
  for (let i = 0; i < vector.length; i++) if (typeof vector[i] !== "number") return false;
  return true;
}

function noVectors(found: string): NearsightError {
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected vectors as lists of numbers or typed arrays but found ${found}`,
    hint: "Give one list of numbers for each id",
  });
}

/** As `toMatrix`, and takes packed bits as well. */
export function toVectors(vectors: VectorsLike | Matrix<VectorData>): Matrix<VectorData> {
  const data: unknown = isMatrix(vectors) ? vectors.data : null;
  if (data instanceof Uint8Array) return matrix<VectorData>(data.slice(), (vectors as Matrix).dimension);
  return toMatrix(vectors as VectorsLike);
}

/** Rows of one kind as a matrix, copied. */
export function stackRows<Data extends VectorData>(rows: readonly Data[], dimension: number): Matrix<Data> {
  const first = rows[0] ?? (new Float32Array(0) as VectorData as Data);
  const length = rowLength(first, dimension);
  const data = newData(first, rows.length * length);
  rows.forEach((row, i) => {
    data.set(row, i * length);
  });
  return matrix(data, dimension);
}

/** So many rows of zeros, of the same kind and dimension. */
export function emptyLike<Data extends VectorData>(like: Matrix<Data>, rows: number): Matrix<Data> {
  const data = newData(like.data, rows * rowLength(like.data, like.dimension));
  return matrix(data, like.dimension);
}

/** The rows at `positions`, in that order, copied. */
export function takeRows<Data extends VectorData>(
  source: Matrix<Data>,
  positions: readonly number[],
): Matrix<Data> {
  const length = rowLength(source.data, source.dimension);
  const data = newData(source.data, positions.length * length);
  positions.forEach((position, i) => {
    data.set(source.row(position), i * length);
  });
  return matrix(data, source.dimension);
}

/** Matrices of one dimension, one below the other. */
export function concatRows<Data extends VectorData>(
  parts: readonly Matrix<Data>[],
  dimension: number,
): Matrix<Data> {
  const first = parts[0];
  if (first === undefined) return matrix(new Float32Array(0) as VectorData as Data, dimension);
  const data = newData(
    first.data,
    parts.reduce((sum, part) => sum + part.data.length, 0),
  );
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  return matrix(data, dimension);
}

function newData<Data extends VectorData>(like: Data, length: number): Data {
  return (like instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length)) as Data;
}

/**
 * Throws VECTOR_INVALID for the first row with NaN or infinite numbers and, if `nonZero`, for a zero vector.
 * Cosine has no meaning for a zero vector.
 */
export function assertUsable(vectors: Matrix<VectorData>, options: { nonZero?: boolean } = {}): void {
  for (let i = 0; i < vectors.rows; i++) {
    const problem = vectorProblem(vectors.row(i), options.nonZero ?? false);
    if (problem === null) continue;
    throw new NearsightError({
      code: "VECTOR_INVALID",
      message: `Expected finite${options.nonZero ? ", non-zero" : ""} vectors but vector ${i} ${problem}`,
      hint: "Remove that vector, or compute it again",
      details: { row: i },
    });
  }
}

/** Says why a vector cannot be indexed or searched for, or null. */
export function vectorProblem(vector: VectorData, nonZero: boolean): string | null {
  let zero = true;
  for (const value of vector) {
    if (!Number.isFinite(value)) return "holds NaN or an infinite number";
    if (value !== 0) zero = false;
  }
  return nonZero && zero ? "is all zeros" : null;
}
