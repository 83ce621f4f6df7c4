/**
 * Calls of Milvus through the gRPC stub of its SDK, without what the SDK does around each call.
 *
 * The SDK turns every message and every answer into JSON text for its log, whatever the log level: an insert of
 * 10,000 vectors of 512 numbers takes seconds, one of 60,000 cannot be sent. It copies vectors into arrays of
 * numbers, answers UNIMPLEMENTED as success, hides why a search failed, and can throw from a timer when it tries
 * again. The same stub takes the same messages from here with the same metadata (credentials, database), and
 * vectors as the bytes they are in memory, which are those that protobuf sends.
 */

import { Buffer } from "node:buffer";
import type { Matrix, VectorData } from "../../matrix.ts";
import { type CallFacts, type GrpcFailure, grpcError } from "./errors.ts";

/** `schema.DataType`. */
export const DATA_TYPE = { text: 21, json: 23, bits: 100, float32: 101 } as const;

/** What of the SDK's client is used here. */
export interface WireClient {
  readonly channelPool: {
    acquire(): PromiseLike<unknown>;
    release(stub: unknown): PromiseLike<unknown>;
  };
}

/** A message as the SDK's stub takes and gives it: fields by their names in Milvus' protocol. */
export type Message = Readonly<Record<string, unknown>>;

export interface WireOptions {
  readonly call: CallFacts;
  /** Milliseconds until the call is given up. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Vectors added to the message, as field `number` of it. */
  readonly vectors?: VectorColumn | undefined;
}

/** A column of vectors of a write. */
export interface VectorColumn {
  readonly name: string;
  readonly vectors: Matrix<VectorData>;
}

/** An answer, and the bytes of each vector column it had, by field name. */
export interface WireAnswer {
  readonly message: Message;
  readonly vectors: ReadonlyMap<string, Buffer>;
}

/** Calls a method once; its errors are those of `grpcError`. */
export async function callOnce(
  client: WireClient,
  method: string,
  request: Message,
  options: WireOptions,
): Promise<WireAnswer> {
  const stub = (await client.channelPool.acquire()) as Stub;
  try {
    return await callStub(stub, metadataOf(client), method, request, options);
  } finally {
    await client.channelPool.release(stub);
  }
}

function callStub(
  stub: Stub,
  metadata: ReadonlyMap<string, string>,
  method: string,
  request: Message,
  { call, timeout, signal, vectors }: WireOptions,
): Promise<WireAnswer> {
  const definition = stub[method] as MethodDefinition;
  const serialize = (message: Message): Buffer => {
    const start = definition.requestSerialize(message);
    return vectors === undefined ? start : Buffer.concat([start, ...vectorField(vectors)]);
  };
  const deserialize = (bytes: Buffer): WireAnswer => {
    const { rest, found } = withoutVectors(method, bytes);
    return { message: definition.responseDeserialize(rest), vectors: found };
  };
  const callOptions = { deadline: Date.now() + timeout, interceptors: [withMetadata(metadata)] };
  return new Promise((resolve, reject) => {
    const ended = (failure: GrpcFailure | null, answer?: WireAnswer) => {
      signal?.removeEventListener("abort", abort);
      if (failure === null && answer !== undefined) resolve(answer);
      else reject(grpcError(failure ?? { code: 13, details: "an answer without a message" }, call));
    };
    const running = stub.makeUnaryRequest(
      definition.path,
      serialize,
      deserialize,
      request,
      callOptions,
      ended,
    );
    const abort = () => running.cancel();
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
  });
}

/** The stub as grpc-js makes it: a method for each call, which carries its path and coders. */
interface Stub extends Readonly<Record<string, unknown>> {
  makeUnaryRequest(
    path: string,
    serialize: (message: Message) => Buffer,
    deserialize: (bytes: Buffer) => WireAnswer,
    message: Message,
    options: { deadline: number; interceptors: readonly Interceptor[] },
    ended: (failure: GrpcFailure | null, answer?: WireAnswer) => void,
  ): { cancel(): void };
}

interface MethodDefinition {
  readonly path: string;
  requestSerialize(message: Message): Buffer;
  responseDeserialize(bytes: Buffer): Message;
}

interface GrpcCall {
  start(metadata: { set(key: string, value: string): void }, listener: unknown): void;
}

type Interceptor = (options: unknown, nextCall: (options: unknown) => GrpcCall) => GrpcCall;

/** The credentials, database and client id that the SDK sends with each call. */
function metadataOf(client: WireClient): ReadonlyMap<string, string> {
  return (client as unknown as { metadata: ReadonlyMap<string, string> }).metadata;
}

/** Interceptors of a call replace those of the stub, one of which writes the JSON text. */
function withMetadata(entries: ReadonlyMap<string, string>): Interceptor {
  return (options, nextCall) => {
    const call = nextCall(options);
    const start = call.start.bind(call);
    call.start = (metadata, listener) => {
      for (const [key, value] of entries) metadata.set(key, value);
      start(metadata, listener);
    };
    return call;
  };
}

