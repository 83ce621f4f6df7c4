/** Copies a brain run to another backend, or collection: vectors are read and written, nothing is embedded. */

import type { Batch } from "../backends/backend.ts";
import { isBinaryMetric, type Metric } from "../backends/metric.ts";
import type { CopyRunOptions, SimilarityIndex } from "../dataset/brain-port.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { NearsightError, throwIfAborted } from "../errors.ts";
import type { EntryRecord, RunRecord } from "../store/store-runs.ts";
import { findOrRecordRun } from "./compute-similarity.ts";
import type { BrainContext } from "./context.ts";
import { dropVectors, entryPages, type Failure } from "./entries.ts";
import { withLease } from "./lease.ts";
import { indexGone, type OpenIndex, openIndex, openKnown } from "./open-index.ts";
import { selectIds } from "./query/fetch-vectors.ts";
import { type BuildRequest, checkedMetric, chooseBackend, hashOf } from "./request.ts";
import { findRun } from "./runs.ts";
import { createSimilarityIndex } from "./similarity-index.ts";
import { assertMetricOf } from "./vector-kind.ts";
import { startWriter, type Writer } from "./writer.ts";

/** Options of `copyRun` that are not the backend's. */
const OWN_OPTIONS = {
  of: "copyRun",
  names: new Set([
    "to",
    "brainKey",
    "collectionName",
    "metric",
    "normalize",
    "overwrite",
    "progress",
    "signal",
  ]),
};

/** See `dataset.copyRun`. */
export async function copyRun(
  context: BrainContext,
  samples: SampleCollection,
  key: string,
  options: CopyRunOptions,
): Promise<SimilarityIndex> {
  throwIfAborted(options.signal);
  const source = await openKnown(context, await findRun(context, samples.dataset.id, key));
  assertCopyable(source.run);
  const request = await copyRequest(context, source.run, options);
  if (options.overwrite) await makeRoom(context, samples, request);
  const run = await findOrRecordRun(context, samples, request);
  context.connections.set(run.id, request.connection);
  const target = openIndex(context, run);
  await withLease(context, run, options.signal, async ({ epoch, signal }) => {
    await context.store.runs.update(run.id, { state: "building", reason: null }, epoch);
    await target.refresh();
    return copyEntries(source, target, { ...options, signal }, epoch);
  });
  await target.refresh();
  return createSimilarityIndex(target, samples);
}

/** A run under construction would be copied in part, and nobody could say which. */
function assertCopyable(run: RunRecord): void {
  if (run.type !== "similarity") {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a similarity run to copy but '${run.key}' is of type '${run.type}'`,
      hint: "Copy a run that computeSimilarity() made",
    });
  }
  if (run.state === "deleting") throw indexGone(run);
  if (run.leaseOwner === null || (run.leaseUntil ?? 0) < Date.now()) return;
  throw new NearsightError({
    code: "RUN_BUSY",
    message: `Brain run '${run.key}' is being built`,
    hint: "Copy it when that has ended",
    details: { brainKey: run.key, leaseUntil: run.leaseUntil },
  });
}

async function copyRequest(
  context: BrainContext,
  source: RunRecord,
  options: CopyRunOptions,
): Promise<BuildRequest> {
  const { backend, backendName, connection, collectionName, metric, params } = await chooseBackend(
    context,
    options.to,
    options,
    OWN_OPTIONS,
  );
  const wanted = checkedMetric(backend, options.metric ?? source.config.metric ?? metric);
  const own = source.config.metric as Metric;
  const compared = `the vectors of '${source.key}', which are compared by '${own}',`;
  assertMetricOf(wanted, isBinaryMetric(own), compared);
  const key = options.brainKey ?? `${source.key}_${backendName}`;
  if (key === source.key) throw sameKey(key);
  const { collectionName: _name, ownsCollection: _owns, filterFields, ...copied } = source.config;
  const keepsFields = filterFields !== undefined && backend.capabilities.filterFields === true;
  const config: BuildRequest["config"] = {
    ...copied,
    ...(keepsFields ? { filterFields } : {}),
    backend: backendName,
    metric: wanted,
    normalized: copied.normalized || (options.normalize ?? false),
    params: backendName === copied.backend ? { ...copied.params, ...params } : params,
  };
  return {
    key,
    backend,
    connection,
    collectionName,
    config,
    specHash: hashOf({ ...config, named: collectionName, source: source.id }),
    plan: { kind: "none" },
    embedding: {},
  };
}

function sameKey(key: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected another brainKey for the copy but found '${key}', the key of the run itself`,
    hint: "Choose another brainKey; renameBrainRun() can change both later",
  });
}

