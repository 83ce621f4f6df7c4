/** The brain as data sets and views know it: every function of this room behind one object. */

import type { BrainPort } from "../dataset/brain-port.ts";
import type { SimilarityResolver } from "../dataset/similarity-port.ts";
import type { SampleIndexes } from "../dataset/sync-port.ts";
import { computeEmbeddings } from "./build/compute-embeddings.ts";
import { matchSample, outdatedSamples, removeSample } from "./build/match-sample.ts";
import { computeExactDuplicates } from "./compare/exact-duplicates.ts";
import { computeLeakySplits } from "./compare/leaky-splits.ts";
import { computeNearDuplicates } from "./compare/near-duplicates.ts";
import { computeRepresentativeness } from "./compare/representativeness.ts";
import { computeUniqueness } from "./compare/uniqueness.ts";
import { computeSimilarity } from "./compute-similarity.ts";
import type { BrainContext } from "./context.ts";
import { copyRun } from "./copy-run.ts";
import { resolveSimilarity } from "./resolver.ts";
import {
  brainViewStages,
  deleteBrainRun,
  deleteBrainRuns,
  getBrainInfo,
  listBrainRuns,
  loadBrainResults,
} from "./runs.ts";
import { switchBrainRun } from "./switch-run.ts";
import { computeVisualization } from "./visualization/compute-visualization.ts";

/** The indexes of single samples; they write to the store of each request. */
export function createSampleIndexes(context: BrainContext): SampleIndexes {
  return {
    match: ({ store, ...asked }) => matchSample({ ...context, store }, asked),
    remove: ({ store, ...asked }) => removeSample({ ...context, store }, asked),
    outdated: (dataset, sampleIds, isCurrent) => outdatedSamples(context, dataset, sampleIds, isCurrent),
  };
}

/** Binds the functions of this room to what they work with. */
export function createBrain(context: BrainContext): BrainPort & SimilarityResolver {
  return {
    computeSimilarity: (samples, options) => computeSimilarity(context, samples, options),
    computeVisualization: (samples, options) => computeVisualization(context, samples, options),
    computeEmbeddings: (samples, model, options) => computeEmbeddings(context, samples, model, options),
    computeNearDuplicates: (samples, options = {}) => computeNearDuplicates(context, samples, options),
    computeExactDuplicates: (samples, options = {}) => computeExactDuplicates(context, samples, options),
    computeLeakySplits: (samples, splits, options = {}) =>
      computeLeakySplits(context, samples, splits, options),
    computeUniqueness: (samples, options = {}) => computeUniqueness(context, samples, options),
    computeRepresentativeness: (samples, options = {}) =>
      computeRepresentativeness(context, samples, options),
    resolve: (request) => resolveSimilarity(context, request),
    listBrainRuns: (datasetId, filter) => listBrainRuns(context, datasetId, filter),
    getBrainInfo: (datasetId, key) => getBrainInfo(context, datasetId, key),
    loadBrainResults: (samples, key, connection) => loadBrainResults(context, samples, key, connection),
    copyRun: (samples, key, options) => copyRun(context, samples, key, options),
    brainViewStages: (datasetId, key) => brainViewStages(context, datasetId, key),
    async renameBrainRun(datasetId, key, newKey) {
      await context.store.runs.rename(datasetId, key, newKey);
    },
    switchBrainRun: (datasetId, key, toKey) => switchBrainRun(context, datasetId, key, toKey),
    deleteBrainRun: (datasetId, key) => deleteBrainRun(context, datasetId, key),
    deleteBrainRuns: (datasetId) => deleteBrainRuns(context, datasetId),
  };
}
