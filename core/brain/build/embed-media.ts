/** Media -> tensors -> vectors: reads pictures ahead while the model works, and reports each failure. */

import { pMapIterable } from "p-map";
import type { EmbeddingOptions } from "../dataset/brain-port.ts";
import { isNearsightError, throwIfAborted } from "../errors.ts";
import { type Matrix, stackRows, type VectorData } from "../matrix.ts";
import type { BoundingBox, CropOptions } from "../media/input-spec.ts";
import { embedAll } from "../models/embed.ts";
import type { EmbeddingModel } from "../models/model.ts";
import type { MediaRow } from "../store/store.ts";
import type { BrainContext } from "./context.ts";
import type { Failure } from "./entries.ts";

/** Pictures decoded at the same time when nothing else is asked. */
const DEFAULT_WORKERS = 2;

/** A row to embed: the whole picture, one box, or the mean of several boxes. */
export interface EmbedRow extends Pick<MediaRow, "id" | "sampleId" | "filepath"> {
  readonly boxes: readonly BoundingBox[];
}

/** Vectors of some rows, and the rows that failed. */
export interface EmbeddedRows {
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
  readonly vectors: Matrix<VectorData>;
  readonly failed: readonly Failure[];
}

/** Outcomes of one row's regions so far. */
interface OpenRow {
  readonly row: EmbedRow;
  readonly vectors: Float32Array[];
  readonly reasons: string[];
}

/**
 * Embeds rows in bounded memory. A picture that cannot be read or embedded is reported in `failed`, or
 * thrown with `skipFailures: false`. Several boxes of a row become their mean; the row fails only if all do.
 */
export async function* embedMedia(
  context: BrainContext,
  model: EmbeddingModel,
  rows: AsyncIterable<EmbedRow>,
  options: EmbeddingOptions,
): AsyncGenerator<EmbeddedRows> {
  const { signal } = options;
  const open = new Map<string, OpenRow>();
  const concurrency = Math.max(1, options.numWorkers ?? DEFAULT_WORKERS);
  const items = pMapIterable(
    regions(rows, open),
    async ({ id, filepath, box }) => {
      try {
        const crop = box === null ? null : { box, ...cropOptions(options) };
        return { id, tensor: await context.readTensor(filepath, model.input, crop, signal) };
      } catch (error) {
        if (options.skipFailures === false || isNearsightError(error, "PACKAGE_MISSING")) throw error;
        return { id, error: error as Error };
      }
    },
    // The backlog keeps whole batches ready while the model runs.
    { concurrency, backpressure: concurrency + 2 * (options.batchSize ?? 8) },
  );
  for await (const batch of embedAll(model, items, batchOptions(options))) {
    throwIfAborted(signal);
    const first = batch.failed[0];
    if (first !== undefined && options.skipFailures === false) throw first.error;
    batch.ids.forEach((id, i) => {
      open.get(id)?.vectors.push(batch.vectors.row(i).slice());
    });
    for (const { id, error } of batch.failed) open.get(id)?.reasons.push(error.message);
    yield finished(open, [...batch.ids, ...batch.failed.map(({ id }) => id)], model.dimension);
  }
}

async function* regions(
  rows: AsyncIterable<EmbedRow>,
  open: Map<string, OpenRow>,
): AsyncGenerator<{ id: string; filepath: string; box: BoundingBox | null }> {
  for await (const row of rows) {
    open.set(row.id, { row, vectors: [], reasons: [] });
    const boxes: readonly (BoundingBox | null)[] = row.boxes.length === 0 ? [null] : row.boxes;
    for (const box of boxes) yield { id: row.id, filepath: row.filepath, box };
  }
}

/** Takes the rows whose regions are all there out of `open`. */
function finished(open: Map<string, OpenRow>, ids: readonly string[], dimension: number): EmbeddedRows {
  const done: OpenRow[] = [];
  for (const id of ids) {
    const entry = open.get(id);
    if (entry === undefined) continue;
    if (entry.vectors.length + entry.reasons.length < Math.max(1, entry.row.boxes.length)) continue;
    open.delete(id);
    done.push(entry);
  }
  const good = done.filter(({ vectors }) => vectors.length > 0);
  return {
    ids: good.map(({ row }) => row.id),
    sampleIds: good.map(({ row }) => row.sampleId),
    vectors: stackRows(
      good.map(({ vectors }) => meanVector(vectors, dimension)),
      dimension,
    ),
    failed: done
      .filter(({ vectors }) => vectors.length === 0)
      .map(({ row, reasons }) => ({ id: row.id, reason: reasons[0] ?? "it has no region" })),
  };
}

function cropOptions(options: EmbeddingOptions): CropOptions {
  return {
    ...(options.forceSquare === undefined ? {} : { forceSquare: options.forceSquare }),
    ...(options.alpha === undefined ? {} : { alpha: options.alpha }),
  };
}

function batchOptions(options: EmbeddingOptions): { batchSize?: number; signal?: AbortSignal } {
  return {
    ...(options.batchSize === undefined ? {} : { batchSize: options.batchSize }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

/** The mean of vectors of one dimension, in double precision. */
export function meanVector(vectors: readonly Float32Array[], dimension: number): Float32Array {
  const [first] = vectors;
  if (vectors.length === 1 && first !== undefined) return first;
  const sum = new Float64Array(dimension);
  for (const vector of vectors) for (let i = 0; i < dimension; i++) sum[i] = (sum[i] ?? 0) + (vector[i] ?? 0);
  return Float32Array.from(sum, (value) => value / vectors.length);
}
