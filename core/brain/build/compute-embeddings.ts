/** Embeds the samples or patches of a view and gives the vectors in the view's order. */

import type { ComputeEmbeddingsOptions, EmbeddingOptions, Embeddings } from "../../dataset/brain-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { throwIfAborted } from "../../errors.ts";
import { stackRows } from "../../matrix.ts";
import type { EmbeddingModel } from "../../models/model.ts";
import type { RowIdentity } from "../../store/store.ts";
import type { BrainContext } from "../context.ts";
import type { Failure } from "../entries.ts";
import { checkEmbeddingOptions } from "./check-embedding.ts";
import { fromModel } from "./vector-source.ts";

/** What to embed besides the view itself. */
export interface EmbedScope {
  readonly patchesField: string | null;
  readonly roiField: string | null;
  /** Ids to leave out. */
  readonly skip?: ReadonlySet<string> | null;
  readonly embeddingsField?: string | null;
}

/** `dataset.computeEmbeddings(model)`: float32 vectors, one per sample or patch that could be embedded. */
export async function computeEmbeddings(
  context: BrainContext,
  samples: SampleCollection,
  reference: string | EmbeddingModel,
  options: ComputeEmbeddingsOptions = {},
): Promise<Embeddings> {
  const model = await context.model(reference, options.modelKwargs ?? {});
  return embedSamples(context, samples, model, options, {
    patchesField: options.patchesField ?? null,
    roiField: null,
    embeddingsField: options.embeddingsField ?? null,
  });
}

export async function embedSamples(
  context: BrainContext,
  samples: SampleCollection,
  model: EmbeddingModel,
  options: EmbeddingOptions,
  scope: EmbedScope,
): Promise<Embeddings> {
  checkEmbeddingOptions(options);
  const wanted = await collectRows(samples, scope);
  const origin = {
    datasetId: samples.dataset.id,
    patchesField: samples.patchesField ?? scope.patchesField,
    roiField: scope.roiField,
  };
  const source = fromModel(context, model, origin, options, scope.embeddingsField ?? null);
  const vectors = new Map<string, Float32Array>();
  const failed: Failure[] = [];
  options.progress?.({ phase: "embedding", done: 0, total: wanted.length, failed: 0 });
  for await (const rows of source(pages(wanted))) {
    throwIfAborted(options.signal);
    rows.ids.forEach((id, i) => {
      vectors.set(id, rows.vectors.row(i) as Float32Array);
    });
    failed.push(...rows.failed);
    const done = vectors.size + failed.length;
    options.progress?.({ phase: "embedding", done, total: wanted.length, failed: failed.length });
  }
  return inOrder(wanted, vectors, failed, model.dimension, origin.patchesField !== null);
}

async function collectRows(
  samples: SampleCollection,
  { patchesField, skip }: EmbedScope,
): Promise<RowIdentity[]> {
  const rows: RowIdentity[] = [];
  for await (const page of samples.mediaPages({ patchesField })) {
    for (const row of page) if (!skip?.has(row.id)) rows.push({ id: row.id, sampleId: row.sampleId });
  }
  return rows;
}

async function* pages(rows: readonly RowIdentity[]): AsyncGenerator<readonly RowIdentity[]> {
  const size = 1_000;
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}

function inOrder(
  wanted: readonly RowIdentity[],
  vectors: ReadonlyMap<string, Float32Array>,
  failed: readonly Failure[],
  dimension: number,
  ofPatches: boolean,
): Embeddings {
  const rows = wanted.filter((row) => vectors.has(row.id));
  return {
    embeddings: stackRows(
      rows.flatMap((row) => vectors.get(row.id) ?? []),
      dimension,
    ),
    sampleIds: rows.map((row) => row.sampleId),
    labelIds: ofPatches ? rows.map((row) => row.id) : null,
    failed,
  };
}
