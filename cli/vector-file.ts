/** Reads a query vector from a file: a JSON array, a .npy array of float32 or float64, or bare float32 numbers. */

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { NearsightError } from "../core/index.ts";

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
  return floats(path, content, 4);
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

/** Format: numpy.lib.format, versions 1 to 3; the header is a Python literal. */
const NPY_MAGIC = Buffer.from("\x93NUMPY", "latin1");

function parseNpy(path: string, content: Buffer): number[] {
  const long = (content[6] ?? 1) >= 2;
  const start = long ? 12 : 10;
  if (content.length < start) throw invalid(path, "a .npy file that ends in its header");
  const end = start + (long ? content.readUInt32LE(8) : content.readUInt16LE(8));
  const header = content.subarray(start, end).toString("latin1");
  const kind = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "";
  const sizes = shape
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean)
    .map(Number);
  const rows = sizes.slice(0, -1).reduce((product, size) => product * size, 1);
  if (sizes.length === 0 || rows !== 1) throw invalid(path, `an array of shape (${shape})`);
  if (kind === "<f4") return floats(path, content.subarray(end), 4);
  if (kind === "<f8") return floats(path, content.subarray(end), 8);
  throw invalid(path, `numbers of type ${kind}`);
}

function floats(path: string, content: Buffer, width: 4 | 8): number[] {
  if (content.length === 0 || content.length % width !== 0) throw invalid(path, `${content.length} bytes`);
  const read = (i: number) => (width === 4 ? content.readFloatLE(i * 4) : content.readDoubleLE(i * 8));
  return Array.from({ length: content.length / width }, (_, i) => read(i));
}

function invalid(path: string, found: string): NearsightError {
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected one vector of finite numbers in ${path} but found ${found}`,
    hint: "Give a JSON array of numbers, a one-dimensional .npy of float32 or float64, or bare float32 numbers",
  });
}
