/** Vectors in a .npy file, with ids beside it: gives vectors to the samples of a data set, and writes them. */

import { type FileHandle, mkdir, open, readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { Dataset } from "../dataset/dataset.ts";
import type { ImportOptions, IoFailure } from "../dataset/io-port.ts";
import { NearsightError, throwIfAborted } from "../errors.ts";
import { matrix, vectorProblem } from "../matrix.ts";
import type { Extras, Format } from "./format.ts";
import {
  assertLength,
  NPY_HEAD_BYTES,
  type NpyData,
  type NpyHeader,
  npyHeader,
  readNpy,
  readNpyHeader,
  readNumbers,
} from "./npy.ts";
import { fullSamples, onlyField } from "./sample-rows.ts";
import { DEFAULT_EMBEDDINGS_FIELD, looksLikeTable } from "./table.ts";
import { openTextWriter } from "./text-file.ts";

const FILE_NAME = "embeddings.npy";

/** Vectors read, or written, together. */
const ROWS_PER_PART = 1_000;

export const npy: Format = {
  name: "npy",
  aliases: ["numpy"],
  endings: [".npy"],
  detect: (path) => looksLikeTable(path, npy, FILE_NAME),
  async *read() {
    // The file has no media: it gives vectors to samples that are there.
  },
  async finish(path, dataset, options) {
    const file = (await stat(path)).isFile() ? path : join(path, FILE_NAME);
    const handle = await open(file);
    try {
      return await addVectors(handle, file, dataset, options);
    } finally {
      await handle.close();
    }
  },
  async *write(samples, path, options) {
    const isFile = path.toLowerCase().endsWith(".npy");
    if (!isFile) await mkdir(path);
    const file = isFile ? path : join(path, FILE_NAME);
    const field = onlyField(await samples.dataset.fields(), ["vector"], "embeddingsField", options);
    const { vectors: none } = await samples.dataset.getVectors(field, []);
    const writer = await openVectorWriter(file, none.dimension);
    try {
      for await (const { sample, vectors } of fullSamples(samples, [field])) {
        const vector = vectors[field];
        if (vector === undefined) {
          yield { failed: { path: sample.filepath, reason: `The sample has no vector in '${field}'` } };
        } else {
          await writer.add(sample.id, vector);
          yield { written: sample.id };
        }
      }
    } finally {
      await writer.close();
    }
  },
};

/** Where ids lie: beside the file under its name, or for all files of the folder. */
function idFiles(file: string): string[] {
  const stem = join(dirname(file), basename(file, extname(file)));
  return [
    ...[`${stem}.ids.json`, `${stem}.ids.txt`],
    ...[join(dirname(file), "ids.json"), join(dirname(file), "ids.txt")],
  ];
}

async function addVectors(
  handle: FileHandle,
  file: string,
  dataset: Dataset,
  options: ImportOptions,
): Promise<Extras> {
  const { embeddingsField: field = DEFAULT_EMBEDDINGS_FIELD, maxSamples, signal } = options;
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(NPY_HEAD_BYTES), 0, NPY_HEAD_BYTES, 0);
  const header = readNpyHeader(buffer.subarray(0, bytesRead), file);
  assertLength(header, (await handle.stat()).size, file);
  const [rows = 0, dimension = 0] = header.shape;
  if (header.shape.length !== 2 || dimension === 0) throw noMatrix(file, header.shape);
  const ids = (await readIds(file)) ?? (await sampleIds(dataset));
  if (ids.length !== rows) throw otherCount(file, rows, ids.length);
  const failed: IoFailure[] = [];
  let updated = 0;
  for await (const part of readParts(handle, header, Math.min(rows, maxSamples ?? rows))) {
    throwIfAborted(signal);
    const wanted = ids.slice(part.start, part.start + part.data.length / dimension);
    const known = await knownIds(dataset, wanted);
    const good: number[] = [];
    wanted.forEach((id, i) => {
      const vector = part.data.subarray(i * dimension, (i + 1) * dimension);
      const problem = known.has(id) ? vectorProblem(vector, false) : "is of no sample of the data set";
      if (problem === null) good.push(i);
      else
        failed.push({ path: `${file}: row ${part.start + i}`, reason: `The vector of '${id}' ${problem}` });
    });
    await dataset.setVectors(
      field,
      good.map((i) => wanted[i] ?? ""),
      matrix(pick(part.data, good, dimension), dimension),
    );
    updated += good.length;
  }
  return { savedViews: [], brainRuns: [], failed, updated };
}

