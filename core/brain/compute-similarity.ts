/** Builds a similarity index: checks, records the run, freezes its rows, then streams vectors into it. */

import type { ComputeSimilarityOptions, SimilarityIndex } from "../dataset/brain-port.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../errors.ts";
import { newId } from "../ids.ts";
import type { RunConfig, RunRecord } from "../store/store-runs.ts";
import { type BuildPlan, buildRun } from "./build/build.ts";
import type { BrainContext } from "./context.ts";
import { adoptCollection } from "./entries.ts";
import { withLease } from "./lease.ts";
import { assertDimension, type OpenIndex, openIndex, runExists } from "./open-index.ts";
import { type BuildRequest, checkRequest } from "./request.ts";
import { createSimilarityIndex } from "./similarity-index.ts";

/**
 * Indexes the samples, or the objects of `patchesField`, and records the run under `brainKey`.
 * With neither `model` nor `embeddings` the shipped model is used. A run of the same key and the same
 * options that did not end is resumed. Errors: RUN_EXISTS, RUN_BUSY, FIELD_NOT_FOUND, MODEL_NOT_FOUND,
 * METRIC_NOT_SUPPORTED, DIMENSION_MISMATCH, BACKEND_NOT_SUPPORTED, INVALID_ARGUMENT, ABORTED.
 *
 * @example
 * const index = await computeSimilarity(dataset, { brainKey: "images", model: "nearsight-tiny" });
 * console.log(await index.totalIndexSize());
 */
export async function computeSimilarity(
  context: BrainContext,
  samples: SampleCollection,
  options: ComputeSimilarityOptions = {},
): Promise<SimilarityIndex> {
  throwIfAborted(options.signal);
  const request = await checkRequest(context, samples, options);
  const run = await findOrRecordRun(context, samples, request);
  context.connections.set(run.id, request.connection);
  const index = openIndex(context, run);
  if (request.config.isUnread) await context.store.runs.update(run.id, { state: "ready" });
  else if (request.plan.kind === "none") await connect(index);
  else await build(index, samples, request);
  await index.refresh();
  return createSimilarityIndex(index, samples);
}

async function build(index: OpenIndex, samples: SampleCollection, request: BuildRequest): Promise<void> {
  const plan = request.plan as BuildPlan;
  await withLease(index.context, index.run, request.embedding.signal, async (lease) => {
    const outcome = await buildRun(
      index,
      samples,
      plan,
      { ...request.embedding, signal: lease.signal },
      lease.epoch,
    );
    if (outcome.indexed === 0 && outcome.failed > 0)
      throw allFailed(index.run, outcome.failed, outcome.reason);
    const state = outcome.failed > 0 ? "partial" : "ready";
    return { state, reason: outcome.reason, result: undefined };
  });
}

/** `embeddings: false`: opens what is there, or waits for the first `addToIndex`. */
async function connect(index: OpenIndex): Promise<void> {
  const collection = await index.collection();
  if (collection !== null) {
    const { dimension } = await collection.describe();
    await index.changeConfig({ dimension });
    await adoptCollection(index, collection);
  }
  await index.context.store.runs.update(index.run.id, { state: "ready" });
}

/** The run of this key if it is the same and did not end; RUN_EXISTS if it is another or complete. */
async function resumableRun(
  context: BrainContext,
  samples: SampleCollection,
  request: BuildRequest,
): Promise<RunRecord | null> {
  const run = await context.store.runs.get(samples.dataset.id, request.key);
  if (run === null) return null;
  const ended = run.state === "ready" || run.state === "deleting";
  if (!ended && run.specHash === request.specHash) return run;
  throw runExists(samples.dataset.name, run);
}