/** Removes a run that is in the way, with its collection; one that this request can go on with stays. */
async function makeRoom(
  context: BrainContext,
  samples: SampleCollection,
  { key, specHash }: BuildRequest,
): Promise<void> {
  const found = await context.store.runs.get(samples.dataset.id, key);
  if (found === null || (found.specHash === specHash && found.state !== "ready")) return;
  await createSimilarityIndex(openIndex(context, found), samples).delete();
}

/** Copies what the source has indexed and the target has not, and the failures with their reasons. */
async function copyEntries(
  source: OpenIndex,
  target: OpenIndex,
  { progress, signal }: CopyRunOptions,
  epoch: number,
): Promise<{ state: RunRecord["state"]; reason: string | null; result: undefined }> {
  const { entries } = source.context.store;
  const total = (await entries.counts(source.run.id)).indexed;
  let done = 0;
  let failed = 0;
  progress?.({ phase: "copying", done, total, failed });
  const writer = startWriter(target, epoch);
  try {
    for await (const page of entryPages(source.context.store, source.run.id, ["indexed", "failed"])) {
      throwIfAborted(signal);
      const indexed = page.filter((entry) => entry.state === "indexed");
      const failures = [
        ...(await copyPage(source, target, writer, await notYetThere(target, indexed), epoch)),
        ...(await copyFailures(target, page, epoch)),
      ];
      done += indexed.length;
      failed += failures.length;
      progress?.({ phase: "copying", done, total, failed });
    }
    const rest = await writer.finish();
    await dropVectors(target, rest.unwanted);
    failed += rest.failed.length;
    if (rest.failed.length > 0) progress?.({ phase: "copying", done, total, failed });
  } finally {
    await writer.idle();
  }
  const [first] = await entries.list(target.run.id, { states: ["failed"], limit: 1 });
  return {
    state: first === undefined ? "ready" : "partial",
    reason: first?.reason ?? null,
    result: undefined,
  };
}

async function notYetThere(target: OpenIndex, entries: readonly EntryRecord[]): Promise<EntryRecord[]> {
  const entryIds = entries.map((entry) => entry.entryId);
  const there = await target.context.store.entries.list(target.run.id, { entryIds, states: ["indexed"] });
  const ids = new Set(there.map((entry) => entry.entryId));
  return entries.filter((entry) => !ids.has(entry.entryId));
}

/** Plans and writes one page; the batches are as large as the source gives them. */
async function copyPage(
  source: OpenIndex,
  target: OpenIndex,
  writer: Writer,
  page: readonly EntryRecord[],
  epoch: number,
): Promise<readonly Failure[]> {
  const collection = await source.collection();
  if (page.length === 0 || collection === null) return [];
  const { entries } = target.context.store;
  await entries.plan(target.run.id, page, { overwrite: "unwritten", epoch });
  // Deleted between the reading of the page and its planning, when there was no entry to mark yet.
  await entries.markVanished(target.run.id, target.run.config.patchesField);
  const left = new Map(page.map((entry) => [entry.entryId, entry]));
  const failures: Failure[] = [];
  for await (const batch of collection.fetch(selectIds([...left.keys()]))) {
    const { failed, unwanted } = await writer.write(withSources(batch, left));
    await dropVectors(target, unwanted);
    failures.push(...failed);
    for (const id of batch.ids) left.delete(id);
  }
  const lost = [...left.keys()].map((id) => ({ id, reason: `its vector is not in '${collection.name}'` }));
  if (lost.length > 0) await entries.settle(target.run.id, { indexed: [], failed: lost }, epoch);
  return [...failures, ...lost];
}

/** What could not be indexed there cannot be here; `addMissing()` tries it again. */
async function copyFailures(
  target: OpenIndex,
  page: readonly EntryRecord[],
  epoch: number,
): Promise<readonly Failure[]> {
  const failed = page.filter((entry) => entry.state === "failed");
  if (failed.length === 0) return [];
  const { entries } = target.context.store;
  await entries.plan(target.run.id, failed, { epoch });
  const failures = failed.map(({ entryId, reason }) => ({ id: entryId, reason: reason ?? "" }));
  await entries.settle(target.run.id, { indexed: [], failed: failures }, epoch);
  return failures;
}

/** An entry of the copy is as old as its original. */
function withSources(batch: Batch, page: ReadonlyMap<string, EntryRecord>) {
  const versions = batch.ids.map((id) => [id, page.get(id)?.sourceVersion ?? null] as const);
  return { ...batch, sourceVersions: new Map(versions) };
}
