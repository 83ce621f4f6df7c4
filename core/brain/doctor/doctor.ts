/** Checks an installation: the store, the default model, every brain run, and collections nobody uses. */

import type { Backend } from "../../backends/backend.ts";
import { datasetNotFound } from "../../dataset/datasets.ts";
import { isNearsightError, throwIfAborted } from "../../errors.ts";
import type { DatasetRecord } from "../../store/store.ts";
import type { RunRecord } from "../../store/store-runs.ts";
import { backendHere } from "../compare/exact-copy.ts";
import type { BrainContext } from "../context.ts";
import { openIndex } from "../open-index.ts";
import { checkFacts } from "./check-facts.ts";
import { checkRun } from "./check-run.ts";
import {
  type Check,
  type DoctorOptions,
  type DoctorReport,
  failure,
  type Outcome,
  ok,
  warning,
} from "./report.ts";

/** A picture of one pixel, to see that media can be decoded. */
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

/** Looks at everything, repairs if asked to, and says what it found. DATASET_NOT_FOUND, ABORTED. */
export async function doctor(context: BrainContext, options: DoctorOptions = {}): Promise<DoctorReport> {
  const checks: Check[] = [];
  for await (const check of allChecks(context, options)) checks.push(check);
  return { healthy: checks.every(({ status }) => status === "ok" || status === "repaired"), checks };
}

async function* allChecks(context: BrainContext, options: DoctorOptions): AsyncGenerator<Check> {
  const { brainKey } = options;
  if (brainKey === undefined) {
    yield { subject: "installation", name: "store", ...(await checkStore(context)) };
    yield { subject: "installation", name: "model", ...(await checkModel(context)) };
  }
  const runs: RunRecord[] = [];
  for (const dataset of await wantedDatasets(context, options.dataset)) {
    for (const run of await context.store.runs.list(dataset.id)) {
      throwIfAborted(options.signal);
      if (run.type !== "similarity" || (brainKey ?? run.key) !== run.key) continue;
      runs.push(run);
      const subject = `${dataset.name}/${run.key}`;
      for await (const check of checkRun(context, run, options)) yield { subject, ...check };
    }
  }
  yield* servers(context, runs);
  if (options.dataset === undefined && brainKey === undefined) yield* unusedCollections(context, runs);
}

async function wantedDatasets({ store }: BrainContext, name: string | undefined): Promise<DatasetRecord[]> {
  if (name === undefined) return store.datasets.list();
  const dataset = await store.datasets.get(name);
  if (dataset !== null) return [dataset];
  const names = (await store.datasets.list()).map((one) => one.name);
  throw datasetNotFound(name, names);
}

async function checkStore({ store }: BrainContext): Promise<Outcome> {
  const [problem] = await store.check();
  const { length } = await store.datasets.list();
  if (problem === undefined) return ok(`sound, with ${length} data sets`);
  return { status: "error", message: problem, hint: "Restore the store's file from a backup" };
}

/** Runs the default model on one pixel: the packages that decode and embed are there and work. */
async function checkModel(context: BrainContext): Promise<Outcome> {
  try {
    const model = await context.model(context.defaultModel, {});
    const medium = await context.media.open(PIXEL, undefined);
    const { width, height } = model.input;
    await model.embed({ data: await medium.tensor(model.input, null), shape: [1, 3, height, width] });
    return ok(`${model.name} decodes and embeds a picture`);
  } catch (error) {
    if (isNearsightError(error)) return failure(error);
    throw error;
  }
}

/** What the servers of the runs tell of themselves; one that cannot be reached is told of with each of its runs. */
async function* servers(context: BrainContext, runs: readonly RunRecord[]): AsyncGenerator<Check> {
  const asked = new Set<Backend>();
  for (const run of runs) {
    const backend = await openIndex(context, run)
      .backend()
      .catch(() => null);
    if (backend?.facts === undefined || asked.has(backend)) continue;
    asked.add(backend);
    const outcome = checkFacts(backend.facts(), backend.name).catch((error) => {
      if (isNearsightError(error)) return failure(error);
      throw error;
    });
    yield { subject: "installation", name: "server", ...(await outcome) };
  }
}

/** Collections of the backends in use that no brain run names: left behind when only a record was deleted. */
async function* unusedCollections(context: BrainContext, runs: readonly RunRecord[]): AsyncGenerator<Check> {
  const byBackend = Map.groupBy(runs, (run) => run.config.backend);
  for (const name of new Set([context.backendName(context.defaultBackend), ...byBackend.keys()])) {
    const outcome = await unusedOf(context, name, byBackend.get(name) ?? []);
    yield { subject: "installation", name: "unused", ...outcome };
  }
}

async function unusedOf(context: BrainContext, name: string, runs: readonly RunRecord[]): Promise<Outcome> {
  try {
    const [run] = runs;
    const backend = await (run === undefined ? context.backend(name, {}) : openIndex(context, run).backend());
    const collections = await backend.list();
    const used = new Set(runs.map(({ config }) => config.collectionName));
    const unused = collections.filter((collection) => !used.has(collection));
    if (unused.length === 0) return ok(`every collection in ${name} belongs to a brain run`);
    const found = `${unused.length} of ${collections.length} collections in ${name} belong to no brain run here: ${unused.slice(0, 5).join(", ")}`;
    // A server is shared: what lies there beside our own indexes may be anybody's.
    if (name !== backendHere(context)) return ok(found);
    return warning(
      found,
      "Open one with computeSimilarity(dataset, { embeddings: false, collectionName }), then cleanup({ force: true })",
    );
  } catch (error) {
    if (isNearsightError(error)) return failure(error);
    throw error;
  }
}
