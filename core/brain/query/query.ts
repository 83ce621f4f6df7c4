/** Turns a query (ids, vectors, prompts, images, or a mix) into vectors of the index. */

import type { Collection } from "../../backends/backend.ts";
import { isBinaryMetric, type Metric } from "../../backends/metric.ts";
import type { BareQuery } from "../../dataset/similarity-port.ts";
import { NearsightError } from "../../errors.ts";
import { assertUsable, type Matrix, matrix, stackRows, toMatrix, type VectorData } from "../../matrix.ts";
import { type EmbeddingModel, supportsPrompts } from "../../models/model.ts";
import type { ImageQuery, QueryTerm, SimilarityQuery, SimpleQuery } from "../../stages.ts";
import { meanVector } from "../build/embed-media.ts";
import { normalized } from "../entries.ts";
import { vectorsLost } from "../lost.ts";
import { assertDimension, type OpenIndex } from "../open-index.ts";
import { getVectors } from "./fetch-vectors.ts";

/** One vector [1, dimension] and how much it counts; below 0 to keep away from it. */
export interface Weighted<Data extends VectorData = VectorData> {
  readonly vector: Matrix<Data>;
  readonly weight: number;
}

/** What to search with: vectors to aggregate, or rankings to fuse. */
export type QueryPlan =
  | { readonly kind: "vectors"; readonly vectors: Matrix<VectorData> }
  | {
      readonly kind: "fuse";
      readonly terms: readonly Weighted[];
    };

/** Resolves a query against an index. Errors: ID_NOT_FOUND, PROMPTS_UNSUPPORTED, MODEL_MISMATCH, DIMENSION_MISMATCH, VECTOR_INVALID. */
export async function planQuery(
  index: OpenIndex,
  collection: Collection,
  query: SimilarityQuery | BareQuery,
): Promise<QueryPlan> {
  if (!("combine" in query)) {
    const tagged = "bare" in query ? await untangle(index, query.bare) : query;
    return { kind: "vectors", vectors: await checked(index, await vectorsOf(index, collection, tagged)) };
  }
  const terms = await Promise.all(
    query.combine.map(async (term) => {
      const { of, weight } = parsedTerm(term);
      const vectors = await checked(index, await vectorsOf(index, collection, of));
      return { vector: oneDirection(index, vectors, query.by), weight };
    }),
  );
  if (query.by === "rank") return { kind: "fuse", terms };
  return {
    kind: "vectors",
    vectors: await checked(index, weightedSum(terms as readonly Weighted<Float32Array>[])),
  };
}

/** True where the query needs a model that takes text. */
export function needsPrompts(query: SimilarityQuery | BareQuery): boolean {
  if ("combine" in query) return query.combine.some((term) => needsPrompts(parsedTerm(term).of));
  return "prompt" in query || "prompts" in query;
}

/** The mean of all rows. */
export function meanOf(vectors: Matrix<VectorData>): Float32Array {
  return meanVector(
    Array.from({ length: vectors.rows }, (_, i) => vectors.row(i) as Float32Array),
    vectors.dimension,
  );
}

export function oneRow(vector: Float32Array): Matrix {
  return matrix(vector, vector.length);
}

function parsedTerm(term: QueryTerm): { of: SimpleQuery; weight: number } {
  if ("not" in term) return { of: term.not, weight: -(term.weight ?? 1) };
  return { of: term, weight: term.weight ?? 1 };
}

