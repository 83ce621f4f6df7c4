/** Reads a query vector from a file: a JSON array, a .npy array of float32 or float64, or bare float32 numbers. */

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { NearsightError, NPY_MAGIC, readNpy } from "../core/index.ts";

/**
 * The numbers of the file. Bare files (any other ending) hold little-endian float32.
 * MEDIA_NOT_FOUND, VECTOR_INVALID.
 */
export async function readVector(path: string): Promise<number[]> {
  const content = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new NearsightError({
      code: "MEDIA_NOT_FOUND",
      message: `The vector file ${path} cannot be read: ${cause.code ?? cause.message}`,
      hint: "Give --vector a JSON array, a .npy file, or float32 numbers",
      cause,
    });
  });
  const numbers = parse(path, content);
  if (numbers.length > 0 && numbers.every(Number.isFinite)) return numbers;
  throw invalid(path, `${numbers.length} numbers, some of them not finite`);
}

function parse(path: string, content: Buffer): number[] {
  if (content.subarray(0, 6).equals(NPY_MAGIC)) return parseNpy(path, content);
  if (extname(path).toLowerCase() === ".json" || content[0] === "[".charCodeAt(0))
    return parseJson(path, content);
  return floats(path, content);
}

function parseJson(path: string, content: Buffer): number[] {
  let value: unknown;
  try {
    value = JSON.parse(content.toString("utf8"));
  } catch (error) {
    throw invalid(path, (error as Error).message);
  }
  // One row of a matrix is a vector too.
  const row = Array.isArray(value) && value.length === 1 && Array.isArray(value[0]) ? value[0] : value;
  if (Array.isArray(row) && row.every((one) => typeof one === "number")) return row;
  throw invalid(path, Array.isArray(row) ? "an array with other things in it" : typeof row);
}

function parseNpy(path: string, content: Buffer): number[] {
  const { shape, dtype, data } = readNpy(content, path);
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (shape.length === 0 || rows !== 1) throw invalid(path, `an array of shape (${shape.join(", ")})`);
  if (!dtype.startsWith("float")) throw invalid(path, `numbers of type ${dtype}`);
  return Array.from(data as Float32Array | Float64Array);
}

function floats(path: string, content: Buffer): number[] {
  if (content.length === 0 || content.length % 4 !== 0) throw invalid(path, `${content.length} bytes`);
  return Array.from({ length: content.length / 4 }, (_, i) => content.readFloatLE(i * 4));
}

function invalid(path: string, found: string): NearsightError {
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected one vector of finite numbers in ${path} but found ${found}`,
    hint: "Give a JSON array of numbers, a one-dimensional .npy of float32 or float64, or bare float32 numbers",
  });
}
