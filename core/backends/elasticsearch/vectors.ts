/** Vectors as Elasticsearch writes them, and its scores as distances. */

import { Buffer } from "node:buffer";
import { NearsightError } from "../../errors.ts";
import { type Matrix, matrix, type VectorData } from "../../matrix.ts";
import type { Encoding, Layout } from "./mapping.ts";

const FLOAT_BYTES = 4;

/** A vector as a JSON value: base64 of big-endian floats, hexadecimal for bits, or a list of numbers. */
export function encodedVector(vector: VectorData, encoding: Encoding): string | number[] {
  if (vector instanceof Uint8Array) return bytesOf(vector).toString("hex");
  if (encoding === "numbers") return Array.from(vector, shortest);
  // A copy: the caller's numbers keep their order of bytes.
  return Buffer.from(bytesOf(vector)).swap32().toString("base64");
}

function bytesOf({ buffer, byteOffset, byteLength }: VectorData): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** The shortest number that is this float32: 9 digits tell all of them apart, most need fewer than a double would show. */
function shortest(value: number): number {
  const short = Number(value.toPrecision(8));
  return Math.fround(short) === value ? short : Number(value.toPrecision(9));
}

/** Vectors as the server gives them, in one matrix: base64 of big-endian floats, or lists. */
export function decodedVectors(values: readonly unknown[], layout: Layout): Matrix<VectorData> {
  const isBits = layout.vectorType === "bits";
  const length = isBits ? layout.dimension / 8 : layout.dimension;
  const data = isBits ? new Uint8Array(values.length * length) : new Float32Array(values.length * length);
  values.forEach((value, row) => {
    data.set(decoded(value, length, isBits), row * length);
  });
  return matrix<VectorData>(data, layout.dimension);
}

function decoded(value: unknown, length: number, isBits: boolean): ArrayLike<number> {
  if (Array.isArray(value) && value.length === length) return value;
  if (typeof value === "string") {
    if (isBits && value.length === 2 * length) return Buffer.from(value, "hex");
    const bytes = Buffer.from(value, "base64");
    if (isBits && bytes.length === length) return bytes;
    if (bytes.length === FLOAT_BYTES * length) return bigEndianFloats(bytes, length);
  }
  throw new NearsightError({
    code: "BACKEND_FAILED",
    message: `Expected a stored vector of ${length} numbers but Elasticsearch gave something else`,
    hint: "Open the index again: it may have been made anew",
  });
}

function bigEndianFloats(bytes: Buffer, length: number): Float32Array {
  // A copy, for small buffers begin at odd places of a shared one.
  const own = new Uint8Array(bytes);
  Buffer.from(own.buffer).swap32();
  return new Float32Array(own.buffer, 0, length);
}

/** What `query_vector` and scores of one query are made of. */
export interface QueryVector {
  readonly vector: VectorData;
  /** What a product with the vector sent has to be multiplied with. */
  readonly scale: number;
}

/**
 * The query as this index can be asked. `dot_product` takes unit vectors only. For cosine the server makes unit
 * vectors itself, but takes those whose squared length is within 0.001 of 1 as they are (`DenseVectorFieldMapper`,
 * `isNotUnitVector`).
 */
export function queryVector(query: VectorData, { similarity }: Layout): QueryVector {
  const isUnit = similarity === "cosine" || similarity === "dot_product";
  if (!isUnit || query instanceof Uint8Array) return { vector: query, scale: 1 };
  const length = Math.sqrt(squaredLength(query));
  if (length > 0 && Number.isFinite(length)) {
    const vector = query.map((value) => value / length);
    return { vector, scale: similarity === "cosine" ? 1 : length };
  }
  throw new NearsightError({
    code: "VECTOR_INVALID",
    message: "Expected a query that is not all zeros, for the index compares directions, but found one",
    hint: "Search for another vector",
  });
}

/**
 * What a vector is multiplied with before it is stored. One that is nearly of unit length, but not quite, would be
 * compared as if it were; twice as long, which changes no digit, the server makes a unit vector of it.
 */
export function storedScale(vector: VectorData, { similarity }: Layout): number {
  if (similarity !== "cosine") return 1;
  const off = Math.abs(squaredLength(vector) - 1);
  return off > ROUNDING && off < 2 * SERVER_TOLERANCE ? 2 : 1;
}

/** A unit vector of float32 is no farther from 1. */
const ROUNDING = 2e-6;
const SERVER_TOLERANCE = 1e-3;

function squaredLength(vector: VectorData): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return sum;
}

/** The distance of a hit by core's formulas. Formulas of scores: Elasticsearch reference, "dense_vector", `similarity`. */
export function distanceOfScore(
  score: number,
  { similarity, vectorType, dimension }: Layout,
  scale: number,
): number {
  // (dims - differing bits) / dims
  if (vectorType === "bits") return Math.round(dimension * (1 - score));
  switch (similarity) {
    case "cosine":
      // (1 + cosine) / 2
      return Math.max(0, 2 - 2 * score);
    case "dot_product":
      // (1 + product) / 2
      return (1 - 2 * score) * scale;
    case "max_inner_product":
      // product < 0 ? 1 / (1 - product) : 1 + product
      return score >= 1 ? 1 - score : 1 / score - 1;
    case "l2_norm":
      // 1 / (1 + distance²)
      return Math.sqrt(Math.max(0, 1 / score - 1));
  }
}

/** A distance as the `similarity` that a hit must have at least, with room for rounding; null where there is none to give. */
export function leastSimilarity(
  distance: number,
  { similarity, vectorType }: Layout,
  scale: number,
): number | null {
  if (!Number.isFinite(distance) || vectorType === "bits") return null;
  const roomy = distance + ROOM * Math.max(1, Math.abs(distance));
  if (similarity === "l2_norm") return Math.max(0, roomy);
  return similarity === "cosine" ? Math.max(-1, 1 - roomy) : -roomy / scale;
}

const ROOM = 1e-5;
