/** Reads and writes NumPy's .npy arrays. Format: numpy.lib.format, versions 1 to 3. */

import { NearsightError } from "../errors.ts";

/** The types of numbers an array may hold, by NumPy's names; objects and records are refused. */
export type NpyType =
  | "bool"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "float16"
  | "float32"
  | "float64";

/** bool comes as 0 and 1 in a Uint8Array, float16 as a Float32Array. */
export type NpyData =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** An array in C order: the last index runs fastest. */
export interface NpyArray {
  readonly dtype: NpyType;
  /** Empty for a single number. */
  readonly shape: readonly number[];
  readonly data: NpyData;
}

/** What the first bytes of a file say about the rest. */
export interface NpyHeader {
  readonly dtype: NpyType;
  readonly littleEndian: boolean;
  /** True where the first index runs fastest. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Elements: the product of the shape. */
  readonly size: number;
  /** Bytes of one element. */
  readonly width: number;
  /** Where the numbers start. */
  readonly offset: number;
}

interface Kind {
  readonly dtype: NpyType;
  readonly width: number;
  readonly make: (size: number) => NpyData;
  readonly read: (view: DataView, offset: number, little: boolean) => number | bigint;
}

/** By the letter and size of NumPy's type texts, such as `<f4`. */
const KINDS: Readonly<Record<string, Kind>> = {
  b1: kind("bool", 1, Uint8Array, (view, at) => (view.getUint8(at) === 0 ? 0 : 1)),
  i1: kind("int8", 1, Int8Array, (view, at) => view.getInt8(at)),
  i2: kind("int16", 2, Int16Array, (view, at, little) => view.getInt16(at, little)),
  i4: kind("int32", 4, Int32Array, (view, at, little) => view.getInt32(at, little)),
  i8: kind("int64", 8, BigInt64Array, (view, at, little) => view.getBigInt64(at, little)),
  u1: kind("uint8", 1, Uint8Array, (view, at) => view.getUint8(at)),
  u2: kind("uint16", 2, Uint16Array, (view, at, little) => view.getUint16(at, little)),
  u4: kind("uint32", 4, Uint32Array, (view, at, little) => view.getUint32(at, little)),
  u8: kind("uint64", 8, BigUint64Array, (view, at, little) => view.getBigUint64(at, little)),
  f2: kind("float16", 2, Float32Array, (view, at, little) => fromHalf(view.getUint16(at, little))),
  f4: kind("float32", 4, Float32Array, (view, at, little) => view.getFloat32(at, little)),
  f8: kind("float64", 8, Float64Array, (view, at, little) => view.getFloat64(at, little)),
};

/** The bytes every .npy file starts with. */
export const NPY_MAGIC = Buffer.from("\x93NUMPY", "latin1");

/** NumPy itself reads no longer header. */
const MAX_HEADER_BYTES = 10_000;

/** NumPy has no more dimensions. */
const MAX_DIMENSIONS = 64;

/** Bytes that hold every header that is accepted. */
export const NPY_HEAD_BYTES = 12 + MAX_HEADER_BYTES;

/** The header of a .npy file, given its first bytes: `NPY_HEAD_BYTES` of them, or all. VECTOR_INVALID. */
export function readNpyHeader(bytes: Uint8Array, name = "the array"): NpyHeader {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!content.subarray(0, 6).equals(NPY_MAGIC)) throw invalid(name, "bytes that are no .npy file");
  const version = content[6] ?? 0;
  if (version < 1 || version > 3) throw invalid(name, `a .npy file of version ${version}`);
  const start = version === 1 ? 10 : 12;
  if (content.length < start) throw invalid(name, "a file that ends in its header");
  const length = version === 1 ? content.readUInt16LE(8) : content.readUInt32LE(8);
  if (length > MAX_HEADER_BYTES) throw invalid(name, `a header of ${length} bytes`);
  const offset = start + length;
  if (content.length < offset) throw invalid(name, "a file that ends in its header");
  const text = content.subarray(start, offset).toString(version === 3 ? "utf8" : "latin1");
  return { ...parseHeader(text, name), offset };
}

/**
 * The array of a .npy file, in C order whatever the file's. Versions 1 to 3, both byte orders, float16 to
 * float64, integers and booleans. VECTOR_INVALID for anything else, before memory is taken for it.
 *
 * @example
 * const { shape, data } = readNpy(await readFile("embeddings.npy"));
 */
export function readNpy(bytes: Uint8Array, name = "the array"): NpyArray {
  const header = readNpyHeader(bytes, name);
  assertLength(header, bytes.byteLength, name);
  const content = bytes.subarray(header.offset);
  const { dtype, shape } = header;
  const data = readNumbers(header, content);
  return { dtype, shape, data: header.fortranOrder ? toRowOrder(data, shape) : data };
}

