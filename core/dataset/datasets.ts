/** Creates, loads, lists, renames and deletes data sets by name. */

import { NearsightError } from "../errors.ts";
import type { DatasetContext } from "./context.ts";
import { Dataset } from "./dataset.ts";

/** The data sets of one store. */
export interface Datasets {
  /** A new data set, named by date and time if no name is given. DATASET_EXISTS, unless `overwrite`. */
  createDataset(name?: string, options?: { overwrite?: boolean }): Promise<Dataset>;
  /** DATASET_NOT_FOUND */
  loadDataset(name: string): Promise<Dataset>;
  /** Names, sorted. */
  listDatasets(): Promise<string[]>;
  datasetExists(name: string): Promise<boolean>;
  /** DATASET_NOT_FOUND */
  deleteDataset(name: string): Promise<void>;
  /** DATASET_NOT_FOUND, DATASET_EXISTS */
  renameDataset(name: string, newName: string): Promise<Dataset>;
}

export function createDatasets(context: DatasetContext): Datasets {
  const { datasets } = context.store;

  async function load(name: string): Promise<Dataset> {
    const record = await datasets.get(name);
    if (record === null)
      throw datasetNotFound(
        name,
        (await datasets.list()).map((one) => one.name),
      );
    return new Dataset(context, record);
  }

  return {
    async createDataset(name = defaultName(), { overwrite = false } = {}) {
      assertName(name);
      const present = overwrite ? await datasets.get(name) : null;
      if (present !== null) await datasets.delete(present.id);
      return new Dataset(context, await datasets.create(name));
    },
    loadDataset: load,
    listDatasets: async () => (await datasets.list()).map((record) => record.name),
    datasetExists: async (name) => (await datasets.get(name)) !== null,
    deleteDataset: async (name) => (await load(name)).delete(),
    async renameDataset(name, newName) {
      assertName(newName);
      const dataset = await load(name);
      await dataset.rename(newName);
      return dataset;
    },
  };
}

/** Such as `2026.11.21.03.42.09.123`: FiftyOne's form, finer, so that quick successors differ. */
function defaultName(): string {
  return new Date().toISOString().slice(0, -1).replaceAll(/[-T:]/g, ".");
}

function assertName(name: string): void {
  if (name.trim() !== "" && name.length <= 200 && !/\p{Cc}/u.test(name) && name.isWellFormed()) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a data set name of 1 to 200 printable characters but found ${JSON.stringify(name.slice(0, 50))}`,
    hint: "Choose another name",
  });
}

function datasetNotFound(name: string, names: readonly string[]): NearsightError {
  return new NearsightError({
    code: "DATASET_NOT_FOUND",
    message: `There is no data set named ${JSON.stringify(name)}`,
    hint:
      names.length === 0
        ? "Make one with createDataset(), or load one of the zoo"
        : `The data sets are: ${names.slice(0, 10).join(", ")}`,
    details: { name, names: names.slice(0, 10) },
  });
}
