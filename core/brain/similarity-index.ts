/** The similarity index as users hold it: add, remove, read and search its entries, manage its run. */

import type {
  EmbeddingOptions,
  Embeddings,
  ExistingOptions,
  IdSelection,
  SimilarityIndex,
} from "../dataset/brain-port.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { isNearsightError, NearsightError } from "../errors.ts";
import type { Matrix, VectorData, VectorsLike } from "../matrix.ts";
import type { EmbeddingModel } from "../models/model.ts";
import type { RunConfig, RunRecord } from "../store/store-runs.ts";
import { addEntries } from "./build/add-entries.ts";
import { addMissing } from "./build/add-missing.ts";
import { embedSamples } from "./build/compute-embeddings.ts";
import { croppingOf } from "./build/vector-source.ts";
import { createDuplicates } from "./compare/find-duplicates.ts";
import { takeOver } from "./differences.ts";
import { finishDeletions, forgetEntries, removeEntries } from "./entries.ts";
import { evaluateIndex } from "./evaluate.ts";
import { updateFilterFields } from "./fields/update-values.ts";
import { writeAlone } from "./fields/write-values.ts";
import { indexGone, type OpenIndex } from "./open-index.ts";
import { queryModel } from "./query/query.ts";
import { asList, selectEntries, storedEmbeddings, wantedEntries } from "./query/select-entries.ts";
import { watchIndex } from "./query/watch.ts";
import { runConfigOf } from "./runs.ts";

/** Wraps an open run; `samples` is the data set or view it is used on. */
export function createSimilarityIndex(index: OpenIndex, samples: SampleCollection): SimilarityIndex {
  const { context } = index;
  const { store } = context;
  let view: SampleCollection = samples.dataset;
  if (samples.stages.length > 0) view = samples;

  /** A collection made elsewhere is read when its entries are first asked for. */
  const known = async () => {
    if (index.run.config.isUnread) await index.collection();
  };

  const coverage = async () => {
    await known();
    const stages = await view.resolvedStages();
    const { id, config } = index.run;
    return store.entries.countInView(id, view.dataset.id, stages, config.patchesField);
  };

  const duplicates = createDuplicates(
    index,
    () => usable(index),
    () => view,
  );

  const self: SimilarityIndex = {
    get key() {
      return index.run.key;
    },
    get config() {
      return runConfigOf(index.run);
    },
    get supportsPrompts() {
      return index.run.config.supportsPrompts;
    },
    get isExternal() {
      return index.run.config.backend !== "local";
    },
    get hasView() {
      return view.stages.length > 0;
    },
    get view() {
      return view;
    },

    async addToIndex(
      embeddings: VectorsLike | Matrix<VectorData>,
      sampleIds: string | readonly string[],
      labelIds?: string | readonly string[] | null,
      options: ExistingOptions = {},
    ) {
      await usable(index);
      const labels = labelIds == null ? null : asList(labelIds);
      await writeAlone(index, undefined, ({ epoch }) =>
        addEntries(index, embeddings, asList(sampleIds), labels, options, epoch),
      );
    },

    async addMissing(options: EmbeddingOptions = {}) {
      await usable(index);
      return addMissing(index, view, { ...croppingOf(index.run), ...options });
    },

    async updateFilterFields({ signal } = {}) {
      await usable(index);
      return updateFilterFields(index, signal);
    },

    async removeFromIndex(selection: IdSelection) {
      await usable(index);
      assertNamed(selection);
      const entryIds = await wantedEntries(index, selection);
      if (entryIds.length > 0) await removeEntries(index, entryIds);
    },

    async getEmbeddings<Data extends VectorData>(selection: IdSelection = {}): Promise<Embeddings<Data>> {
      await usable(index);
      return (await storedEmbeddings(index, selection)) as Embeddings<Data>;
    },

    async computeEmbeddings(
      from: SampleCollection,
      options: EmbeddingOptions & { model?: string | EmbeddingModel; skipExisting?: boolean } = {},
    ): Promise<Embeddings> {
      const model =
        options.model === undefined ? await queryModel(index) : await context.model(options.model, {});
      const { patchesField, roiField } = index.run.config;
      const skip = options.skipExisting ? await indexedIds(index) : null;
      return embedSamples(
        context,
        from,
        model,
        { ...croppingOf(index.run), ...options },
        { patchesField, roiField, skip },
      );
    },

    useView(next) {
      view = next;
      return self;
    },
    clearView() {
      view = samples.dataset;
    },

    async totalIndexSize() {
      await usable(index);
      const collection = await index.collection();
      return collection === null ? 0 : (await collection.describe()).size;
    },
    async indexSize() {
      return (await coverage()).indexed;
    },
    async missingSize() {
      const { indexed, total } = await coverage();
      return total - indexed;
    },
    async sampleIds() {
      await known();
      const entries = await selectEntries(index, {});
      return index.run.config.patchesField === null
        ? entries.map((entry) => entry.entryId)
        : entries.map((entry) => entry.sampleId);
    },
    async labelIds() {
      if (index.run.config.patchesField === null) return null;
      await known();
      return (await selectEntries(index, {})).map((entry) => entry.entryId);
    },

    sortBySimilarity(query, options = {}) {
      return view.sortBySimilarity(query, { ...options, brainKey: index.run.key });
    },

    get thresh() {
      return duplicates.thresh;
    },
    get uniqueIds() {
      return duplicates.uniqueIds;
    },
    get duplicateIds() {
      return duplicates.duplicateIds;
    },
    get neighborsMap() {
      return duplicates.neighborsMap;
    },
    findDuplicates: duplicates.findDuplicates,
    findUnique: duplicates.findUnique,
    duplicatesView: duplicates.duplicatesView,
    uniqueView: duplicates.uniqueView,
    visualizeDuplicates: duplicates.visualizeDuplicates,
    visualizeUnique: duplicates.visualizeUnique,
    plotDistances: duplicates.plotDistances,

    async evaluate(options = {}) {
      await usable(index);
      return evaluateIndex(index, options);
    },
    watch: (query, options = {}) => watchIndex(index, query, options),

    getModel: () => queryModel(index),
    async client() {
      return (await index.backend()).client();
    },
    async collection() {
      await usable(index);
      const collection = await index.collection();
      if (collection === null) throw notMade(index.run);
      return collection.handle?.() ?? noHandle(index.run);
    },
    async save() {
      await index.changeConfig({});
    },
    async reload() {
      await usable(index);
      if (self.isExternal) await takeOver(index);
    },

    async cleanup(options = {}) {
      await cleanUp(index, options.force ?? false);
    },
    async delete(options = {}) {
      await cleanUp(index, options.force ?? false);
      await store.runs.delete(index.run.id);
    },
  };
  return self;
}

