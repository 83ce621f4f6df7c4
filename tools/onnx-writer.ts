/** Writes ONNX files: just enough protobuf for graphs with weights, streamed so that weights need not fit in memory. */

import { open } from "node:fs/promises";

/** Bytes, or how many there will be and how to make them: weights are made while writing. */
export type Chunk = Uint8Array | { readonly length: number; make(): Uint8Array };

/** A protobuf message as pieces whose lengths are known. */
type Rope = readonly Chunk[];

export const FLOAT = 1;
export const INT64 = 7;

/** Attributes of a node: whole numbers, lists of them, or `{ float }`. */
export type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

/** A named input or output; names instead of sizes are free dimensions. */
export interface Port {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly (number | string)[];
}

/** Collects the nodes and weights of one graph. */
export class GraphBuilder {
  private readonly parts: Chunk[] = [];
  private count = 0;

  /** Adds a node with one output and gives the output's name. */
  node(type: string, inputs: readonly string[], attributes: Attributes = {}, output?: string): string {
    const name = output ?? `v${this.count++}`;
    const fields: Chunk[] = [];
    for (const input of inputs) fields.push(...text(1, input));
    fields.push(...text(2, name), ...text(4, type));
    for (const [key, value] of Object.entries(attributes)) fields.push(...message(5, attribute(key, value)));
    this.parts.push(...message(1, fields));
    return name;
  }

  /** Adds float32 weights. */
  weights(name: string, shape: readonly number[], values: Float32Array | (() => Float32Array)): string {
    const length = shape.reduce((product, size) => product * size, 1) * 4;
    const data = typeof values === "function" ? { length, make: () => bytesOf(values()) } : bytesOf(values);
    return this.tensor(name, shape, FLOAT, data);
  }

  /** Adds float32 weights that lie in a file beside the model. */
  external(name: string, shape: readonly number[], location: string): string {
    const where = message(13, [...text(1, "location"), ...text(2, location)]);
    const fields: Chunk[] = shape.flatMap((size) => integer(1, size));
    fields.push(...integer(2, FLOAT), ...text(8, name), ...where, ...integer(14, 1));
    this.parts.push(...message(5, fields));
    return name;
  }

  /** Adds whole numbers, such as a shape. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const data = new BigInt64Array(values.map(BigInt));
    return this.tensor(`c${this.count++}`, shape, INT64, bytesOf(data));
  }

  private tensor(name: string, shape: readonly number[], type: number, data: Chunk): string {
    const fields: Chunk[] = shape.flatMap((size) => integer(1, size));
    fields.push(...integer(2, type), ...text(8, name), ...field(9, [data]));
    this.parts.push(...message(5, fields));
    return name;
  }

  /** Writes the graph as a model file. */
  async write(path: string, inputs: readonly Port[], outputs: readonly Port[], opset = 17): Promise<void> {
    const graph = [
      ...this.parts,
      ...text(2, "graph"),
      ...inputs.flatMap((port) => message(11, portType(port))),
      ...outputs.flatMap((port) => message(12, portType(port))),
    ];
    const model = [
      ...integer(1, 8),
      ...message(7, graph),
      ...message(8, [...text(1, ""), ...integer(2, opset)]),
    ];
    const file = await open(path, "w");
    try {
      for (const chunk of joinSmall(model))
        await file.write(chunk instanceof Uint8Array ? chunk : chunk.make());
    } finally {
      await file.close();
    }
  }
}

function attribute(name: string, value: Attributes[string]): Rope {
  const head = text(1, name);
  if (typeof value === "number") return [...head, ...integer(3, value), ...integer(20, 2)];
  if ("float" in value) {
    const bytes = new Uint8Array(5);
    bytes[0] = (2 << 3) | 5;
    new DataView(bytes.buffer).setFloat32(1, value.float, true);
    return [...head, bytes, ...integer(20, 1)];
  }
  return [...head, ...value.flatMap((item) => integer(8, item)), ...integer(20, 7)];
}

function portType({ name, type, shape }: Port): Rope {
  const dimensions = shape.flatMap((size) =>
    message(1, typeof size === "number" ? integer(1, size) : text(2, size)),
  );
  const tensor = [...integer(1, type), ...message(2, dimensions)];
  return [...text(1, name), ...message(2, message(1, tensor))];
}

function message(number: number, fields: Rope): Rope {
  return field(number, fields);
}

function field(number: number, content: Rope): Rope {
  const length = content.reduce((sum, chunk) => sum + chunk.length, 0);
  return [varint((number << 3) | 2), varint(length), ...content];
}

function text(number: number, value: string): Rope {
  return field(number, [Buffer.from(value)]);
}

function integer(number: number, value: number): Rope {
  return [varint(number << 3), varint(value)];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Runs of small pieces as one, so that a file is written in few calls. */
function* joinSmall(chunks: Rope): Iterable<Chunk> {
  let small: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (chunk instanceof Uint8Array) small.push(chunk);
    else {
      yield Buffer.concat(small);
      small = [];
      yield chunk;
    }
  }
  yield Buffer.concat(small);
}
