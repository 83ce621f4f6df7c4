/** Places samples or patches in a plane or space by their embeddings, and records the points as a brain run. */

import type { Metric } from "../../backends/metric.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import type { ComputeVisualizationOptions, VisualizationResults } from "../../dataset/visualization-port.ts";
import { NearsightError, throwIfAborted } from "../../errors.ts";
import { newId } from "../../ids.ts";
import { concatRows, type Matrix, matrix } from "../../matrix.ts";
import type { RunRecord } from "../../store/store-runs.ts";
import { backendHere, comparesAll } from "../compare/exact-copy.ts";
import type { BrainContext } from "../context.ts";
import type { OpenIndex } from "../open-index.ts";
import { selectIds } from "../query/fetch-vectors.ts";
import { batchesOf, type NeighborGraph, neighborGraph } from "./neighbor-graph.ts";
import { type Pace, pace } from "./pace.ts";
import { principalComponents } from "./pca.ts";
import { checkVisualization, type VisualizationRequest } from "./request.ts";
import { layoutOf, loadVisualization } from "./results.ts";
import { tsneLayout, tsneNeighbors } from "./tsne.ts";
import { umapLayout } from "./umap.ts";
import { type RequestedVectors, requestedVectors, type VectorStream } from "./vector-stream.ts";

/** Points written in one transaction. */
const WRITE_ROWS = 5_000;

/** Below so many rows there is nothing for neighbours to tell: the principal components are the answer. */
const FEWEST_ROWS = 4;

/**
 * Places the samples, or the objects of `patchesField`, by `umap`, `tsne` or `pca`, or at given points, and
 * records a brain run of type `visualization`. Equal vectors, options and seed give equal points.
 * Errors: RUN_EXISTS, RUN_NOT_FOUND, FIELD_NOT_FOUND, MODEL_NOT_FOUND, METRIC_NOT_SUPPORTED,
 * DIMENSION_MISMATCH, VECTOR_INVALID, LIMIT_EXCEEDED, INVALID_ARGUMENT, ABORTED.
 *
 * @example
 * const results = await computeVisualization(dataset, { similarityIndex: "images", brainKey: "map" });
 * const { x, y, labels } = await results.visualize({ labels: "ground_truth.label" });
 */
export async function computeVisualization(
  context: BrainContext,
  samples: SampleCollection,
  options: ComputeVisualizationOptions = {},
): Promise<VisualizationResults> {
  throwIfAborted(options.signal);
  const request = await checkVisualization(context, samples, options);
  const vectors = await requestedVectors(context, samples, request);
  if (vectors.stream.rows === 0) throw nothingToPlace(samples, vectors);
  const points = await place(context, request, vectors.stream);
  const run = await record(context, samples, request, vectors, points);
  return loadVisualization(context, samples, run);
}

async function place(
  context: BrainContext,
  request: VisualizationRequest,
  stream: VectorStream,
): Promise<Matrix> {
  const { method, numDims, layout, seed, options } = request;
  const turn = pace(options.signal);
  if (method === "manual") return given(stream, numDims);
  const start = await principalComponents(stream, numDims, turn);
  if (method === "pca" || stream.rows < FEWEST_ROWS) return start;
  const { progress } = options;
  if (method === "umap") {
    const width = Math.min((layout.numNeighbors ?? 15) - 1, stream.rows - 2);
    const { graph } = await neighbors(context, request, stream, width, turn);
    return umapLayout(graph, start, { minDist: layout.minDist ?? 0.1, seed, progress }, turn);
  }
  const { perplexity = 30, maxIters = 1_000, learningRate = null } = layout;
  const width = tsneNeighbors(stream.rows, perplexity);
  const { graph, metric } = await neighbors(context, request, stream, width, turn);
  // Unit vectors at cosine distance d are sqrt(2 d) apart.
  const squared = metric === "cosine" ? (one: number) => 2 * Math.max(0, one) : (one: number) => one * one;
  return tsneLayout(graph, start, squared, { perplexity, maxIters, learningRate, seed, progress }, turn);
}

async function given(stream: VectorStream, numDims: number): Promise<Matrix> {
  if (stream.dimension !== numDims) {
    throw new NearsightError({
      code: "DIMENSION_MISMATCH",
      message: `Expected points of ${numDims} numbers but found ${stream.dimension}`,
      hint: "Leave numDims out",
    });
  }
  const pages: Matrix[] = [];
  for await (const page of stream.pages()) pages.push(page);
  return concatRows(pages, numDims);
}

interface MeasuredGraph {
  readonly graph: NeighborGraph;
  readonly metric: string;
}

