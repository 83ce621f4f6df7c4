/** Parquet: one sample a row, vectors as lists of float32, labels as JSON; read and written by row groups. */

import type { FileMetaData, SchemaElement } from "hyparquet";
import type { ColumnSource } from "hyparquet-writer";
import type { ImportOptions } from "../dataset/io-port.ts";
import { isNearsightError, NearsightError } from "../errors.ts";
import type { FieldRecord } from "../store/store.ts";
import type { Format } from "./format.ts";
import { type FullSample, fullSamples, sampleFailure, vectorFieldsOf } from "./sample-rows.ts";
import {
  asVector,
  DEFAULT_EMBEDDINGS_FIELD,
  define,
  looksLikeTable,
  tableSource,
  tableTarget,
  toSampleInput,
} from "./table.ts";

const FILE_NAME = "samples.parquet";

/** Rows of a group: 4,096 vectors of 512 numbers are 8 MiB. */
const ROWS_PER_GROUP = 4_096;

/** More rows in one group than this would not fit into memory: pandas writes a million at most. */
const MAX_ROWS_PER_GROUP = 10_000_000;

/** A row to write: the sample, and its path in the file. */
interface PlacedSample extends FullSample {
  readonly filepath: string;
}

interface Column {
  readonly name: string;
  readonly schema: readonly SchemaElement[];
  value(row: PlacedSample): unknown;
}

export const parquet: Format = {
  name: "parquet",
  aliases: [],
  endings: [".parquet"],
  detect: (path) => looksLikeTable(path, parquet, FILE_NAME),
  async *read(path, options) {
    const { file, bases } = await tableSource(path, FILE_NAME, options);
    let number = 0;
    for await (const record of readRecords(file, options)) {
      const place = `${file}: row ${number++}`;
      try {
        yield { sample: toSampleInput(record, bases), place };
      } catch (error) {
        yield { failed: { path: place, reason: (error as Error).message } };
      }
    }
  },
  async *write(samples, path, options) {
    const { fileWriter, ParquetWriter } = await import("hyparquet-writer");
    const fields = await samples.dataset.fields();
    const vectorFields = vectorFieldsOf(fields, options);
    const target = await tableTarget(path, parquet, FILE_NAME, options);
    const columns = columnsOf(fields, vectorFields);
    const schema = [
      { name: "schema", num_children: columns.length },
      ...columns.flatMap((column) => column.schema),
    ];
    const writer = new ParquetWriter({ writer: fileWriter(target.file), schema, createdBy: "nearsight" });
    let group: PlacedSample[] = [];
    const flush = async () => {
      const columnData = columns.map(({ name, value }): ColumnSource => ({ name, data: group.map(value) }));
      if (group.length > 0) await writer.write({ columnData, rowGroupSize: ROWS_PER_GROUP });
      group = [];
    };
    for await (const row of fullSamples(samples, vectorFields)) {
      const { id, filepath } = row.sample;
      try {
        group.push({ ...row, filepath: await target.place(filepath) });
        yield { written: id };
      } catch (error) {
        yield { failed: sampleFailure(error, filepath) };
      }
      if (group.length >= ROWS_PER_GROUP) await flush();
    }
    await flush();
    await writer.finish();
  },
};

function columnsOf(fields: readonly FieldRecord[], vectorFields: readonly string[]): Column[] {
  return [
    textColumn("id", ({ sample }) => sample.id),
    textColumn("filepath", ({ filepath }) => filepath),
    textColumn("mediaType", ({ sample }) => sample.mediaType),
    {
      name: "tags",
      schema: listSchema("tags", { type: "BYTE_ARRAY", converted_type: "UTF8" }),
      value: ({ sample }) => sample.tags,
    },
    ...fields.filter(({ type }) => type !== "vector").map(fieldColumn),
    ...vectorFields.map(
      (name): Column => ({
        name,
        schema: listSchema(name, { type: "FLOAT" }),
        value: ({ vectors }) => {
          const vector = Object.hasOwn(vectors, name) ? vectors[name] : undefined;
          return vector === undefined ? null : Array.from(vector);
        },
      }),
    ),
  ];
}

