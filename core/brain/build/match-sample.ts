/** Makes what the indexes of a data set hold of one sample match its medium; for whoever follows a bucket or folder. */

import { setTimeout as pause } from "node:timers/promises";
import type { Dataset } from "../../dataset/dataset.ts";
import type { MatchOutcome, MatchRequest } from "../../dataset/sync-port.ts";
import { type ErrorCode, isNearsightError, throwIfAborted } from "../../errors.ts";
import type { EntryRecord, RunRecord } from "../../store/store-runs.ts";
import type { BrainContext } from "../context.ts";
import { dropVectors, type Failure, once, removeEntries } from "../entries.ts";
import { writeAlone } from "../fields/write-values.ts";
import { type OpenIndex, openIndex, openKnown } from "../open-index.ts";
import { queryModel } from "../query/query.ts";
import { contentOf } from "./changed-sources.ts";
import { croppingOf, fromModel, type WantedRow } from "./vector-source.ts";
import { writeEmbedded } from "./write-embedded.ts";

const PATIENCE_MS = 30_000;
const FIRST_WAIT_MS = 10;
const LAST_WAIT_MS = 1_000;

type Asked = Omit<MatchRequest, "store">;

/** See `SampleIndexes.match`. */
export async function matchSample(context: BrainContext, asked: Asked): Promise<MatchOutcome> {
  let written = 0;
  let isCertain = true;
  const failed: { brainKey: string; reason: string }[] = [];
  const errors: unknown[] = [];
  for (const run of await followingRuns(context, asked.dataset.id)) {
    try {
      const matched = await matchInRun(await openKnown(context, run), asked);
      written += matched.written;
      isCertain &&= matched.isCertain;
      failed.push(...matched.failed.map(({ reason }) => ({ brainKey: run.key, reason })));
    } catch (error) {
      if (isEndOfAll(error)) throw error;
      // An index that cannot be written to keeps no other from being right.
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return { written, failed, isCertain };
}

async function matchInRun(index: OpenIndex, asked: Asked) {
  const { run } = index;
  const rows = await outdatedRows(index, asked);
  if (rows.length === 0) return { written: 0, failed: [], isCertain: true };
  const failed = await whenFree(asked.signal, () =>
    writeAlone(index, asked.signal, (held) => embedRows(index, rows, held)),
  );
  return { written: rows.length - failed.length, failed, isCertain: await wasAlone(index, run) };
}

function isEndOfAll(error: unknown): boolean {
  return isNearsightError(error) && (["LEASE_LOST", "ABORTED", "CLOSED"] as ErrorCode[]).includes(error.code);
}

/** Other writers have a run for moments and are waited for; who builds it has it for long, and is not: RUN_BUSY. */
async function whenFree<Result>(
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const end = performance.now() + PATIENCE_MS;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LAST_WAIT_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isNearsightError(error, "RUN_BUSY") || performance.now() > end) throw error;
    }
    throwIfAborted(signal);
    await pause(wait * (0.5 + Math.random()));
  }
}

/** See `SampleIndexes.remove`. */
export async function removeSample(
  context: BrainContext,
  { dataset, sampleId, isUncertain }: Asked,
): Promise<void> {
  const { entries, samples } = context.store;
  const known: [index: OpenIndex, entryIds: string[]][] = [];
  for (const run of await livingRuns(context, dataset.id)) {
    const rows = await entries.list(run.id, { sampleIds: [sampleId] });
    known.push([openIndex(context, run), rows.map((row) => row.entryId)]);
  }
  await samples.delete(dataset.id, [sampleId]);
  for (const [index, entryIds] of known) {
    if (entryIds.length > 0) await removeEntries(index, entryIds);
    // A vector that came after the deletion of its entry.
    else if (isUncertain && index.run.config.patchesField === null) await dropVectors(index, [sampleId]);
  }
}

/** See `SampleIndexes.outdated`. */
export async function outdatedSamples(
  context: BrainContext,
  dataset: Dataset,
  sampleIds: readonly string[],
  isCurrent: (sampleId: string, version: string) => boolean,
): Promise<Set<string>> {
  const outdated = new Set<string>();
  for (const run of await followingRuns(context, dataset.id)) {
    const isPending = isHeld(run) ? "pending" : null;
    const found = await context.store.entries.list(run.id, { sampleIds });
    const indexed = new Set(found.map((entry) => entry.sampleId));
    for (const { sampleId, state, sourceVersion } of found) {
      // What a builder has not come to yet is its own business.
      if (state === isPending) continue;
      const isMade = state === "indexed" && (sourceVersion === null || isCurrent(sampleId, sourceVersion));
      if (!isMade) outdated.add(sampleId);
    }
    if (!coversAll(run)) continue;
    for (const sampleId of sampleIds) if (!indexed.has(sampleId)) outdated.add(sampleId);
  }
  return outdated;
}

