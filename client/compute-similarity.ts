/** Makes similarity indexes over the API: the server embeds, or gets the vectors that are given. */

import { assertRows, type GivenVectors, givenVectors } from "../core/brain/build/given-vectors.ts";
import type {
  ComputeSimilarityOptions,
  EmbeddingOptions,
  EmbeddingsInput,
} from "../core/dataset/brain-port.ts";
import type { SampleCollection } from "../core/dataset/sample-collection.ts";
import { isNearsightError } from "../core/errors.ts";
import { newId } from "../core/ids.ts";
import { stackRows, type VectorData } from "../core/matrix.ts";
import type { RemoteContext } from "./context.ts";
import { rowsOf } from "./embeddings.ts";
import { modelName } from "./models.ts";
import { vectorParts } from "./parts.ts";
import { build, type RunJson } from "./runs.ts";
import { wireView } from "./stages.ts";
import { unsupported } from "./unsupported.ts";

/** Vectors that are given, not made or found by the server. */
type Vectors = Exclude<EmbeddingsInput, string | false>;

/** The run of a new index, when it is built. */
export function buildRun(
  context: RemoteContext,
  samples: SampleCollection,
  options: ComputeSimilarityOptions,
): Promise<RunJson> {
  const { embeddings } = options;
  if (embeddings === undefined || typeof embeddings === "string" || embeddings === false) {
    return startRun(context, samples, options);
  }
  return uploadRun(context, samples, options, embeddings);
}

async function startRun(
  { http, pathOf }: RemoteContext,
  samples: SampleCollection,
  { progress, signal, model, modelKwargs, ...options }: ComputeSimilarityOptions,
): Promise<RunJson> {
  if (modelKwargs !== undefined) {
    unsupported("modelKwargs", "the server loads models by its own settings", "Name a model that it has");
  }
  const { brainKey = `similarity_${newId().slice(-6)}` } = options;
  const body = {
    ...options,
    brainKey,
    view: wireView(await samples.resolvedStages()),
    ...(model === undefined ? {} : { model: modelName(model) }),
  };
  const { id } = samples.dataset;
  const start = { path: pathOf(id, "runs"), body };
  return build(http, pathOf(id, "runs", brainKey), start, { phase: "embedding", progress, signal });
}

/** A row of the view with its vector. */
interface GivenRow {
  readonly id: string;
  readonly sampleId: string;
  readonly vector: VectorData;
}

async function uploadRun(
  context: RemoteContext,
  samples: SampleCollection,
  options: ComputeSimilarityOptions,
  input: Vectors,
): Promise<RunJson> {
  const { progress: _, signal, ...rest } = options;
  const vectors = givenVectors(input);
  const patchesField = samples.patchesField ?? options.patchesField ?? null;
  await assertRows(samples, vectors, patchesField);
  const rows = await givenRows(rowsOf(samples, patchesField), vectors);
  const waiting = { ...rest, embeddings: false } as const;
  const { key } = await startRun(context, samples, {
    ...waiting,
    ...(signal === undefined ? {} : { signal }),
  });
  const path = context.pathOf(samples.dataset.id, "runs", key);
  try {
    await upload(context, path, rows, vectors.dimension, patchesField !== null, options);
    return await context.http<RunJson>("get", path, { signal });
  } catch (error) {
    // As if it had not begun: the same call makes it anew.
    await context.http("delete", path, { query: { cleanup: true } }).catch(() => undefined);
    throw error;
  }
}

async function givenRows(rows: SampleCollection, vectors: GivenVectors): Promise<GivenRow[]> {
  const found: GivenRow[] = [];
  let position = 0;
  let inSample = 0;
  let before = "";
  for await (const page of rows.ids()) {
    for (const { id, sampleId } of page) {
      inSample = sampleId === before ? inSample + 1 : 0;
      before = sampleId;
      const vector = vectors.vectorOf({ id, sampleId, position: position++, inSample });
      if (vector !== null) found.push({ id, sampleId, vector });
    }
  }
  return found;
}

async function upload(
  { http }: RemoteContext,
  path: string,
  rows: readonly GivenRow[],
  dimension: number,
  ofPatches: boolean,
  { progress, signal, skipFailures = true }: EmbeddingOptions,
): Promise<void> {
  const vectors = stackRows(
    rows.map(({ vector }) => vector),
    dimension,
  );
  let failed = 0;
  for (const { start, end, vectors: packed } of vectorParts(vectors, rows.length)) {
    const part = rows.slice(start, end);
    const body = {
      vectors: packed,
      sampleIds: part.map(({ sampleId }) => sampleId),
      ...(ofPatches ? { labelIds: part.map(({ id }) => id) } : {}),
    };
    try {
      await http("put", `${path}/embeddings`, { body, signal });
    } catch (error) {
      // Vectors that cannot be indexed are recorded with the run.
      if (!skipFailures || !isNearsightError(error, "WRITE_PARTIAL")) throw error;
      failed += Number(error.details["failures"]);
      if (failed === rows.length) throw error;
    }
    progress?.({ phase: "writing", done: end, total: rows.length, failed });
  }
}
