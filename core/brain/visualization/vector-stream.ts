/** The vectors of a request as a stream that can be read more than once, page by page, in one order. */

import type { EmbeddingOptions } from "../../dataset/brain-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { NearsightError, throwIfAborted } from "../../errors.ts";
import { assertUsable, type Matrix, matrix, stackRows, type VectorData } from "../../matrix.ts";
import type { RowIdentity } from "../../store/store.ts";
import { collectGiven } from "../build/build.ts";
import { firstFromField, fromField, fromModel, type VectorSource } from "../build/vector-source.ts";
import { entryRows } from "../compare/entry-rows.ts";
import type { BrainContext } from "../context.ts";
import { type Failure, once } from "../entries.ts";
import { vectorsLost } from "../lost.ts";
import { indexGone, type OpenIndex } from "../open-index.ts";
import { getVectors } from "../query/fetch-vectors.ts";
import type { VisualizationRequest } from "./request.ts";

/** Vectors held at a time where they are not in memory anyway. */
const PAGE_ROWS = 1_000;

export interface VectorStream {
  readonly rows: number;
  readonly dimension: number;
  /** Whose vectors they are, in the order of the pages. */
  readonly identities: readonly RowIdentity[];
  pages(): AsyncIterable<Matrix>;
}

/** A stream, and the rows of the view that it has no vector for. */
export interface RequestedVectors {
  readonly stream: VectorStream;
  readonly failed: readonly (Failure & RowIdentity)[];
}

/** Opens what the request names; a model embeds here and now, and its vectors are held in memory. */
export async function requestedVectors(
  context: BrainContext,
  samples: SampleCollection,
  request: VisualizationRequest,
): Promise<RequestedVectors> {
  const { plan, patchesField, roiField, options } = request;
  if (plan.kind === "index") return fromIndex(plan.index, samples, options.signal);
  const identities = await rowsOf(samples, patchesField);
  if (plan.kind === "given") {
    const vectors = await collectGiven(samples, patchesField, plan.vectors);
    return fromVectors(identities, vectors, plan.vectors.dimension, "no vector was given for it");
  }
  const datasetId = samples.dataset.id;
  if (plan.kind === "field") return fromStoredField(context, datasetId, plan.field, identities);
  const computed = fromModel(context, plan.model, { datasetId, patchesField, roiField }, options, plan.field);
  const source = plan.field === null ? computed : firstFromField(context, datasetId, plan.field, computed);
  return embedded(source, identities, plan.model.dimension, options);
}

async function rowsOf(samples: SampleCollection, patchesField: string | null): Promise<RowIdentity[]> {
  const rows: RowIdentity[] = [];
  for await (const page of samples.mediaPages({ patchesField })) {
    for (const { id, sampleId } of page) rows.push({ id, sampleId });
  }
  return rows;
}

async function fromIndex(
  index: OpenIndex,
  samples: SampleCollection,
  signal: AbortSignal | undefined,
): Promise<RequestedVectors> {
  const collection = await index.collection();
  if (collection === null) throw indexGone(index.run);
  const { ids, sampleIds } = await entryRows(index, samples, signal);
  const identities = ids.map((id, i) => ({ id, sampleId: sampleIds[i] ?? id }));
  const { dimension } = await collection.describe();
  const stream = paged(identities, dimension, async (page) => {
    const asked = page.map((row) => row.id);
    const { ids, vectors } = await getVectors(collection, asked);
    if (ids.length < asked.length) await assertDeleted(index, asked, ids);
    return floats(vectors);
  });
  return { stream, failed: [] };
}

/** Throws ID_NOT_FOUND where entries that are not found still count as indexed: their vectors got lost. */
async function assertDeleted(
  index: OpenIndex,
  asked: readonly string[],
  found: readonly string[],
): Promise<void> {
  const there = new Set(found);
  const missed = asked.filter((id) => !there.has(id));
  const gone = await index.context.store.entries.gone(index.run.id, missed);
  const lost = missed.filter((id) => !gone.has(id));
  if (lost.length > 0) throw vectorsLost(index, lost);
}

