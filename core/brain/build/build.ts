/** The build itself: rows of the view are frozen as entries, then read back, embedded and written in a stream. */

import type { EmbeddingOptions } from "../../dataset/brain-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { NearsightError, throwIfAborted } from "../../errors.ts";
import type { VectorData } from "../../matrix.ts";
import type { EmbeddingModel } from "../../models/model.ts";
import type { RowIdentity } from "../../store/store.ts";
import type { PlannedEntry } from "../../store/store-runs.ts";
import { entryPages, type Failure, forgetEntries } from "../entries.ts";
import type { OpenIndex } from "../open-index.ts";
import type { EmbeddingPlan } from "../request.ts";
import { planChanged } from "./changed-sources.ts";
import type { GivenVectors } from "./given-vectors.ts";
import {
  firstFromField,
  fromField,
  fromMap,
  fromModel,
  type VectorSource,
  type WantedRow,
} from "./vector-source.ts";
import { writeEmbedded } from "./write-embedded.ts";

export type BuildPlan = Exclude<EmbeddingPlan, { kind: "none" }>;

/** How a build ended. */
export interface BuildOutcome {
  readonly indexed: number;
  readonly failed: number;
  /** Why the first failed entry failed. */
  readonly reason: string | null;
}

/** Builds or goes on building a run under a held lease. */
export async function buildRun(
  index: OpenIndex,
  samples: SampleCollection,
  plan: BuildPlan,
  options: EmbeddingOptions,
  epoch: number,
): Promise<BuildOutcome> {
  const run = index.run;
  const vectors =
    plan.kind === "given" ? await collectGiven(samples, run.config.patchesField, plan.vectors) : null;
  if (run.state === "planned") {
    // Left by a builder that was killed while it froze the rows: the view may be another by now.
    await forgetEntries(index);
    await freezeRows(index, samples, vectors, epoch, options.signal);
  } else {
    await retryFailed(index, epoch);
    if (plan.kind === "model") await planChanged(index, samples, epoch, options.signal);
  }
  return writePending(index, sourceOf(index, samples, plan, vectors, options), options, epoch);
}

/** Embeds and writes what is pending; the state says so meanwhile. */
async function writePending(
  index: OpenIndex,
  source: VectorSource,
  options: EmbeddingOptions,
  epoch: number,
): Promise<BuildOutcome> {
  await index.context.store.runs.update(index.run.id, { state: "building", reason: null }, epoch);
  await index.refresh();
  await writeAll(index, source, options, epoch);
  return outcomeOf(index);
}

async function outcomeOf({ context, run }: OpenIndex): Promise<BuildOutcome> {
  const { entries } = context.store;
  const counts = await entries.counts(run.id);
  const [first] = await entries.list(run.id, { states: ["failed"], limit: 1 });
  return { indexed: counts.indexed, failed: counts.failed, reason: first?.reason ?? null };
}

/**
 * Brings a run up to its view: rows that are not in the index yet, those that failed, and those whose file
 * has changed are embedded and written; other entries are left alone.
 */
export async function extendRun(
  index: OpenIndex,
  samples: SampleCollection,
  model: EmbeddingModel,
  options: EmbeddingOptions,
  epoch: number,
): Promise<BuildOutcome> {
  await freezeRows(index, samples, null, epoch, options.signal);
  await retryFailed(index, epoch);
  await planChanged(index, samples, epoch, options.signal);
  const plan = { kind: "model", model, field: index.run.config.embeddingsField } as const;
  return writePending(index, sourceOf(index, samples, plan, null, options), options, epoch);
}

