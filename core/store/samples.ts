/** Samples in the store: adds, changes and deletes them, and reads views of them. */

import type { Step, StoreDatabase } from "./database.ts";
import { readById } from "./hydrate.ts";
import {
  compileView,
  countRows,
  countValues,
  readIds,
  readMedia,
  readRowIds,
  readRows,
  readValues,
  takeSnapshot,
} from "./samples-read.ts";
import { addSteps, deleteSteps, updateSteps } from "./samples-write.ts";
import type { SampleStore, VectorColumn } from "./store.ts";
import { vectorSteps } from "./vectors.ts";

export function sampleStore(database: StoreDatabase): SampleStore {
  const now = () => new Date().toISOString();
  return {
    async add(datasetId, samples, vectors = []) {
      if (samples.length === 0) return;
      await database.write({ dataset: datasetId }, [
        ...addSteps(datasetId, samples, now()),
        ...columnSteps(datasetId, vectors),
      ]);
    },
    async delete(datasetId, ids) {
      if (ids.length === 0) return 0;
      const results = await database.write({ dataset: datasetId }, deleteSteps(datasetId, ids));
      return results.at(-1)?.changes ?? 0;
    },
    async update(datasetId, changes, vectors = []) {
      if (changes.length === 0) return;
      await database.write({ dataset: datasetId }, [
        ...updateSteps(datasetId, changes, now()),
        ...columnSteps(datasetId, vectors),
      ]);
    },
    count: async (datasetId, stages) => countRows(database, await compileView(database, datasetId, stages)),
    ids: async (datasetId, stages, page) =>
      readIds(database, await compileView(database, datasetId, stages), page),
    rowIds: async (datasetId, stages, patchesField) =>
      readRowIds(database, await compileView(database, datasetId, stages, patchesField)),
    rows: async (datasetId, stages, page) =>
      readRows(database, await compileView(database, datasetId, stages), page),
    media: async (datasetId, stages, patchesField, page) =>
      readMedia(database, await compileView(database, datasetId, stages, patchesField), page),
    snapshot: async (datasetId, stages, patchesField = null) =>
      takeSnapshot(database, await compileView(database, datasetId, stages, patchesField)),
    values: async (datasetId, stages, path, page) =>
      readValues(database, await compileView(database, datasetId, stages), path, page),
    countValues: async (datasetId, stages, path) =>
      countValues(database, await compileView(database, datasetId, stages), path),
    byId: (datasetId, ids) => readById(database, datasetId, ids),
  };
}

function columnSteps(datasetId: string, vectors: readonly VectorColumn[]): Step[] {
  return vectors.flatMap((column) => vectorSteps(datasetId, column));
}
