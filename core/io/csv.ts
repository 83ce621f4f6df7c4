/** CSV with a header, as FiftyOne's CSVDataset: one sample a row, each column of one kind. */

import { createReadStream } from "node:fs";
import type { Options, Parser } from "csv-parse";
import type { ImportOptions, IoFailure } from "../dataset/io-port.ts";
import { NearsightError } from "../errors.ts";
import type { FieldRecord } from "../store/store.ts";
import { type CellKind, decodeCell, decodeTags, encodeCell, encodeTags, kindOfCell } from "./csv-cells.ts";
import type { Format } from "./format.ts";
import { numbers } from "./jsonl.ts";
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
import { MAX_LINE_BYTES, openTextWriter } from "./text-file.ts";

/** FiftyOne's name. */
const FILE_NAME = "labels.csv";

/** A vector column names its dimension: `embeddings[512]`. */
const VECTOR_COLUMN = /^(.+)\[(\d+)\]$/s;

/** Columns that are texts whatever they look like. */
const TEXT_COLUMNS: readonly string[] = ["id", "filepath", "mediaType"];

interface Column {
  readonly name: string;
  readonly kind: CellKind | "tags" | "vector" | "label";
}

export const csv: Format = {
  name: "csv",
  aliases: ["CSVDataset", "tsv"],
  endings: [".csv", ".tsv"],
  detect: (path) => looksLikeTable(path, csv, FILE_NAME),
  async *read(path, options) {
    const { file, bases } = await tableSource(path, FILE_NAME, options);
    const columns = await readColumns(file, options);
    for await (const row of readRows(file)) {
      const place = `${file}: line ${row.line}`;
      if ("failed" in row) yield { failed: row.failed };
      else {
        try {
          yield { sample: toSampleInput(toRecord(row.cells, columns), bases), place };
        } catch (error) {
          yield { failed: { path: place, reason: (error as Error).message } };
        }
      }
    }
  },
  async *write(samples, path, options) {
    const { stringify } = await import("csv-stringify/sync");
    const fields = await samples.dataset.fields();
    const vectorFields = vectorFieldsOf(fields, options);
    const plainFields = fields.filter(({ type }) => type !== "vector");
    const target = await tableTarget(path, csv, FILE_NAME, options, { inMedia: true });
    const delimiter = delimiterOf(target.file);
    const writer = await openTextWriter(target.file);
    try {
      const vectorColumns = await dimensions(samples.dataset, vectorFields);
      await writer.write(stringify([header(plainFields, vectorColumns)], { delimiter }));
      for await (const row of fullSamples(samples, vectorFields)) {
        const { id, filepath } = row.sample;
        try {
          const place = await target.place(filepath);
          await writer.write(stringify([cells(row, place, plainFields, vectorFields)], { delimiter }));
          yield { written: id };
        } catch (error) {
          yield { failed: sampleFailure(error, filepath) };
        }
      }
    } finally {
      await writer.close();
    }
  },
};

/** Vector columns by field; a field that no sample of the view has is left out of the header by its dimension 0. */
async function dimensions(
  dataset: { getVectors(field: string, ids: string[]): Promise<{ vectors: { dimension: number } }> },
  fields: readonly string[],
): Promise<string[]> {
  const names: string[] = [];
  for (const field of fields) {
    const { vectors } = await dataset.getVectors(field, []);
    names.push(`${field}[${vectors.dimension}]`);
  }
  return names;
}

function header(fields: readonly FieldRecord[], vectorColumns: readonly string[]): string[] {
  return ["id", "filepath", "mediaType", "tags", ...fields.map(({ name }) => name), ...vectorColumns];
}

function cells(
  { sample, vectors }: FullSample,
  filepath: string,
  fields: readonly FieldRecord[],
  vectorFields: readonly string[],
): string[] {
  return [
    ...[sample.id, filepath, sample.mediaType, encodeTags(sample.tags)],
    ...fields.map(({ name }) =>
      encodeCell(Object.hasOwn(sample.fields, name) ? sample.fields[name] : undefined),
    ),
    ...vectorFields.map((name) => {
      const vector = Object.hasOwn(vectors, name) ? vectors[name] : undefined;
      return vector === undefined ? "" : numbers(vector);
    }),
  ];
}

type Row =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly failed: IoFailure };

