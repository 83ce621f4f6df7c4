/** Reads what an ONNX file says about itself (inputs, outputs, files beside it) without loading its weights. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { NearsightError } from "../errors.ts";

/** A named input or output of a graph. */
export interface OnnxPort {
  readonly name: string;
  /** The number of the element type: 1 float32, 7 int64, 10 float16, 11 float64. */
  readonly type: number;
  /** null where a dimension is free. */
  readonly shape: readonly (number | null)[];
}

export interface OnnxHeader {
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  /** Files with weights, relative to the model file. */
  readonly externalFiles: readonly string[];
}

/** A field of a protobuf message: its number, and its bytes from `start` to `end`, or its value. */
interface Field {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly value: number;
}

interface Source {
  readonly size: number;
  byte(position: number): number;
  text(start: number, end: number): string;
}

const WINDOW = 64 * 1024;

/** Reads the header of a model file; throws MODEL_INVALID for files that are no ONNX. */
export function readOnnxHeader(path: string): OnnxHeader {
  const file = openSync(path, "r");
  try {
    return parseModel(fileSource(file));
  } catch (error) {
    throw new NearsightError({
      code: "MODEL_INVALID",
      message: `Expected an ONNX model in ${path}: ${error instanceof Error ? error.message : String(error)}`,
      hint: "Download the file again; files kept by Git LFS may be only pointers",
      cause: error,
    });
  } finally {
    closeSync(file);
  }
}

// Field numbers are those of onnx.proto: ModelProto.graph = 7; GraphProto.initializer = 5, input = 11, output = 12.
function parseModel(source: Source): OnnxHeader {
  const graph = [...fields(source, 0, source.size)].find((field) => field.number === 7);
  if (graph === undefined) throw new Error("it holds no graph");
  const inputs: OnnxPort[] = [];
  const outputs: OnnxPort[] = [];
  const weights = new Set<string>();
  const externalFiles = new Set<string>();
  for (const field of fields(source, graph.start, graph.end)) {
    if (field.number === 5) readWeight(source, field, weights, externalFiles);
    if (field.number === 11) inputs.push(readPort(source, field));
    if (field.number === 12) outputs.push(readPort(source, field));
  }
  if (inputs.length === 0 || outputs.length === 0) throw new Error("its graph has no inputs or no outputs");
  // Older exporters list weights among the inputs.
  return {
    inputs: inputs.filter(({ name }) => !weights.has(name)),
    outputs,
    externalFiles: [...externalFiles],
  };
}

// TensorProto: name = 8, external_data = 13 (pairs of key = 1, value = 2).
function readWeight(source: Source, tensor: Field, names: Set<string>, files: Set<string>): void {
  for (const field of fields(source, tensor.start, tensor.end)) {
    if (field.number === 8) names.add(source.text(field.start, field.end));
    if (field.number !== 13) continue;
    const [key, value] = [1, 2].map((number) => child(source, field, number));
    if (key && value && source.text(key.start, key.end) === "location")
      files.add(source.text(value.start, value.end));
  }
}

// ValueInfoProto: name = 1, type = 2; TypeProto.tensor_type = 1; elem_type = 1, shape = 2; dim = 1, dim_value = 1.
function readPort(source: Source, port: Field): OnnxPort {
  const name = child(source, port, 1);
  const type = child(source, port, 2);
  const tensor = type && child(source, type, 1);
  const shape = tensor && child(source, tensor, 2);
  const dimensions = shape
    ? [...fields(source, shape.start, shape.end)].filter((field) => field.number === 1)
    : [];
  return {
    name: name ? source.text(name.start, name.end) : "",
    type: (tensor && child(source, tensor, 1)?.value) ?? 0,
    shape: dimensions.map((dimension) => child(source, dimension, 1)?.value ?? null),
  };
}

function child(source: Source, parent: Field, number: number): Field | undefined {
  for (const field of fields(source, parent.start, parent.end)) if (field.number === number) return field;
  return undefined;
}

function* fields(source: Source, from: number, to: number): Iterable<Field> {
  let position = from;
  while (position < to) {
    const [tag, afterTag] = varint(source, position, to);
    const number = Math.floor(tag / 8);
    const kind = tag % 8;
    if (number === 0) throw new Error("its bytes are not protobuf");
    const [value, start] = kind === 0 || kind === 2 ? varint(source, afterTag, to) : [0, afterTag];
    const end = start + lengthOf(kind, value);
    if (end > to) throw new Error("it is cut off");
    yield { number, start, end, value };
    position = end;
  }
}

function lengthOf(kind: number, value: number): number {
  if (kind === 0) return 0;
  if (kind === 1) return 8;
  if (kind === 2) return value;
  if (kind === 5) return 4;
  throw new Error("its bytes are not protobuf");
}

function varint(source: Source, from: number, to: number): [value: number, end: number] {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    if (from + i >= to) throw new Error("it is cut off");
    const byte = source.byte(from + i);
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return [value, from + i + 1];
  }
  throw new Error("its bytes are not protobuf");
}

/** Reads a file through a small window: weights are skipped, not loaded. */
function fileSource(file: number): Source {
  const size = fstatSync(file).size;
  const window = Buffer.alloc(WINDOW);
  let start = 0;
  let filled = 0;
  return {
    size,
    byte(position) {
      if (position < start || position >= start + filled) {
        start = position;
        filled = readSync(file, window, 0, WINDOW, position);
      }
      return window[position - start] as number;
    },
    text(from, to) {
      if (to - from > WINDOW) throw new Error("a name in it is too long");
      const bytes = Buffer.alloc(to - from);
      readSync(file, bytes, 0, to - from, from);
      return bytes.toString("utf8");
    },
  };
}
