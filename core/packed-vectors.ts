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
const BYTES_PER_CALL = 0x2000;

/**
 * Packs vectors for a request or a file.
 *
 * @example
 * const { embeddings } = await dataset.computeEmbeddings("nearsight-tiny");
 * packVectors(embeddings).dimension; // 512
 */
export function packVectors({ data, dimension }: Matrix<VectorData>): PackedVectors {
  // Machines that Node.js, Deno and browsers run on keep numbers little-endian.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { type: data instanceof Uint8Array ? "bits" : "float32", dimension, data: toBase64(bytes) };
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
  if (bytes.length % Float32Array.BYTES_PER_ELEMENT !== 0) throw invalid(`${bytes.length} bytes`);
  return matrix<VectorData>(new Float32Array(bytes.buffer), dimension);
}

/** What browsers, Node.js and Deno have alike. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += BYTES_PER_CALL) {
    // Ten times as fast as a spread.
    text += Reflect.apply(String.fromCharCode, null, bytes.subarray(start, start + BYTES_PER_CALL));
  }
  return btoa(text);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = decoded(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** A character for each byte. */
function decoded(base64: string): string {
  try {
    return atob(base64);
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