/** The rows after the header; those with more cells than the header, or broken quotes, failed. */
async function* readRows(file: string): AsyncGenerator<Row, void, undefined> {
  const skipped: Row[] = [];
  let width = -1;
  for await (const { record, info } of parseFile(file, skipped)) {
    yield* skipped.splice(0);
    const { lines: line } = info;
    if (width < 0) width = record.length;
    else if (record.length <= width) yield { line, cells: record };
    else yield fail(file, line, `The row has ${record.length} cells but the header ${width}`);
  }
  yield* skipped.splice(0);
}

async function* parseFile(
  file: string,
  skipped: Row[],
): AsyncGenerator<{ record: string[]; info: { lines: number } }, void, undefined> {
  const { parse } = await import("csv-parse");
  const options: Options = {
    bom: true,
    delimiter: delimiterOf(file),
    info: true,
    relax_column_count: true,
    // After a quote in the wrong place the parser would lose the rows that follow: it is taken as it stands.
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MAX_LINE_BYTES,
    on_skip(error) {
      const line = Number(error?.["lines"] ?? 0);
      skipped.push(fail(file, line, error?.message ?? "The row cannot be read"));
      return undefined;
    },
  };
  const input = createReadStream(file);
  const parser: Parser = parse(options);
  input.on("error", (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    yield* parser;
  } finally {
    input.destroy();
  }
}

function fail(file: string, line: number, reason: string): Row {
  return { line, failed: { path: `${file}: line ${line}`, reason } };
}

function delimiterOf(file: string): string {
  return file.toLowerCase().endsWith(".tsv") ? "\t" : ",";
}

/** The columns by what all of their cells are: the file is read once for it, so that no row is taken otherwise. */
async function readColumns(file: string, options: ImportOptions): Promise<Column[]> {
  const names = await readHeader(file);
  const kinds = names.map(() => new Set<CellKind>());
  for await (const row of readRows(file)) {
    if ("failed" in row) continue;
    row.cells.forEach((cell, i) => {
      const kind = kindOfCell(cell);
      if (kind !== null) kinds[i]?.add(kind);
    });
  }
  return names.map((name, i) => toColumn(name, [...(kinds[i] ?? [])], options));
}

async function readHeader(file: string): Promise<string[]> {
  const skipped: Row[] = [];
  let names: string[] = [];
  for await (const { record, info } of parseFile(file, skipped)) {
    // The parser reads ahead: what it skips after the header is of no concern here.
    if (skipped.every(({ line }) => line > info.lines)) names = record;
    break;
  }
  const doubled = names.find((name, i) => names.indexOf(name) !== i);
  if (names.length > 0 && doubled === undefined) return names;
  const found = doubled === undefined ? "none that can be read" : `the column '${doubled}' twice`;
  throw new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected a header with the names of columns in '${file}' but found ${found}`,
    hint: "Write the names into the first line, such as filepath,tags",
    details: { path: file },
  });
}

function toColumn(name: string, kinds: readonly CellKind[], options: ImportOptions): Column {
  const [kind = "text", ...others] = kinds;
  const vectorName = VECTOR_COLUMN.exec(name)?.[1];
  if (TEXT_COLUMNS.includes(name)) return { name, kind: "raw" };
  if (name === "tags") return { name, kind: "tags" };
  if (kind === "list" && others.length === 0) {
    if (vectorName !== undefined) return { name: vectorName, kind: "vector" };
    if (name === (options.embeddingsField ?? DEFAULT_EMBEDDINGS_FIELD)) return { name, kind: "vector" };
  }
  if (kinds.length === 0 && vectorName !== undefined) return { name: vectorName, kind: "vector" };
  // A column of plain texts is of labels only where the caller says so.
  if (kind === "text" && others.length === 0 && name === options.labelField) return { name, kind: "label" };
  return { name, kind: others.length === 0 ? kind : "raw" };
}

function toRecord(row: readonly string[], columns: readonly Column[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  columns.forEach(({ name, kind }, i) => {
    const cell = row[i] ?? "";
    if (cell !== "") define(record, name, toValue(cell, name, kind));
  });
  return record;
}

function toValue(cell: string, name: string, kind: Column["kind"]): unknown {
  if (kind === "tags") return decodeTags(cell);
  if (kind === "label") return { _cls: "Classification", label: decodeCell(cell, "text") };
  if (kind !== "vector") return decodeCell(cell, kind);
  const vector = asVector(decodeCell(cell, "list"));
  if (vector === null) throw new Error(`The vector '${name}' is no list of numbers`);
  return vector;
}