function textColumn(name: string, value: (row: PlacedSample) => string): Column {
  return {
    name,
    schema: [{ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" }],
    value,
  };
}

/** Lists, objects and labels are JSON: they can hold anything. */
function fieldColumn({ name, type }: FieldRecord): Column {
  const kinds = {
    string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
    number: { type: "DOUBLE" },
    boolean: { type: "BOOLEAN" },
    json: { type: "BYTE_ARRAY", converted_type: "JSON" },
  } as const;
  const kind = type === "string" || type === "number" || type === "boolean" ? type : "json";
  return {
    name,
    schema: [{ name, repetition_type: "OPTIONAL", ...kinds[kind] }],
    value: ({ sample }) => (Object.hasOwn(sample.fields, name) ? (sample.fields[name] ?? null) : null),
  };
}

/** Three levels, as the format asks for. https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists */
function listSchema(name: string, element: Omit<SchemaElement, "name">): SchemaElement[] {
  return [
    { name, repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "REQUIRED", ...element },
  ];
}

/** The rows of a file, one group in memory at a time; vectors as Float32Array. MEDIA_INVALID, LIMIT_EXCEEDED */
async function* readRecords(
  file: string,
  options: ImportOptions,
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const buffer = await asyncBufferFromFile(file);
  const metadata = await understood(file, () => parquetMetadataAsync(buffer));
  const { embeddingsField = DEFAULT_EMBEDDINGS_FIELD } = options;
  const vectorNames = vectorColumns(metadata, embeddingsField);
  const texts = hugeColumns(metadata);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const size = Number(group.num_rows);
    if (size > MAX_ROWS_PER_GROUP) throw tooManyRows(file, size);
    const range = { rowStart, rowEnd: rowStart + size };
    const records = await understood(file, () =>
      parquetReadObjects({ file: buffer, metadata, compressors, parsers: { stringFromBytes }, ...range }),
    );
    for (const record of records) yield toPlain(withVectors(record, vectorNames), texts);
    rowStart += size;
  }
}

/** The library's own takes a byte order mark away, which is a character like others here. */
function stringFromBytes(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Columns that are lists of float32, or of any floats under the name for vectors. */
function vectorColumns({ schema }: FileMetaData, embeddingsField: string): string[] {
  const names: string[] = [];
  let place = 1;
  for (let column = 0; column < (schema[0]?.num_children ?? 0); column++) {
    const end = endOf(schema, place);
    const leaf = schema[end - 1];
    const name = schema[place]?.name ?? "";
    const isList = schema[place]?.converted_type === "LIST" || schema[place]?.logical_type?.type === "LIST";
    const isFloat = leaf?.type === "FLOAT" || leaf?.logical_type?.type === "FLOAT16";
    if (isList && end - place === 3 && (isFloat || (leaf?.type === "DOUBLE" && name === embeddingsField))) {
      names.push(name);
    }
    place = end;
  }
  return names;
}

/** Columns of whole numbers of which some are larger than a number can hold: they become texts, all of them. */
function hugeColumns({ row_groups }: FileMetaData): Set<string> {
  const names = new Set<string>();
  for (const { meta_data } of row_groups.flatMap(({ columns }) => columns)) {
    const { min_value, max_value, min, max } = meta_data?.statistics ?? {};
    const bounds = [min_value ?? min, max_value ?? max];
    if (bounds.some((bound) => typeof bound === "bigint" && !isSafe(bound))) {
      names.add(meta_data?.path_in_schema[0] ?? "");
    }
  }
  return names;
}

function isSafe(value: bigint): boolean {
  return Number.isSafeInteger(Number(value));
}

/** Where the next element of the same level starts: the schema is a tree, flattened. */
function endOf(schema: readonly SchemaElement[], place: number): number {
  let open = 1;
  let end = place;
  for (; open > 0 && end < schema.length; end++) open += (schema[end]?.num_children ?? 0) - 1;
  return end;
}

function withVectors(
  record: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  const changed: Record<string, unknown> = { ...record };
  for (const name of names) {
    const value = record[name] as ArrayLike<number> | null | undefined;
    if (value !== null && value !== undefined) define(changed, name, asVector(Array.from(value)));
  }
  return changed;
}

/** Whole numbers of 64 bits as numbers, or as texts where they are too large; dates stay for the data set to write. */
function toPlain(
  record: Readonly<Record<string, unknown>>,
  texts: ReadonlySet<string> = new Set(),
): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) define(plain, name, plainValue(value, texts.has(name)));
  return plain;
}

function plainValue(value: unknown, asText = false): unknown {
  if (typeof value === "bigint") return asText || !isSafe(value) ? String(value) : Number(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  // Bytes are refused with the sample, by its name: no field can hold them.
  if (value instanceof Float32Array || value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value))
    return Array.from(value as unknown as Iterable<unknown>, (one) => plainValue(one));
  if (Array.isArray(value)) return value.map((one) => plainValue(one));
  return toPlain(value as Record<string, unknown>);
}

async function understood<Result>(file: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (isNearsightError(error)) throw error;
    throw new NearsightError({
      code: "MEDIA_INVALID",
      message: `Expected a Parquet file at '${file}' but found: ${(error as Error).message}`,
      hint: "Write the file again, with snappy or zstd",
      details: { path: file },
      cause: error,
    });
  }
}

function tooManyRows(file: string, rows: number): NearsightError {
  return new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `Expected at most ${MAX_ROWS_PER_GROUP} rows in each group of '${file}' but found ${rows}`,
    hint: "Write the file again with smaller row groups",
    details: { limit: MAX_ROWS_PER_GROUP, found: rows },
  });
}