/** The mean of a term's vectors; bits have neither a mean nor a sum, so they can only be fused one by one. */
function oneDirection(
  index: OpenIndex,
  vectors: Matrix<VectorData>,
  by: "mean" | "rank" | undefined,
): Matrix<VectorData> {
  if (!(vectors.data instanceof Uint8Array)) return oneRow(meanOf(vectors));
  if (by === "rank" && vectors.rows === 1) return vectors;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Index '${index.run.key}' holds bits, whose vectors cannot be added up`,
    hint: 'Combine single vectors with by: "rank"',
  });
}

/** Directions count, not lengths: each term's mean is brought to length 1 before it is weighted. */
function weightedSum(terms: readonly Weighted<Float32Array>[]): Matrix {
  const dimension = terms[0]?.vector.dimension ?? 0;
  const sum = new Float32Array(dimension);
  for (const { vector, weight } of terms) {
    const unit = normalized(vector).row(0);
    for (let i = 0; i < dimension; i++) sum[i] = (sum[i] ?? 0) + weight * (unit[i] ?? 0);
  }
  return oneRow(sum);
}

async function vectorsOf(
  index: OpenIndex,
  collection: Collection,
  query: SimpleQuery,
): Promise<Matrix<VectorData>> {
  if ("id" in query) return vectorsById(index, collection, [query.id]);
  if ("ids" in query) return vectorsById(index, collection, query.ids);
  if ("vector" in query) return asStored(index, toMatrix([query.vector]));
  if ("vectors" in query) return asStored(index, toMatrix(query.vectors));
  if ("prompt" in query) return promptVectors(index, [query.prompt]);
  if ("prompts" in query) return promptVectors(index, query.prompts);
  return imageVector(index, query.image);
}

/** FiftyOne's bare strings: ids if the index has them all, else prompts if the model takes prompts. */
async function untangle(index: OpenIndex, bare: string | readonly string[]): Promise<SimpleQuery> {
  const strings = typeof bare === "string" ? [bare] : bare;
  const known = await entriesById(index, strings);
  if (strings.every((text) => known.has(text))) return { ids: strings };
  if (known.size === 0 && index.run.config.supportsPrompts) return { prompts: strings };
  const unknown = strings.find((text) => !known.has(text)) ?? "";
  throw new NearsightError({
    code: "ID_NOT_FOUND",
    message: `'${unknown}' is no id in index '${index.run.key}'${index.run.config.supportsPrompts ? "" : ", and its model takes no prompts"}`,
    hint: "Search with an id of the index, or with { prompt } on an index whose model takes text",
    details: { brainKey: index.run.key, id: unknown },
  });
}

/** The indexed entries that each id names: on a patch index a sample's id stands for all its patches. */
async function entriesById(index: OpenIndex, ids: readonly string[]): Promise<Map<string, string[]>> {
  const { entries } = index.context.store;
  const direct = await entries.list(index.run.id, { entryIds: ids, states: ["indexed"] });
  const found = new Map(direct.map(({ entryId }) => [entryId, [entryId]]));
  const others = ids.filter((id) => !found.has(id));
  if (index.run.config.patchesField === null || others.length === 0) return found;
  for (const { sampleId, entryId } of await entries.list(index.run.id, {
    sampleIds: others,
    states: ["indexed"],
  })) {
    found.set(sampleId, [...(found.get(sampleId) ?? []), entryId]);
  }
  return found;
}

async function vectorsById(
  index: OpenIndex,
  collection: Collection,
  ids: readonly string[],
): Promise<Matrix<VectorData>> {
  const found = await entriesById(index, ids);
  const missing = ids.find((id) => !found.has(id));
  if (missing !== undefined) {
    throw new NearsightError({
      code: "ID_NOT_FOUND",
      message: `Index '${index.run.key}' has no entry '${missing}'`,
      hint: "Add it with addToIndex(), or search with one of the ids of the index",
      details: { brainKey: index.run.key, id: missing, known: found.size },
    });
  }
  const wanted = ids.flatMap((id) => found.get(id) ?? []);
  const { ids: stored, vectors } = await getVectors(collection, wanted);
  if (stored.length < wanted.length) {
    const there = new Set(stored);
    throw vectorsLost(
      index,
      wanted.filter((id) => !there.has(id)),
    );
  }
  return vectors;
}

/** Numbers as the index keeps them: for binary metrics 0s and 1s are packed, bytes are taken as they are. */
function asStored(index: OpenIndex, vectors: Matrix): Matrix<VectorData> {
  const { metric, dimension } = index.run.config;
  if (!isBinaryMetric(metric as Metric) || dimension === null) return vectors;
  const packed = vectors.dimension === dimension / 8 && vectors.dimension !== dimension;
  const rows = Array.from({ length: vectors.rows }, (_, i) => vectors.row(i));
  if (packed)
    return stackRows(
      rows.map((row) => Uint8Array.from(row)),
      dimension,
    );
  assertDimension(index.run, vectors.dimension);
  return stackRows(rows.map(packBits), dimension);
}

/** 8 numbers to a byte, lowest bit first; anything but 0 is a 1. */
function packBits(row: Float32Array): Uint8Array {
  const bytes = new Uint8Array(row.length / 8);
  row.forEach((value, i) => {
    if (value !== 0) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  });
  return bytes;
}

async function promptVectors(index: OpenIndex, prompts: readonly string[]): Promise<Matrix> {
  const model = await queryModel(index);
  if (supportsPrompts(model)) return model.embedPrompts(prompts);
  throw new NearsightError({
    code: "PROMPTS_UNSUPPORTED",
    message: `The model '${model.name}' of index '${index.run.key}' takes no prompts`,
    hint: "Search by image, id or vector, or index with a model of images and text such as nearsight-tiny",
    details: { brainKey: index.run.key, model: model.name },
  });
}

async function imageVector(index: OpenIndex, image: ImageQuery): Promise<Matrix> {
  const model = await queryModel(index);
  const medium = await index.context.media.open(image, undefined);
  model.prepare?.();
  const data = await medium.tensor(model.input, null);
  const { width, height } = model.input;
  return model.embed({ data, shape: [1, 3, height, width] });
}

/** The run's model; refuses one whose vectors would not be comparable with the indexed ones. */
export async function queryModel(index: OpenIndex): Promise<EmbeddingModel> {
  const { context, run } = index;
  const { model: name, modelFingerprint, modelArguments } = run.config;
  if (name === null) {
    throw new NearsightError({
      code: "PROMPTS_UNSUPPORTED",
      message: `Index '${run.key}' was made from vectors without a model, so prompts and images cannot be embedded`,
      hint: "Search by id or vector, or name the model in computeSimilarity({ model })",
      details: { brainKey: run.key },
    });
  }
  const model = await context.model(name, modelArguments);
  if (modelFingerprint === null) {
    context.warn(
      `Index '${run.key}' records no fingerprint of its model '${name}': the vectors may not be comparable`,
    );
  } else if (modelFingerprint !== model.fingerprint) {
    throw new NearsightError({
      code: "MODEL_MISMATCH",
      message: `Index '${run.key}' was made with '${name}' ${modelFingerprint.slice(0, 12)} but found ${model.fingerprint.slice(0, 12)}`,
      hint: "Use the model's former files, or make a new index with the present ones",
      details: { brainKey: run.key, expected: modelFingerprint, found: model.fingerprint },
    });
  }
  return model;
}

async function checked(index: OpenIndex, vectors: Matrix<VectorData>): Promise<Matrix<VectorData>> {
  assertDimension(index.run, vectors.dimension);
  assertUsable(vectors, { nonZero: index.run.config.metric === "cosine" });
  return vectors;
}
