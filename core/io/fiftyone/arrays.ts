/** NumPy arrays as FiftyOne stores them: a .npy file, compressed with zlib, as binary extended JSON. */

import { deflateSync, inflateSync } from "node:zlib";
import { isNearsightError } from "../../errors.ts";
import { type NpyArray, readNpy, writeNpy } from "../npy.ts";
import { type Document, extendedKind, isDocument } from "./extended-json.ts";

/** An array that inflates to more is refused: a few bytes can claim any size. */
const MAX_ARRAY_BYTES = 1 << 28;

/** The array of `{ $binary }`, or null where the value is none. */
export function readArray(value: unknown): NpyArray | null {
  if (extendedKind(value) !== "binary") return null;
  const { $binary: content } = value as Document;
  const base64 = isDocument(content) ? content.base64 : content;
  return typeof base64 === "string" ? inflateArray(base64) : null;
}

/** The array of base64 text, or null where the text is none. */
export function inflateArray(base64: string): NpyArray | null {
  const packed = Buffer.from(base64, "base64");
  // Every zlib stream of a .npy file starts with 0x78: other text need not be inflated to be refused.
  if (packed[0] !== 0x78) return null;
  try {
    return readNpy(inflateSync(packed, { maxOutputLength: MAX_ARRAY_BYTES }));
  } catch (error) {
    if (isNearsightError(error) || isZlibError(error)) return null;
    throw error;
  }
}

/** A float32 array as FiftyOne stores it. */
export function writeArray(data: Float32Array): Document {
  return { $binary: { base64: deflateSync(writeNpy({ data })).toString("base64"), subType: "00" } };
}

/** The numbers of an array as float32, and whether each one fits exactly; null where one is NaN or infinite. */
export function toFloat32({ data }: NpyArray): { numbers: Float32Array; exact: boolean } | null {
  const numbers = data instanceof Float32Array ? data : Float32Array.from(data as Iterable<never>, Number);
  let exact = true;
  for (let i = 0; i < numbers.length; i++) {
    if (!Number.isFinite(numbers[i])) return null;
    if (Number(data[i]) !== numbers[i]) exact = false;
  }
  return { numbers, exact };
}

function isZlibError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code.startsWith("Z_") || code === "ERR_BUFFER_TOO_LARGE";
}