/** Fields of `milvus.InsertRequest`, `milvus.UpsertRequest`, `schema.FieldData`, `VectorField` and `FloatArray`. */
const FIELD = {
  requestColumns: 5,
  columnType: 1,
  columnName: 2,
  columnVectors: 4,
  dimension: 1,
  floats: 2,
  bits: 3,
  floatData: 1,
} as const;

/** Fields of an answer that hold columns: `milvus.QueryResults`. */
const ANSWER_COLUMNS: Readonly<Record<string, number>> = { Query: 2 };

/** A column as protobuf writes it. Fields may come in any order, so that it can follow the rest of a message. */
function vectorField({ name, vectors }: VectorColumn): Uint8Array[] {
  const { data, dimension } = vectors;
  const isBits = data instanceof Uint8Array;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const values = isBits
    ? delimited(FIELD.bits, [bytes])
    : delimited(FIELD.floats, delimited(FIELD.floatData, [bytes]));
  return delimited(FIELD.requestColumns, [
    ...number(FIELD.columnType, isBits ? DATA_TYPE.bits : DATA_TYPE.float32),
    ...delimited(FIELD.columnName, [Buffer.from(name)]),
    ...delimited(FIELD.columnVectors, [...number(FIELD.dimension, dimension), ...values]),
  ]);
}

function delimited(field: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return [varint(field * 8 + 2), varint(length), ...parts];
}

function number(field: number, value: number): Uint8Array[] {
  return [varint(field * 8), varint(value)];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  return Uint8Array.from([...bytes, left]);
}

/** Takes the vector columns out of an answer, so that the SDK's decoder need not make arrays of them. */
function withoutVectors(method: string, bytes: Buffer): { rest: Buffer; found: Map<string, Buffer> } {
  const found = new Map<string, Buffer>();
  const columns = ANSWER_COLUMNS[method];
  if (columns === undefined) return { rest: bytes, found };
  const kept: Buffer[] = [];
  for (const field of fieldsOf(bytes)) {
    const column = field.number === columns ? vectorColumn(field.value) : null;
    if (column === null) kept.push(field.whole);
    else found.set(column.name, column.bytes);
  }
  return { rest: found.size === 0 ? bytes : Buffer.concat(kept), found };
}

function vectorColumn(bytes: Buffer): { name: string; bytes: Buffer } | null {
  let name = "";
  let values: Buffer | null = null;
  for (const field of fieldsOf(bytes)) {
    if (field.number === FIELD.columnName) name = field.value.toString();
    if (field.number === FIELD.columnVectors) values = vectorBytes(field.value);
  }
  return values === null ? null : { name, bytes: values };
}

function vectorBytes(bytes: Buffer): Buffer {
  for (const field of fieldsOf(bytes)) {
    if (field.number === FIELD.bits) return field.value;
    if (field.number !== FIELD.floats) continue;
    for (const part of fieldsOf(field.value)) if (part.number === FIELD.floatData) return part.value;
  }
  return Buffer.alloc(0);
}

interface WireField {
  readonly number: number;
  /** Tag, length and value. */
  readonly whole: Buffer;
  /** Empty but for values with a length. */
  readonly value: Buffer;
}

/** Bytes of a value of the wire types of fixed length (protobuf.dev, "Encoding"). */
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

function* fieldsOf(bytes: Buffer): Generator<WireField> {
  let place = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[place++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (place < bytes.length) {
    const first = place;
    const tag = readVarint();
    const type = tag % 8;
    let value = bytes.subarray(0, 0);
    if (type === 0) readVarint();
    else {
      const length = type === 2 ? readVarint() : (FIXED_BYTES[type] ?? 0);
      value = bytes.subarray(place, place + length);
      place += length;
    }
    yield { number: Math.floor(tag / 8), whole: bytes.subarray(first, place), value };
  }
}

/** Queries of a search as the server takes them: `common.PlaceholderGroup` with one placeholder. */
export function placeholders({ data, rows, row }: Matrix<VectorData>): Buffer {
  const type = data instanceof Uint8Array ? DATA_TYPE.bits : DATA_TYPE.float32;
  const values = Array.from({ length: rows }, (_, i) => {
    const vector = row(i);
    return delimited(PLACEHOLDER.values, [Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)]);
  });
  const placeholder = [
    ...delimited(PLACEHOLDER.tag, [Buffer.from(PLACEHOLDER_TAG)]),
    ...number(PLACEHOLDER.type, type),
    ...values.flat(),
  ];
  return Buffer.concat(delimited(PLACEHOLDER.group, placeholder));
}

/** Fields of `common.PlaceholderValue`, and of the group of them. */
const PLACEHOLDER = { group: 1, tag: 1, type: 2, values: 3 } as const;
/** The name the server gives the queries of a search with a condition. */
const PLACEHOLDER_TAG = "$0";
