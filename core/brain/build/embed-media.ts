/** Rows of a view -> their media -> vectors, with an outcome for each row. */

import type { EmbeddingOptions } from "../../dataset/brain-port.ts";
import { type Matrix, stackRows, type VectorData } from "../../matrix.ts";
import type { BoundingBox } from "../../media/input-spec.ts";
import type { EmbeddingModel } from "../../models/model.ts";
import type { MediaRow } from "../../store/store.ts";
import type { BrainContext } from "../context.ts";
import type { Failure } from "../entries.ts";
import { embedRegions, type Region } from "./cached-embedding.ts";

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
  /** By row id, for vectors made from media: the version of the medium. */
  readonly sourceVersions?: ReadonlyMap<string, string>;
}

/** Outcomes of one row's regions so far. */
interface OpenRow {
  readonly row: EmbedRow;
  readonly vectors: Float32Array[];
  readonly reasons: string[];
  version: string | null;
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
  const open = new Map<string, OpenRow>();
  for await (const outcomes of embedRegions(context, model, regions(rows, open), options)) {
    for (const outcome of outcomes) {
      const row = open.get(outcome.id);
      if (row === undefined) continue;
      if ("error" in outcome) row.reasons.push(outcome.error.message);
      else {
        row.vectors.push(outcome.vector);
        row.version = outcome.version;
      }
    }
    yield finished(
      open,
      outcomes.map(({ id }) => id),
      model.dimension,
    );
  }
}

async function* regions(rows: AsyncIterable<EmbedRow>, open: Map<string, OpenRow>): AsyncGenerator<Region> {
  for await (const row of rows) {
    open.set(row.id, { row, vectors: [], reasons: [], version: null });
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
    sourceVersions: new Map(
      good.flatMap(({ row, version }) => (version === null ? [] : [[row.id, version] as const])),
    ),
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