/** Reads the run again, so that a cleanup or switch elsewhere is noticed, and finishes deletions. */
async function usable(index: OpenIndex): Promise<void> {
  const run = await index.refresh();
  if (run.state === "deleting") throw indexGone(run);
  if (run.config.isUnread) await index.collection();
  await finishDeletions(index);
}

/**
 * Drops the collection and forgets its entries. A collection that existed before, or that another run of
 * the data set uses too, is only let go of unless forced.
 */
async function cleanUp(index: OpenIndex, force: boolean): Promise<void> {
  const { store } = index.context;
  const { id, datasetId, config } = index.run;
  const reason = "its collection was removed by cleanup()";
  const recorded = (await store.runs.byId(id)) !== null;
  if (recorded) await store.runs.update(id, { state: "deleting", reason });
  const shared = (await store.runs.list(datasetId)).some(
    (other) => other.id !== id && sameCollection(other, config),
  );
  if (force || (config.ownsCollection && !shared)) await dropCollection(index);
  if (!recorded) return;
  await forgetEntries(index);
  await index.refresh();
}

function sameCollection({ config, state }: RunRecord, { backend, collectionName }: RunConfig): boolean {
  return state !== "deleting" && config.backend === backend && config.collectionName === collectionName;
}

async function dropCollection(index: OpenIndex): Promise<void> {
  const backend = await index.backend();
  try {
    await (await backend.open(index.run.config.collectionName)).drop();
  } catch (error) {
    if (!isNearsightError(error, "INDEX_NOT_FOUND")) throw error;
  }
}

function notMade({ key, config }: RunRecord): NearsightError {
  return new NearsightError({
    code: "INDEX_NOT_FOUND",
    message: `Index '${key}' has no collection '${config.collectionName}' yet: it is made with the first vectors`,
    hint: "Add vectors with addToIndex() or addMissing() first",
    details: { brainKey: key },
  });
}

function noHandle({ config }: RunRecord): never {
  throw new NearsightError({
    code: "BACKEND_NOT_SUPPORTED",
    message: `Backend '${config.backend}' has no collection object of its own`,
    hint: "Use client(), or the methods of the index",
  });
}

async function indexedIds(index: OpenIndex): Promise<ReadonlySet<string>> {
  return new Set((await selectEntries(index, {})).map((entry) => entry.entryId));
}

/** Without ids everything would go: `cleanup()` is for that. */
function assertNamed({ sampleIds, labelIds }: IdSelection): void {
  if (sampleIds !== undefined || labelIds !== undefined) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: "Expected sampleIds or labelIds to remove but found neither",
    hint: "Name the ids, or remove the whole index with cleanup()",
  });
}
