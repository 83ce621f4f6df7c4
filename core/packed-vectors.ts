/** Vectors as JSON carries them: base64 of their bytes, a quarter of the length that decimals take. */

import { NearsightError } from "./errors.ts";
import { type Matrix, matrix, type VectorData } from "./matrix.ts";

/** Vectors of one dimension, row after row. */
export interface PackedVectors {
  /** `float32`: little-endian numbers; `bits`: 8 to a byte, lowest bit first. */
  readonly type: "float32" | "bits";
  /** Numbers, or bits, of one vector. */
  readonly dimension: number;
  /** Base64. */
  readonly data: string;
}

/** Characters made from bytes at once: a call takes so many arguments. */
const BYTES_PER_CALL = 0x8000;

/**
 * Packs vectors for a request or a file.
 *
 * @example
 * const { embeddings } = await dataset.computeEmbeddings("nearsight-tiny");
 * packVectors(embeddings).dimension; // 512
 */
export function packVectors({ data, dimension }: Matrix<VectorData>): PackedVectors {
  if (data instanceof Uint8Array) return { type: "bits", dimension, data: toBase64(data) };
  const bytes = new DataView(new ArrayBuffer(data.length * 4));
  data.forEach((value, i) => {
    bytes.setFloat32(i * 4, value, true);
  });
  return { type: "float32", dimension, data: toBase64(new Uint8Array(bytes.buffer)) };
}

/**
 * The vectors again; VECTOR_INVALID where the text is no base64, DIMENSION_MISMATCH where it is no whole number of
 * vectors.
 *
 * @example
 * unpackVectors({ type: "float32", dimension: 1, data: "AACAPw==" }).row(0)[0]; // 1
 */
export function unpackVectors({ type, dimension, data }: PackedVectors): Matrix<VectorData> {
  const bytes = fromBase64(data);
  if (type === "bits") return matrix<VectorData>(bytes, dimension);
  if (bytes.length % 4 !== 0) throw invalid(`${bytes.length} bytes`);
  const view = new DataView(bytes.buffer);
  return matrix<VectorData>(
    Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true)),
    dimension,
  );
}

/** What browsers, Node.js and Deno have alike. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += BYTES_PER_CALL) {
    text += String.fromCharCode(...bytes.subarray(start, start + BYTES_PER_CALL));
  }
  return btoa(text);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (error) {
    throw invalid("something else", error);
  }
}

function invalid(found: string, cause?: unknown): NearsightError {
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected vectors as base64 of float32 numbers but found ${found}`,
    hint: "Pack them with packVectors(), or give lists of numbers",
    cause,
  });
}