/** The neighbours, from the index itself where its metric is a distance, else from an index made for this. */
async function neighbors(
  context: BrainContext,
  { plan, layout, options }: VisualizationRequest,
  stream: VectorStream,
  k: number,
  turn: Pace,
): Promise<MeasuredGraph> {
  const ids = stream.identities.map((row) => row.id);
  const asked = { k, signal: options.signal };
  const own = plan.kind === "index" ? await usableCollection(plan.index, layout.metric) : null;
  if (own !== null && plan.kind === "index") {
    const within = own.size === ids.length ? undefined : selectIds(ids);
    const graph = await neighborGraph(
      await plan.index.backend(),
      own.collection,
      ids,
      { ...asked, within },
      turn,
    );
    return { graph, metric: own.metric };
  }
  const metric = layout.metric ?? ownMetric(plan) ?? "euclidean";
  const here = backendHere(context) ?? context.backendName(context.defaultBackend);
  const backend = await context.backend(here, {});
  const name = `visualization-${newId()}`;
  const collection = await backend.create({ name, dimension: stream.dimension, metric });
  try {
    const { failed } = await collection.upsert(batchesOf(stream), { signal: options.signal });
    const [first] = failed;
    if (first !== undefined) throw unusable(first);
    return { graph: await neighborGraph(backend, collection, ids, asked, turn), metric };
  } finally {
    await collection.drop();
  }
}

/** The metric of an index that is compared in a copy: the same layout as where it can be compared itself. */
function ownMetric(plan: VisualizationRequest["plan"]): Metric | null {
  if (plan.kind !== "index") return null;
  const { metric } = plan.index.run.config;
  return isDistance(metric) ? (metric as Metric) : null;
}

async function usableCollection(index: OpenIndex, asked: string | undefined) {
  const { metric } = index.run.config;
  if (!isDistance(metric) || (asked ?? metric) !== metric) return null;
  const collection = await index.collection();
  // Searches that miss neighbours make another picture each time: those are found in a copy.
  if (backendHere(index.context) !== null && !(await comparesAll(index))) return null;
  return collection === null ? null : { collection, metric, size: (await collection.describe()).size };
}

/** Records the run when all its points are there; a failure leaves no run behind. */
async function record(
  context: BrainContext,
  samples: SampleCollection,
  request: VisualizationRequest,
  { stream, failed }: RequestedVectors,
  points: Matrix,
): Promise<RunRecord> {
  const { store } = context;
  const run = await store.runs.create({
    datasetId: samples.dataset.id,
    key: request.key,
    type: "visualization",
    version: context.version,
    config: configOf(samples, request, stream),
    specHash: "visualization",
  });
  try {
    for (let start = 0; start < stream.rows; start += WRITE_ROWS) {
      throwIfAborted(request.options.signal);
      const rows = stream.identities.slice(start, start + WRITE_ROWS);
      const ids = rows.map((row) => row.id);
      const { numDims } = request;
      const part = matrix(points.data.subarray(start * numDims, (start + rows.length) * numDims), numDims);
      await store.entries.plan(
        run.id,
        rows.map((row) => ({ entryId: row.id, sampleId: row.sampleId })),
      );
      await store.entries.settle(run.id, { indexed: ids, failed: [] });
      await store.points.put(run.id, ids, part);
      if (request.pointsField !== null) {
        await store.vectors.put(samples.dataset.id, request.pointsField, ids, part);
      }
    }
    await store.entries.plan(
      run.id,
      failed.map((row) => ({ entryId: row.id, sampleId: row.sampleId })),
    );
    await store.entries.settle(run.id, { indexed: [], failed });
    const reason = failed[0]?.reason ?? null;
    return await store.runs.update(run.id, { state: reason === null ? "ready" : "partial", reason });
  } catch (error) {
    // The data set may have been deleted meanwhile: the first error is the one to tell.
    await store.runs.delete(run.id).catch(() => {});
    throw error;
  }
}

function configOf(
  samples: SampleCollection,
  request: VisualizationRequest,
  stream: VectorStream,
): RunRecord["config"] {
  const { plan, options, modelFacts, patchesField, roiField } = request;
  return {
    ...modelFacts,
    backend: request.method,
    collectionName: "",
    ownsCollection: false,
    metric: metricOf(request),
    dimension: stream.dimension,
    patchesField,
    roiField,
    embeddingsField: "field" in plan ? plan.field : null,
    forceSquare: options.forceSquare ?? false,
    alpha: options.alpha ?? null,
    normalized: false,
    params: layoutOf(request),
    stages: samples.stages,
  };
}

/** What made vectors neighbours; nothing for methods that ask for none. */
function metricOf({ method, layout, plan }: VisualizationRequest): string {
  if (method === "pca" || method === "manual") return "";
  const own = plan.kind === "index" && isDistance(plan.index.run.config.metric);
  return layout.metric ?? (own ? plan.index.run.config.metric : "euclidean");
}

/** A dot product orders vectors, but says nothing of how far apart they are. */
function isDistance(metric: string): boolean {
  return metric === "euclidean" || metric === "cosine";
}

function nothingToPlace(samples: SampleCollection, { failed }: RequestedVectors): NearsightError {
  const [first] = failed;
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message:
      first === undefined
        ? `Expected at least one row to place but the view of data set '${samples.dataset.name}' is empty`
        : `None of the ${failed.length} rows can be placed; the first reason: ${first.reason}`,
    hint:
      first === undefined ? "Look at its stages with view.toJSON()" : "Correct the cause and call it again",
  });
}

function unusable({ id, reason }: { id: string; reason: string }): NearsightError {
  return new NearsightError({
    code: "VECTOR_INVALID",
    message: `Expected vectors that have neighbours but that of '${id}' ${reason}`,
    hint: "Remove that row from the view, or leave metric out",
    details: { id },
  });
}