function sourceOf(
  index: OpenIndex,
  samples: SampleCollection,
  plan: BuildPlan,
  vectors: ReadonlyMap<string, VectorData> | null,
  options: EmbeddingOptions,
): VectorSource {
  const { context, run } = index;
  const { patchesField, roiField, embeddingsField } = run.config;
  const datasetId = samples.dataset.id;
  switch (plan.kind) {
    case "given":
      return fromMap(vectors ?? new Map(), plan.vectors.dimension);
    case "field":
      return fromField(context, datasetId, plan.field);
    case "model": {
      const origin = { datasetId, patchesField, roiField };
      const computed = fromModel(context, plan.model, origin, options, embeddingsField);
      return plan.field === null ? computed : firstFromField(context, datasetId, plan.field, computed);
    }
  }
}

/** The view's rows with their positions. */
async function* positionedRows(
  samples: SampleCollection,
  patchesField: string | null,
): AsyncGenerator<(RowIdentity & { position: number; inSample: number })[]> {
  let position = 0;
  let sampleId = "";
  let inSample = 0;
  for await (const page of samples.mediaPages({ patchesField })) {
    yield page.map((row) => {
      inSample = row.sampleId === sampleId ? inSample + 1 : 0;
      sampleId = row.sampleId;
      return { id: row.id, sampleId: row.sampleId, position: position++, inSample };
    });
  }
}

export async function collectGiven(
  samples: SampleCollection,
  patchesField: string | null,
  given: GivenVectors,
): Promise<Map<string, VectorData>> {
  const vectors = new Map<string, VectorData>();
  for await (const page of positionedRows(samples, patchesField)) {
    for (const row of page) {
      const vector = given.vectorOf(row);
      if (vector !== null) vectors.set(row.id, vector);
    }
  }
  return vectors;
}

/** Writes the rows of the view as pending entries, so that later changes of the view do not change the build. */
async function freezeRows(
  index: OpenIndex,
  samples: SampleCollection,
  vectors: ReadonlyMap<string, VectorData> | null,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { config, id } = index.run;
  for await (const page of samples.mediaPages({ patchesField: config.patchesField })) {
    throwIfAborted(signal);
    const planned: PlannedEntry[] = page
      .filter((row) => vectors === null || vectors.has(row.id))
      .map((row) => ({ entryId: row.id, sampleId: row.sampleId }));
    await index.context.store.entries.plan(id, planned, { epoch });
  }
  // Deleted between the reading of a page and its planning, when there was no entry to mark yet.
  await index.context.store.entries.markVanished(id, config.patchesField);
}

async function retryFailed(index: OpenIndex, epoch: number): Promise<void> {
  const { entries } = index.context.store;
  const failed = await entries.list(index.run.id, { states: ["failed"] });
  await entries.plan(index.run.id, failed, { overwrite: true, epoch });
}

async function* pendingPages(index: OpenIndex): AsyncGenerator<WantedRow[]> {
  for await (const page of entryPages(index.context.store, index.run.id, ["pending"])) {
    yield page.map(({ entryId, sampleId, sourceVersion }) => ({
      id: entryId,
      sampleId,
      isChanged: sourceVersion !== null,
    }));
  }
}

async function writeAll(
  index: OpenIndex,
  source: VectorSource,
  options: EmbeddingOptions,
  epoch: number,
): Promise<void> {
  const counts = await index.context.store.entries.counts(index.run.id);
  const total = counts.pending + counts.indexed;
  let done = counts.indexed;
  let failed = 0;
  options.progress?.({ phase: "indexing", done, total, failed });
  const vectors = source(pendingPages(index));
  await writeEmbedded(index, vectors, { epoch, signal: options.signal }, (batch) => {
    const [first] = batch.failed;
    if (first !== undefined && options.skipFailures === false) throw entryFailed(first);
    done += batch.rows;
    failed += batch.failed.length;
    options.progress?.({ phase: "indexing", done, total, failed });
  });
}

function entryFailed(failure: Failure): NearsightError {
  return new NearsightError({
    code: "WRITE_PARTIAL",
    message: `Entry '${failure.id}' could not be indexed: ${failure.reason}`,
    hint: "Correct it, or leave skipFailures at true to go on without it",
    details: { failed: [failure.id] },
  });
}