/** Throws VECTOR_INVALID unless a file of `length` bytes holds just what its header says. */
export function assertLength(header: NpyHeader, length: number, name: string): void {
  const expected = header.size * header.width;
  const found = length - header.offset;
  if (found === expected) return;
  throw invalid(name, `${found} bytes for shape (${header.shape.join(", ")}) instead of ${expected}`);
}

/** The numbers of some whole elements, in the order of the file. */
export function readNumbers(header: NpyHeader, content: Uint8Array): NpyData {
  const { read, make } = kindOf(header.dtype);
  const size = content.byteLength / header.width;
  const data = make(size);
  // Little-endian numbers that are kept as they are need no reading one by one.
  if (header.littleEndian && data.byteLength === content.byteLength && header.dtype !== "bool") {
    new Uint8Array(data.buffer).set(content);
    return data;
  }
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let i = 0; i < size; i++) data[i] = read(view, i * header.width, header.littleEndian);
  return data;
}

/**
 * A .npy file (version 1, C order, little-endian) of the numbers; `shape` defaults to one dimension.
 *
 * @example
 * await writeFile("embeddings.npy", writeNpy({ data: embeddings.data, shape: embeddings.shape }));
 */
export function writeNpy(array: {
  readonly data: NpyData;
  readonly shape?: readonly number[];
  /** `bool` marks a Uint8Array as truth values. Default: the array's own type. */
  readonly dtype?: "bool";
}): Uint8Array {
  const { data, shape = [data.length], dtype } = array;
  const header = npyHeader(dtype ?? typeOf(data), shape);
  if (product(shape) !== data.length) {
    throw invalid("the array to write", `${data.length} elements for shape (${shape.join(", ")})`);
  }
  const bytes = new Uint8Array(header.length + data.byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.length);
  return bytes;
}

/** What stands before the numbers in a file of this type and shape. */
export function npyHeader(dtype: NpyType, shape: readonly number[]): Uint8Array {
  const [code] = Object.entries(KINDS).find(([, one]) => one.dtype === dtype) ?? ["f4"];
  const order = code.endsWith("1") ? "|" : "<";
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // The numbers start at a multiple of 64 bytes, after a line break.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + length, " ");
  NPY_MAGIC.copy(header);
  header.set([1, 0], 6);
  header.writeUInt16LE(length, 8);
  header.write(text, 10, "latin1");
  header.write("\n", 10 + length - 1, "latin1");
  return header;
}

function parseHeader(text: string, name: string): Omit<NpyHeader, "offset"> {
  const descr = /'descr':\s*'([<>|=]?)(\w+)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  // Python 2 wrote (3L, 4L).
  const sizes = /'shape':\s*\(([\d,L\s]*)\)/.exec(text)?.[1];
  if (descr === null) throw invalid(name, "records, or a header without a type");
  if (order === undefined || sizes === undefined) throw invalid(name, "a header without order and shape");
  const found = Object.hasOwn(KINDS, descr[2] ?? "") ? KINDS[descr[2] ?? ""] : undefined;
  if (found === undefined) throw invalid(name, `elements of type '${descr[1]}${descr[2]}'`);
  const shape = (sizes.match(/\d+/g) ?? []).map(Number);
  const size = product(shape);
  if (shape.length > MAX_DIMENSIONS || !Number.isSafeInteger(size * found.width)) {
    throw invalid(name, `the shape (${sizes.slice(0, 80)})`);
  }
  const { dtype, width } = found;
  return { dtype, width, shape, size, littleEndian: descr[1] !== ">", fortranOrder: order === "True" };
}

/** The elements with the last index running fastest, from those with the first. */
function toRowOrder(data: NpyData, shape: readonly number[]): NpyData {
  const ordered = data.slice();
  const index = shape.map(() => 0);
  for (let from = 0; from < data.length; from++) {
    let to = 0;
    for (let axis = 0; axis < shape.length; axis++) to = to * (shape[axis] ?? 1) + (index[axis] ?? 0);
    ordered[to] = data[from] as never;
    for (let axis = 0; axis < shape.length; axis++) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
  return ordered;
}

/** IEEE 754 binary16: 1 sign bit, 5 of exponent, 10 of fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

function kind(dtype: NpyType, width: number, Data: new (size: number) => NpyData, read: Kind["read"]): Kind {
  return { dtype, width, make: (size) => new Data(size), read };
}

function kindOf(dtype: NpyType): Kind {
  return Object.values(KINDS).find((one) => one.dtype === dtype) as Kind;
}

function typeOf(data: NpyData): NpyType {
  const name = data.constructor.name.replace(/^Big|Array$/g, "").toLowerCase();
  return Object.values(KINDS).find((one) => one.dtype === name)?.dtype ?? "uint8";
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((size, one) => size * one, 1);
}

function invalid(name: string, found: string): NearsightError {
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected a .npy array of numbers in ${name} but found ${found}`,
    hint: "Save it with numpy.save as float32, in C order",
  });
}
