/** The brain as data sets and views know it: every function of this room behind one object. */

import type { BrainPort } from "../dataset/brain-port.ts";
import type { SimilarityResolver } from "../dataset/similarity-port.ts";
import { computeEmbeddings } from "./compute-embeddings.ts";
import { computeSimilarity } from "./compute-similarity.ts";
import type { BrainContext } from "./context.ts";
import { resolveSimilarity } from "./resolver.ts";
import {
  brainViewStages,
  deleteBrainRun,
  deleteBrainRuns,
  getBrainInfo,
  listBrainRuns,
  loadBrainResults,
} from "./runs.ts";

/** Binds the functions of this room to what they work with. */
export function createBrain(context: BrainContext): BrainPort & SimilarityResolver {
  return {
    computeSimilarity: (samples, options) => computeSimilarity(context, samples, options),
    computeEmbeddings: (samples, model, options) => computeEmbeddings(context, samples, model, options),
    resolve: (request) => resolveSimilarity(context, request),
    listBrainRuns: (datasetId, filter) => listBrainRuns(context, datasetId, filter),
    getBrainInfo: (datasetId, key) => getBrainInfo(context, datasetId, key),
    loadBrainResults: (samples, key, connection) => loadBrainResults(context, samples, key, connection),
    brainViewStages: (datasetId, key) => brainViewStages(context, datasetId, key),
    async renameBrainRun(datasetId, key, newKey) {
      await context.store.runs.rename(datasetId, key, newKey);
    },
    deleteBrainRun: (datasetId, key) => deleteBrainRun(context, datasetId, key),
    deleteBrainRuns: (datasetId) => deleteBrainRuns(context, datasetId),
  };
}