async function fromStoredField(
  context: BrainContext,
  datasetId: string,
  field: string,
  rows: readonly RowIdentity[],
): Promise<RequestedVectors> {
  const source = fromField(context, datasetId, field);
  const found = new Set<string>();
  const reasons = new Map<string, string>();
  let dimension = 0;
  for (const page of slices(rows)) {
    for await (const part of source(once(page))) {
      for (const id of part.ids) found.add(id);
      for (const { id, reason } of part.failed) reasons.set(id, reason);
      dimension = part.vectors.dimension || dimension;
    }
  }
  const identities = rows.filter((row) => found.has(row.id));
  const stream = paged(identities, dimension, async (page) => {
    const { vectors } = await context.store.vectors.get(
      datasetId,
      field,
      page.map((row) => row.id),
    );
    return vectors;
  });
  return { stream, failed: missing(rows, reasons) };
}

function fromVectors(
  rows: readonly RowIdentity[],
  vectors: ReadonlyMap<string, VectorData>,
  dimension: number,
  reason: string,
): RequestedVectors {
  const identities = rows.filter((row) => vectors.has(row.id));
  const reasons = new Map(rows.filter((row) => !vectors.has(row.id)).map((row) => [row.id, reason]));
  const stream = paged(identities, dimension, async (page) =>
    floats(
      stackRows(
        page.flatMap((row) => vectors.get(row.id) ?? []),
        dimension,
      ),
    ),
  );
  return { stream, failed: missing(rows, reasons) };
}

async function embedded(
  source: VectorSource,
  rows: readonly RowIdentity[],
  dimension: number,
  options: EmbeddingOptions,
): Promise<RequestedVectors> {
  const positions = new Map(rows.map((row, i) => [row.id, i]));
  const data = new Float32Array(rows.length * dimension);
  const all = matrix(data, dimension);
  const reasons = new Map<string, string>();
  const found = new Map<string, VectorData>();
  for await (const part of source(each(slices(rows)))) {
    throwIfAborted(options.signal);
    part.ids.forEach((id, i) => {
      const position = positions.get(id);
      if (position === undefined) return;
      data.set(part.vectors.row(i), position * dimension);
      found.set(id, all.row(position));
    });
    for (const { id, reason } of part.failed) reasons.set(id, reason);
    const done = found.size + reasons.size;
    options.progress?.({ phase: "embedding", done, total: rows.length, failed: reasons.size });
  }
  const { stream } = fromVectors(rows, found, dimension, "");
  return { stream, failed: missing(rows, reasons) };
}

/** A stream that reads its pages anew each time, and refuses vectors that are no points of a space. */
function paged(
  identities: readonly RowIdentity[],
  dimension: number,
  read: (page: readonly RowIdentity[]) => Promise<Matrix>,
): VectorStream {
  return {
    rows: identities.length,
    dimension,
    identities,
    async *pages() {
      for (const page of slices(identities)) {
        const vectors = await read(page);
        if (vectors.rows !== page.length) throw changedMeanwhile(page.length, vectors.rows);
        assertUsable(vectors);
        yield vectors;
      }
    },
  };
}

function* slices(rows: readonly RowIdentity[]): Generator<readonly RowIdentity[]> {
  for (let start = 0; start < rows.length; start += PAGE_ROWS) yield rows.slice(start, start + PAGE_ROWS);
}

async function* each<Value>(values: Iterable<Value>): AsyncGenerator<Value> {
  yield* values;
}

function missing(
  rows: readonly RowIdentity[],
  reasons: ReadonlyMap<string, string>,
): (Failure & RowIdentity)[] {
  return rows.flatMap((row) => {
    const reason = reasons.get(row.id);
    return reason === undefined ? [] : [{ ...row, reason }];
  });
}

function floats(vectors: Matrix<VectorData>): Matrix {
  if (vectors.data instanceof Float32Array) return vectors as Matrix;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: "Expected float32 vectors for a visualization but found packed bits",
    hint: "Give embeddings of numbers, or points of your own",
  });
}

function changedMeanwhile(expected: number, found: number): NearsightError {
  return new NearsightError({
    code: "ID_NOT_FOUND",
    message: `Expected vectors of ${expected} rows but found ${found}: some were deleted meanwhile`,
    hint: "Call computeVisualization() again",
    retryable: true,
  });
}
