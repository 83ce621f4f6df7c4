/** The index by which samples are compared: one that is there, or one made for it and removed afterwards. */

import type { Selection } from "../../backends/backend.ts";
import type { SimilarityIndex } from "../../dataset/brain-port.ts";
import type { IndexedOptions, VectorsOptions } from "../../dataset/duplicates-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { isNearsightError, NearsightError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { RunRecord } from "../../store/store-runs.ts";
import { addEntries } from "../build/add-entries.ts";
import { computeSimilarity } from "../compute-similarity.ts";
import type { BrainContext } from "../context.ts";
import { type OpenIndex, openIndex, openKnown, runNotFound } from "../open-index.ts";
import { selectIds } from "../query/fetch-vectors.ts";
import { createSimilarityIndex } from "../similarity-index.ts";
import { type EntryRows, entryRows } from "./entry-rows.ts";
import { backendHere } from "./exact-copy.ts";

/**
 * The given index limited to the samples, or a new one under the cosine metric, which stays. An index object
 * that was given stays as it is: the one returned has its own view and results.
 */
export async function comparedIndex(
  context: BrainContext,
  samples: SampleCollection,
  options: IndexedOptions,
): Promise<SimilarityIndex> {
  const { similarityIndex, brainKey } = options;
  if (similarityIndex === undefined) {
    return makeIndex(context, samples, options, options.backend, brainKey);
  }
  const key = typeof similarityIndex === "string" ? similarityIndex : similarityIndex.key;
  return createSimilarityIndex(await openRun(context, samples, key), samples);
}

/** Does work on the vectors of samples: of the given index, or of one that is made for it and then removed. */
export async function withVectors<Result>(
  context: BrainContext,
  samples: SampleCollection,
  options: VectorsOptions,
  work: (index: OpenIndex, rows: EntryRows) => Promise<Result>,
): Promise<Result> {
  assertSamples(samples);
  const { similarityIndex, signal } = options;
  if (similarityIndex !== undefined) {
    const key = typeof similarityIndex === "string" ? similarityIndex : similarityIndex.key;
    const index = await openRun(context, samples, key);
    assertWholeSamples(index);
    return work(index, await entryRows(index, samples, signal));
  }
  return withScratch(context, samples, options, async (index) =>
    work(index, await entryRows(index, samples, signal)),
  );
}

/** Does work on a copy of some entries under the cosine metric, streamed; vectors of only zeros are left out. */
export async function withCosineCopy<Result>(
  from: OpenIndex,
  samples: SampleCollection,
  rows: EntryRows,
  options: VectorsOptions,
  work: (index: OpenIndex, rows: EntryRows) => Promise<Result>,
): Promise<Result> {
  const empty = { ...options, embeddings: false as const };
  return withScratch(from.context, samples, empty, async (index) => {
    await copyVectors(from, index, selectIds(rows.ids));
    return work(index, await entryRows(index, samples, options.signal));
  });
}

async function copyVectors(from: OpenIndex, to: OpenIndex, selection: Selection): Promise<void> {
  const collection = await from.collection();
  if (collection === null) return;
  for await (const batch of collection.fetch(selection)) {
    try {
      await addEntries(to, batch.vectors, batch.sampleIds, null, {});
    } catch (error) {
      if (!isNearsightError(error, "WRITE_PARTIAL")) throw error;
    }
  }
}

/** Makes an index, does the work, and removes it, whatever happened. */
async function withScratch<Result>(
  context: BrainContext,
  samples: SampleCollection,
  options: MakingOptions,
  work: (index: OpenIndex) => Promise<Result>,
): Promise<Result> {
  const key = `comparison_${newId().slice(-6)}`;
  try {
    await makeIndex(context, samples, options, undefined, key);
    return await work(await openRun(context, samples, key));
  } finally {
    const run = await context.store.runs.get(samples.dataset.id, key);
    if (run !== null) await createSimilarityIndex(openIndex(context, run), samples).delete();
  }
}

type MakingOptions = Omit<VectorsOptions, "embeddings"> & {
  readonly embeddings?: VectorsOptions["embeddings"] | false;
};

function makeIndex(
  context: BrainContext,
  samples: SampleCollection,
  options: MakingOptions,
  backend: string = backendHere(context) ?? context.defaultBackend,
  brainKey: string | undefined,
): Promise<SimilarityIndex> {
  const { embeddings, model, modelKwargs, roiField } = options;
  const { batchSize, numWorkers, skipFailures, forceSquare, alpha, progress, signal } = options;
  const wanted = {
    ...{ brainKey, backend, metric: "cosine" as const, embeddings, model, modelKwargs, roiField },
    ...{ batchSize, numWorkers, skipFailures, forceSquare, alpha, progress, signal },
  };
  const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
  return computeSimilarity(context, samples, given);
}

/** Opens a similarity run of the samples' data set by its key; RUN_NOT_FOUND, INVALID_ARGUMENT. */
export async function openRun(
  context: BrainContext,
  samples: SampleCollection,
  key: string,
): Promise<OpenIndex> {
  const { runs } = context.store;
  const run = await runs.get(samples.dataset.id, key);
  if (run !== null) return openKnown(context, similarityRun(run));
  throw runNotFound(
    key,
    (await runs.list(samples.dataset.id)).map((other) => other.key),
  );
}

function similarityRun(run: RunRecord): RunRecord {
  if (run.type === "similarity") return run;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a similarity index but brain run '${run.key}' is of type ${run.type}`,
    hint: "Give the key of a run made with computeSimilarity()",
    details: { brainKey: run.key },
  });
}

/** Throws INVALID_ARGUMENT for an index of patches. */
export function assertWholeSamples({ run }: OpenIndex): void {
  const { patchesField } = run.config;
  if (patchesField === null) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected an index of whole samples but '${run.key}' indexes '${patchesField}' patches`,
    hint: "Give an index made without patchesField",
    details: { brainKey: run.key },
  });
}

/** Throws INVALID_ARGUMENT for a view of patches. */
export function assertSamples(samples: SampleCollection): void {
  if (samples.patchesField === null) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected samples but found a view of '${samples.patchesField}' patches`,
    hint: "Give the view before toPatches()",
  });
}