async function readIds(file: string): Promise<string[] | null> {
  for (const path of idFiles(file)) {
    const text = await readFile(path, "utf8").catch(() => null);
    if (text === null) continue;
    if (path.endsWith(".txt")) return text.split(/\r?\n/).filter((line) => line !== "");
    const ids = parseJson(text);
    if (Array.isArray(ids)) return ids.map(String);
    throw new NearsightError({
      code: "MEDIA_INVALID",
      message: `Expected a JSON list of ids in '${path}' but found something else`,
      hint: "Write one id for each row of the array",
      details: { path },
    });
  }
  return null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function sampleIds(dataset: Dataset): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of dataset.ids()) for (const { id } of page) ids.push(id);
  return ids;
}

async function knownIds(dataset: Dataset, ids: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>();
  for await (const page of dataset.select(ids).ids()) for (const { id } of page) known.add(id);
  return known;
}

/** The rows as float32, some at a time; an array in Fortran order has them all over the file, and is read whole. */
async function* readParts(
  handle: FileHandle,
  header: NpyHeader,
  rows: number,
): AsyncGenerator<{ readonly start: number; readonly data: Float32Array }, void, undefined> {
  const dimension = header.shape[1] ?? 0;
  const whole = header.fortranOrder ? toFloats(readNpy(await readAll(handle)).data) : null;
  for (let start = 0; start < rows; start += ROWS_PER_PART) {
    const count = Math.min(ROWS_PER_PART, rows - start);
    if (whole !== null) {
      yield { start, data: whole.subarray(start * dimension, (start + count) * dimension) };
      continue;
    }
    const bytes = Buffer.alloc(count * dimension * header.width);
    await handle.read(bytes, 0, bytes.length, header.offset + start * dimension * header.width);
    yield { start, data: toFloats(readNumbers(header, bytes)) };
  }
}

async function readAll(handle: FileHandle): Promise<Uint8Array> {
  const bytes = Buffer.alloc((await handle.stat()).size);
  await handle.read(bytes, 0, bytes.length, 0);
  return bytes;
}

function toFloats(data: NpyData): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
}

function pick(data: Float32Array, rows: readonly number[], dimension: number): Float32Array {
  const picked = new Float32Array(rows.length * dimension);
  rows.forEach((row, i) => {
    picked.set(data.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  });
  return picked;
}

/** Writes vectors as they come: how many there are is put into the header at the end. */
async function openVectorWriter(file: string, dimension: number) {
  const handle = await open(file, "wx");
  const ids = await openTextWriter(`${file.slice(0, -extname(file).length)}.ids.json`);
  let rows = 0;
  let kept: Buffer[] = [];
  const header = () => npyHeader("float32", [rows, dimension]);
  await handle.write(header());
  const flush = async () => {
    await handle.writeFile(Buffer.concat(kept));
    kept = [];
  };
  return {
    async add(id: string, vector: Float32Array): Promise<void> {
      kept.push(Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength));
      await ids.write(`${rows === 0 ? "[" : ","}\n${JSON.stringify(id)}`);
      rows++;
      if (kept.length >= ROWS_PER_PART) await flush();
    },
    async close(): Promise<void> {
      try {
        await flush();
        // Of the same length as the first: headers come in steps of 64 bytes, and there is room for any number of rows.
        await handle.write(header(), 0, undefined, 0);
        await ids.write(rows === 0 ? "[]\n" : "\n]\n");
      } finally {
        await handle.close();
        await ids.close();
      }
    },
  };
}

function noMatrix(file: string, shape: readonly number[]): NearsightError {
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected an array of shape (rows, dimension) in '${file}' but found (${shape.join(", ")})`,
    hint: "Save one row for each sample",
    details: { path: file },
  });
}

function otherCount(file: string, rows: number, ids: number): NearsightError {
  return new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected a row for each of ${ids} ids but found ${rows} rows in '${file}'`,
    hint: "Put the ids of the rows beside the file, as a JSON list in ids.json",
    details: { path: file, rows, ids },
  });
}
