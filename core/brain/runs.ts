/** Brain runs: list, describe, load, rename and delete them. */

import type {
  BrainRunConfig,
  BrainRunFilter,
  BrainRunInfo,
  ConnectionOptions,
} from "../dataset/brain-port.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import type { BrainResults } from "../dataset/visualization-port.ts";
import type { Stage } from "../stages.ts";
import type { RunRecord } from "../store/store-runs.ts";
import { assertConnection } from "./connection.ts";
import type { BrainContext } from "./context.ts";
import { failedEntries, finishDeletions } from "./entries.ts";
import { openKnown, runNotFound } from "./open-index.ts";
import { createSimilarityIndex } from "./similarity-index.ts";
import { loadVisualization } from "./visualization/results.ts";

/** Failed entries that `getBrainInfo` lists. */
const SHOWN_FAILURES = 1_000;

/** The public form of a run's configuration. */
export function runConfigOf(run: RunRecord): BrainRunConfig {
  const { config } = run;
  return {
    ...config.params,
    type: run.type,
    method: config.backend,
    collectionName: config.collectionName,
    metric: config.metric,
    dimension: config.dimension,
    patchesField: config.patchesField,
    roiField: config.roiField,
    embeddingsField: config.embeddingsField,
    model: config.model,
    modelFingerprint: config.modelFingerprint,
    modelKwargs: config.modelArguments,
    supportsPrompts: config.supportsPrompts,
    ...(config.filterFields === undefined
      ? {}
      : { filterFields: config.filterFields.map(({ name }) => name) }),
  };
}

/** Keys of the runs whose configuration has every value of the filter, oldest first. */
export async function listBrainRuns(
  context: BrainContext,
  datasetId: string,
  filter: BrainRunFilter,
): Promise<string[]> {
  const runs = await context.store.runs.list(datasetId);
  return runs.filter((run) => fits(runConfigOf(run), filter)).map((run) => run.key);
}

function fits(config: BrainRunConfig, filter: BrainRunFilter): boolean {
  const values = config as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(filter).every(([name, wanted]) => wanted === undefined || values[name] === wanted);
}

export async function getBrainInfo(
  context: BrainContext,
  datasetId: string,
  key: string,
): Promise<BrainRunInfo> {
  const run = await findRun(context, datasetId, key);
  return {
    key: run.key,
    version: run.version,
    timestamp: run.createdAt,
    state: run.state,
    reason: run.reason,
    config: runConfigOf(run),
    entries: await context.store.entries.counts(run.id),
    failed: await failedEntries(context, run.id, SHOWN_FAILURES),
  };
}

/** The index, or the visualization, of a run; `connection` is used from here on in this process and never stored. */
export async function loadBrainResults(
  context: BrainContext,
  samples: SampleCollection,
  key: string,
  connection: ConnectionOptions,
): Promise<BrainResults> {
  const run = await findRun(context, samples.dataset.id, key);
  if (run.type === "visualization") return loadVisualization(context, samples, run);
  if (Object.keys(connection).length > 0) {
    assertConnection(context, run.config.backend, connection);
    context.connections.set(run.id, connection);
  }
  const index = await openKnown(context, run);
  if (run.state !== "deleting") await finishDeletions(index);
  return createSimilarityIndex(index, samples);
}

/** The stages of the view the run was made on. */
export async function brainViewStages(
  context: BrainContext,
  datasetId: string,
  key: string,
): Promise<readonly Stage[]> {
  return (await findRun(context, datasetId, key)).config.stages;
}

/** Removes the record only: the collection stays, as in FiftyOne, until `cleanup()` or `delete()`. */
export async function deleteBrainRun(context: BrainContext, datasetId: string, key: string): Promise<void> {
  const run = await findRun(context, datasetId, key);
  await context.store.runs.delete(run.id);
}

export async function deleteBrainRuns(context: BrainContext, datasetId: string): Promise<void> {
  for (const run of await context.store.runs.list(datasetId)) await context.store.runs.delete(run.id);
}

export async function findRun(context: BrainContext, datasetId: string, key: string): Promise<RunRecord> {
  const run = await context.store.runs.get(datasetId, key);
  if (run !== null) return run;
  const keys = (await context.store.runs.list(datasetId)).map((other) => other.key);
  throw runNotFound(key, keys);
}
