/** Seeded vectors for the benchmarks, kept as raw float32 files that Python reads as well. */

import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Batch } from "../../core/backends/backend.ts";
import { type Matrix, matrix } from "../../core/matrix.ts";
import { seededRandom } from "../../core/random.ts";

const CLUSTERS = 1000;
/** One row in so many repeats an earlier one with a little noise, as pictures in a collection do. */
const ROWS_PER_DOUBLE = 50;
const PART_ROWS = 10_000;
const BATCH_ROWS = 1000;

/** Where data, environments and results of the benchmarks are kept between runs. */
export const CACHE = resolve(import.meta.dirname, "../../.cache/bench");

/** Path of a file of `rows` vectors, made if there is none. */
export async function vectorFile(rows: number, dimension: number, seed: number): Promise<string> {
  const path = join(CACHE, `vectors-${rows}x${dimension}-${seed}.raw`);
  if (existsSync(path)) return path;
  await mkdir(CACHE, { recursive: true });
  const file = await open(`${path}.new`, "w");
  try {
    for await (const part of parts(rows, dimension, seed)) await file.write(part);
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  return path;
}

/** All vectors of such a file. */
export async function readVectors(path: string, dimension: number): Promise<Matrix> {
  const bytes = await readFile(path);
  return matrix(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4), dimension);
}

/** The vectors of such a file as batches, with ids that tell their row; flat in memory. */
export async function* batchesOf(path: string, dimension: number): AsyncIterable<Batch> {
  const file = await open(path);
  try {
    for (let first = 0; ; first += BATCH_ROWS) {
      const bytes = new Uint8Array(BATCH_ROWS * dimension * 4);
      const { bytesRead } = await file.read(bytes);
      if (bytesRead === 0) return;
      const vectors = matrix(new Float32Array(bytes.buffer, 0, bytesRead / 4), dimension);
      const ids = Array.from({ length: vectors.rows }, (_, i) => idOf(first + i));
      yield { ids, sampleIds: ids, vectors };
    }
  } finally {
    await file.close();
  }
}

/** The id of a row: as long as FiftyOne's. */
export function idOf(row: number): string {
  return row.toString(16).padStart(24, "0");
}

/** Unit vectors around cluster centres, as embeddings of pictures lie. */
async function* parts(rows: number, dimension: number, seed: number): AsyncIterable<Float32Array> {
  const centre = seededRandom(1);
  const centres = Float32Array.from({ length: CLUSTERS * dimension }, () => centre() - 0.5);
  const random = seededRandom(seed);
  for (let first = 0; first < rows; first += PART_ROWS) {
    const count = Math.min(PART_ROWS, rows - first);
    const data = new Float32Array(count * dimension);
    for (let row = 0; row < count; row++) {
      const vector = data.subarray(row * dimension, (row + 1) * dimension);
      const double = row > 0 && row % ROWS_PER_DOUBLE === 0;
      const from = double ? (row - 1) * dimension : Math.floor(random() * CLUSTERS) * dimension;
      const [source, noise] = double ? [data, 0.002] : [centres, 0.6];
      for (let i = 0; i < dimension; i++) vector[i] = (source[from + i] ?? 0) + noise * (random() - 0.5);
      let square = 0;
      for (const value of vector) square += value * value;
      const scale = 1 / Math.sqrt(square);
      for (let i = 0; i < dimension; i++) vector[i] = (vector[i] ?? 0) * scale;
    }
    yield data;
  }
}