/** The run that this request goes on with, or a new record of it. RUN_EXISTS */
export async function findOrRecordRun(
  context: BrainContext,
  samples: SampleCollection,
  request: BuildRequest,
): Promise<RunRecord> {
  const known = await resumableRun(context, samples, request);
  if (known !== null) return known;
  try {
    return await recordRun(context, samples, request);
  } catch (error) {
    // Another process has recorded the key since: the same request is told that it is being built.
    const since = isNearsightError(error, "RUN_EXISTS")
      ? await resumableRun(context, samples, request)
      : null;
    if (since === null) throw error;
    return since;
  }
}

async function recordRun(
  context: BrainContext,
  samples: SampleCollection,
  request: BuildRequest,
): Promise<RunRecord> {
  const record = (place: CollectionPlace) =>
    context.store.runs.create({
      datasetId: samples.dataset.id,
      key: request.key,
      type: "similarity",
      version: context.version,
      config: { ...request.config, ...place },
      specHash: request.specHash,
    });
  const place = await chooseCollection(samples, request);
  try {
    return await record(place);
  } catch (error) {
    if (!isNearsightError(error, "INDEX_EXISTS")) throw error;
    // The name is that of another run whose collection is not there yet.
    const { collectionName } = place;
    return record(
      request.collectionName === null
        ? { collectionName: otherName(collectionName), ownsCollection: true }
        : { collectionName, ownsCollection: false },
    );
  }
}

type CollectionPlace = Pick<RunConfig, "collectionName" | "ownsCollection">;

/** An existing collection is checked and never counted as ours; a new name is unique. */
async function chooseCollection(samples: SampleCollection, request: BuildRequest): Promise<CollectionPlace> {
  const { backend, collectionName, config } = request;
  if (config.isUnread && collectionName !== null) return { collectionName, ownsCollection: false };
  if (collectionName === null) {
    return { collectionName: await newCollectionName(samples.dataset.name, request), ownsCollection: true };
  }
  try {
    const { dimension, metric } = await (await backend.open(collectionName)).describe();
    if (config.filterFields !== undefined) throw filterFieldsOfOther(collectionName);
    if (metric !== request.config.metric) throw otherMetric(collectionName, metric, request.config.metric);
    const found = request.config.dimension;
    if (found !== null) assertDimension({ key: request.key, config: { dimension } } as RunRecord, found);
    return { collectionName, ownsCollection: false };
  } catch (error) {
    if (!isNearsightError(error, "INDEX_NOT_FOUND")) throw error;
    return { collectionName, ownsCollection: true };
  }
}

/** A name that every backend takes: small letters, digits and underscores, a letter first. */
async function newCollectionName(datasetName: string, request: BuildRequest): Promise<string> {
  const slug = `${datasetName}_${request.key}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .slice(0, 48);
  const trimmed = slug.replace(/^_+|_+$/g, "");
  const name = /^[a-z]/.test(trimmed) ? trimmed : `index_${trimmed}`.replace(/_$/, "");
  const taken = await request.backend.list(name);
  return taken.includes(name) ? otherName(name) : name;
}

function otherName(name: string): string {
  return `${name}_${newId().slice(-6)}`;
}

/** Nobody could say which values the entries of that collection have. */
function filterFieldsOfOther(name: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a new collection for filterFields but '${name}' is there already`,
    hint: "Leave filterFields out, or give another collectionName",
  });
}

function otherMetric(name: string, found: string, asked: string): NearsightError {
  return new NearsightError({
    code: "METRIC_NOT_SUPPORTED",
    message: `Expected metric '${asked}' but collection '${name}' was made with '${found}'`,
    hint: `Give metric: "${found}", or another collectionName`,
  });
}

function allFailed(run: RunRecord, failed: number, reason: string | null): NearsightError {
  return new NearsightError({
    code: "WRITE_PARTIAL",
    message: `None of the ${failed} entries of brain run '${run.key}' could be indexed; the first reason: ${reason}`,
    hint: "Correct the cause and call computeSimilarity() again: it goes on where it stopped",
    details: { brainKey: run.key, failed },
  });
}
