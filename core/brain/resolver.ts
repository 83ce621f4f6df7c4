/** Resolves a `sortBySimilarity` stage: finds the run, searches it within the view, gives the order. */

import type { Collection } from "../backends/backend.ts";
import { type Metric, scoreOf } from "../backends/metric.ts";
import type { ResolvedSimilarity, SimilarityRequest } from "../dataset/similarity-port.ts";
import { NearsightError } from "../errors.ts";
import type { ResolvedOrderStage, StoreStage } from "../store/store.ts";
import type { RunRecord } from "../store/store-runs.ts";
import { assertConnection } from "./connection.ts";
import type { BrainContext } from "./context.ts";
import { warnOfLost } from "./lost.ts";
import { type OpenIndex, openIndex, runNotFound } from "./open-index.ts";
import { explainSearch, type Searched, SearchTrace } from "./query/explain.ts";
import { answerFacts } from "./query/facts.ts";
import { selectIds } from "./query/fetch-vectors.ts";
import { searchByFilter } from "./query/filtered-search.ts";
import { lostHits } from "./query/lost-hits.ts";
import { needsPrompts, planQuery, type QueryPlan } from "./query/query.ts";
import { type Hits, NOTHING, search, type Wanted } from "./query/search.ts";
import { onCollection } from "./query/searched-collection.ts";

/** Searches for one stage of a view. */
export async function resolveSimilarity(
  context: BrainContext,
  request: SimilarityRequest,
): Promise<ResolvedSimilarity> {
  const trace = new SearchTrace();
  const index = await trace.time("planning", async () => {
    const run = await findRun(context, request);
    assertCovers(run, request.patchesField);
    const { connection } = request;
    if (connection !== undefined) assertConnection(context, run.config.backend, connection);
    return openIndex(context, run, connection);
  });
  const found = await onCollection(index, (collection) => hitsInView(index, collection, request, trace));
  const explanation = explainSearch(trace, {
    run: index.run,
    request,
    ...found,
    hits: found.hits.ids.length,
  });
  return {
    ...answer(index, found.hits, request),
    explanation,
    indexVersion: `${index.run.id}:${index.run.epoch}`,
    facts: () => answerFacts(index, request, explanation.exact),
  };
}

/** What was searched, and what was found. */
type FoundInView = Pick<Searched, "plan" | "within" | "lost"> & { readonly hits: Hits };

async function hitsInView(
  index: OpenIndex,
  collection: Collection | null,
  request: SimilarityRequest,
  trace: SearchTrace,
): Promise<FoundInView> {
  const { stage } = request;
  if (collection === null) return { plan: null, within: { by: "index" }, hits: NOTHING, lost: [] };
  const plan = await trace.time("query", () => planQuery(index, collection, stage.query));
  const wanted = {
    k: stage.k ?? null,
    reverse: stage.reverse ?? false,
    maxDistance: stage.maxDistance,
    aggregation: stage.aggregation ?? "mean",
    within: undefined,
    trace,
  } satisfies Wanted;
  const { hits, within } = await searchView(index, collection, request, plan, wanted);
  const lost = await trace.time("liveCheck", () => lostHits(index, collection, request, hits.ids));
  warnOfLost(index, lost);
  return { plan, within, hits, lost };
}

/** Searches the whole index where there is no view, else by the view's condition where that can be, else by its ids. */
async function searchView(
  index: OpenIndex,
  collection: Collection,
  request: SimilarityRequest,
  plan: QueryPlan,
  wanted: Wanted,
): Promise<Pick<FoundInView, "within" | "hits">> {
  const { dataset, before } = request;
  if (before.length === 0) {
    return { within: { by: "index" }, hits: await search(index, collection, plan, wanted) };
  }
  const filtered = await searchByFilter(index, collection, request, plan, wanted);
  if (filtered !== null && "hits" in filtered) {
    return { within: { by: "filter", unsure: filtered.unsure }, hits: filtered.hits };
  }
  const ids = await wanted.trace.time("viewRead", () => entryIds(index, dataset.id, before));
  const hits = await search(index, collection, plan, { ...wanted, within: selectIds(ids) });
  return { within: { by: "ids", rows: ids.length, ...filtered }, hits };
}

/** Ids of the view's rows as the index knows them: samples, or their labels for a patch index. */
function entryIds(
  { context, run }: OpenIndex,
  datasetId: string,
  stages: readonly StoreStage[],
): Promise<string[]> {
  return context.store.samples.rowIds(datasetId, stages, run.config.patchesField);
}

function answer(
  index: OpenIndex,
  hits: Hits,
  request: SimilarityRequest,
): Pick<ResolvedSimilarity, "order" | "hits"> {
  const metric = index.run.config.metric as Metric;
  const { ids, sampleIds } = hits;
  return {
    order: orderOf(index.run, hits, request),
    hits: {
      ids,
      sampleIds,
      distances: new Float32Array(hits.distances),
      scores: Float32Array.from(hits.distances, (distance) => scoreOf(metric, distance)),
      brainKey: index.run.key,
    },
  };
}

/** On a sample view a patch index gives samples, in the order of their best label, with only the found labels. */
function orderOf(run: RunRecord, hits: Hits, request: SimilarityRequest): ResolvedOrderStage {
  const { patchesField } = run.config;
  const ofSamples = patchesField !== null && request.patchesField === null;
  const { ids, distances } = ofSamples ? bestOfSamples(hits) : hits;
  const { distField } = request.stage;
  return {
    stage: "resolvedOrder",
    ids,
    ...(ofSamples ? { labels: { field: patchesField, ids: hits.ids } } : {}),
    ...(distField === undefined ? {} : { distances: { field: distField, values: [...distances] } }),
  };
}

/** Each sample at the place of its first hit. */
function bestOfSamples({ sampleIds, distances }: Hits): { ids: string[]; distances: number[] } {
  const best = new Map<string, number>();
  sampleIds.forEach((id, place) => {
    if (!best.has(id)) best.set(id, distances[place] ?? Number.NaN);
  });
  return { ids: [...best.keys()], distances: [...best.values()] };
}

async function findRun(
  context: BrainContext,
  { dataset, stage, patchesField }: SimilarityRequest,
): Promise<RunRecord> {
  const { runs } = context.store;
  const known = await runs.list(dataset.id);
  const all = known.filter((run) => run.type === "similarity");
  const keys = all.map((run) => run.key);
  if (stage.brainKey !== undefined) {
    const run = known.find((candidate) => candidate.key === stage.brainKey);
    if (run !== undefined && run.type !== "similarity") throw notSearchable(run, keys);
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

function notSearchable({ key, type }: RunRecord, keys: readonly string[]): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a similarity index but brain run '${key}' is a ${type}`,
    hint: keys.length === 0 ? "Make one with computeSimilarity()" : `Name one of: ${keys.join(", ")}`,
    details: { brainKey: key, type },
  });
}