async function livingRuns(context: BrainContext, datasetId: string): Promise<RunRecord[]> {
  const runs = await context.store.runs.list(datasetId);
  return runs.filter(({ type, state }) => type === "similarity" && state !== "deleting");
}

/** Runs that can embed a medium, and whose rows are known: one that is only planned reads its media later. */
async function followingRuns(context: BrainContext, datasetId: string): Promise<RunRecord[]> {
  const runs = await livingRuns(context, datasetId);
  return runs.filter(({ config, state }) => config.model !== null && state !== "planned");
}

function coversAll({ config }: RunRecord): boolean {
  return config.stages.length === 0 && config.patchesField === null;
}

/** Rows of the sample that the index lacks, that failed, or whose medium has other content by now. */
async function outdatedRows(index: OpenIndex, asked: Asked): Promise<WantedRow[]> {
  const { context, run } = index;
  const { dataset, sampleId, isUncertain } = asked;
  const known = await context.store.entries.list(run.id, { sampleIds: [sampleId] });
  const isNew = new Set(await rowsInView(dataset, run, sampleId));
  for (const { entryId } of known) isNew.delete(entryId);
  const rows: WantedRow[] = [...isNew].map((id) => ({ id, sampleId }));
  const isOther = versionCheck(index, asked);
  for (const entry of known) {
    const { entryId: id, state } = entry;
    const isMade = state === "indexed" && !(isUncertain && entry.sourceVersion !== null);
    if (state !== "deleting" && (!isMade || (await isOther(entry))))
      rows.push({ id, sampleId, isChanged: true });
  }
  return rows;
}

async function rowsInView(
  dataset: Dataset,
  { config: { stages, patchesField } }: RunRecord,
  sampleId: string,
): Promise<string[]> {
  const view = dataset.view({ stages: [{ stage: "select", ids: [sampleId] }, ...stages] });
  const ids: string[] = [];
  for await (const page of view.mediaPages({ patchesField })) ids.push(...page.map((row) => row.id));
  return ids;
}

/** Whether an entry was made from other content than the medium has; a new mark of the same content is noted. */
function versionCheck({ context, run }: OpenIndex, { uri, signal }: Asked) {
  const versions = new Map<string, Promise<string | null>>();
  return async ({ entryId, sourceVersion: made }: EntryRecord): Promise<boolean> => {
    if (made === null) return false;
    // A medium that cannot be read is taken for another: embedding it tells why.
    const looked = versions.get(made) ?? context.media.version(uri, made, signal).catch(unreadable);
    versions.set(made, looked);
    const now = await looked;
    if (now === null || contentOf(now) !== contentOf(made)) return true;
    if (now !== made) await context.store.entries.recordSources(run.id, new Map([[entryId, now]]));
    return false;
  };
}

function unreadable(error: unknown): null {
  if (isNearsightError(error, "ABORTED") || isNearsightError(error, "PACKAGE_MISSING")) throw error;
  return null;
}

/** Embeds and writes rows; those that failed are settled so, and returned. */
async function embedRows(
  index: OpenIndex,
  rows: readonly WantedRow[],
  { epoch, signal }: { epoch?: number; signal?: AbortSignal | undefined },
): Promise<Failure[]> {
  const { context, run } = index;
  const { patchesField, roiField, embeddingsField } = run.config;
  const model = await queryModel(index);
  const planned = rows.map(({ id, sampleId }) => ({ entryId: id, sampleId }));
  const held = epoch === undefined ? {} : { epoch };
  await context.store.entries.plan(run.id, planned, { overwrite: true, ...held });
  const origin = { datasetId: run.datasetId, patchesField, roiField };
  const options = { ...croppingOf(run), ...(signal === undefined ? {} : { signal }) };
  const vectors = fromModel(context, model, origin, options, embeddingsField);
  const failed: Failure[] = [];
  await writeEmbedded(index, vectors(once(rows)), { epoch, signal }, (batch) => failed.push(...batch.failed));
  return failed;
}

/** False where a build of the run goes on, or has begun since it was read: both may have read the medium earlier. */
async function wasAlone(index: OpenIndex, before: RunRecord): Promise<boolean> {
  if (before.config.filterFields !== undefined) return true;
  const now = await index.refresh();
  return now.epoch === before.epoch && !isHeld(now);
}

function isHeld({ leaseOwner, leaseUntil }: RunRecord): boolean {
  return leaseOwner !== null && (leaseUntil ?? 0) > Date.now();
}
