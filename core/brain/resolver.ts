/** Resolves a `sortBySimilarity` stage: finds the run, searches it within the view, gives the order. */

import { type Metric, scoreOf } from "../backends/metric.ts";
import type { ResolvedSimilarity, SimilarityRequest } from "../dataset/similarity-port.ts";
import { NearsightError } from "../errors.ts";
import type { ResolvedOrderStage, RunRecord, StoreStage } from "../store/store.ts";
import type { BrainContext } from "./context.ts";
import { selectIds } from "./fetch-vectors.ts";
import { type OpenIndex, openIndex, runNotFound } from "./open-index.ts";
import { needsPrompts, planQuery } from "./query.ts";
import { type Hit, search } from "./search.ts";

/** Rows per page when the ids of a view are collected. */
const PAGE = 10_000;

/** Searches for one stage of a view. */
export async function resolveSimilarity(
  context: BrainContext,
  request: SimilarityRequest,
): Promise<ResolvedSimilarity> {
  const run = await findRun(context, request);
  assertCovers(run, request.patchesField);
  const index = openIndex(context, run);
  const hits = await hitsInView(index, request);
  return answer(index, hits, request);
}

async function hitsInView(index: OpenIndex, { dataset, before, stage }: SimilarityRequest): Promise<Hit[]> {
  const collection = await index.collection();
  if (collection === null) return [];
  const plan = await planQuery(index, collection, stage.query);
  const within = before.length === 0 ? undefined : selectIds(await entryIds(index, dataset.id, before));
  return search(index, collection, plan, {
    k: stage.k ?? null,
    reverse: stage.reverse ?? false,
    maxDistance: stage.maxDistance,
    aggregation: stage.aggregation ?? "mean",
    within,
  });
}

/** Ids of the view's rows as the index knows them: samples, or their labels for a patch index. */
async function entryIds(
  index: OpenIndex,
  datasetId: string,
  stages: readonly StoreStage[],
): Promise<string[]> {
  const { samples } = index.context.store;
  const snapshot = await samples.snapshot(datasetId, stages, index.run.config.patchesField);
  const ids: string[] = [];
  for (let offset = 0; offset < snapshot.size; offset += PAGE) {
    for (const row of await snapshot.ids({ offset, limit: PAGE })) ids.push(row.id);
  }
  return ids;
}

function answer(index: OpenIndex, hits: readonly Hit[], request: SimilarityRequest): ResolvedSimilarity {
  const metric = index.run.config.metric as Metric;
  return {
    order: orderOf(index.run, hits, request),
    hits: {
      ids: hits.map((hit) => hit.id),
      sampleIds: hits.map((hit) => hit.sampleId),
      distances: Float32Array.from(hits, (hit) => hit.distance),
      scores: Float32Array.from(hits, (hit) => scoreOf(metric, hit.distance)),
      brainKey: index.run.key,
      facts: { metric, backend: index.run.config.backend },
    },
  };
}

/** On a sample view a patch index gives samples, in the order of their best label, with only the found labels. */
function orderOf(run: RunRecord, hits: readonly Hit[], request: SimilarityRequest): ResolvedOrderStage {
  const { patchesField } = run.config;
  const ofSamples = patchesField !== null && request.patchesField === null;
  const best = new Map<string, number>();
  for (const hit of hits) {
    const id = ofSamples ? hit.sampleId : hit.id;
    if (!best.has(id)) best.set(id, hit.distance);
  }
  const { distField } = request.stage;
  return {
    stage: "resolvedOrder",
    ids: [...best.keys()],
    ...(ofSamples ? { labels: { field: patchesField, ids: hits.map((hit) => hit.id) } } : {}),
    ...(distField === undefined ? {} : { distances: { field: distField, values: [...best.values()] } }),
  };
}

async function findRun(
  context: BrainContext,
  { dataset, stage, patchesField }: SimilarityRequest,
): Promise<RunRecord> {
  const { runs } = context.store;
  const all = await runs.list(dataset.id);
  const keys = all.map((run) => run.key);
  if (stage.brainKey !== undefined) {
    const run = all.find((candidate) => candidate.key === stage.brainKey);
    if (run === undefined) throw runNotFound(stage.brainKey, keys);
    return run;
  }
  const prompts = needsPrompts(stage.query);
  const fitting = all.filter(
    (run) => run.config.patchesField === patchesField && (!prompts || run.config.supportsPrompts),
  );
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  throw new NearsightError({
    code: fitting.length === 0 ? "RUN_NOT_FOUND" : "RUN_AMBIGUOUS",
    message:
      fitting.length === 0
        ? `Data set '${dataset.name}' has no similarity index of ${patchesField === null ? "its samples" : `'${patchesField}' patches`}${prompts ? " that takes prompts" : ""}`
        : `Several similarity indexes fit: ${fitting.map((run) => run.key).join(", ")}`,
    hint:
      fitting.length === 0
        ? keys.length === 0
          ? "Make one with computeSimilarity()"
          : `Name one with brainKey: ${keys.join(", ")}`
        : "Name one with brainKey",
    details: { keys: (fitting.length === 0 ? keys : fitting.map((run) => run.key)).slice(0, 10) },
  });
}

function assertCovers(run: RunRecord, patchesField: string | null): void {
  if (patchesField === null || run.config.patchesField === patchesField) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected an index of '${patchesField}' patches for this view but '${run.key}' indexes ${run.config.patchesField === null ? "whole samples" : `'${run.config.patchesField}' patches`}`,
    hint: `Make one with computeSimilarity({ patchesField: "${patchesField}" })`,
  });
}
