/** Creates, loads, lists, renames and deletes data sets by name. */

import { NearsightError } from "../errors.ts";
import { assertName } from "../store/names.ts";
import type { DatasetContext } from "./context.ts";
import { Dataset } from "./dataset.ts";
import type { DatasetFromDirOptions, ImportedDataset } from "./io-port.ts";

/** The data sets of one store. */
export interface Datasets {
  /** A new data set, named by date and time if no name is given. DATASET_EXISTS, unless `overwrite`. */
  createDataset(name?: string, options?: { overwrite?: boolean }): Promise<Dataset>;
  /**
   * A new data set of a folder, file or archive, and the report of its import; see docs/formats.md. Where the import
   * throws there is no new data set, and one that was to be replaced is as it was.
   * DATASET_EXISTS, and the codes of `addDir`.
   *
   * @example
   * const { dataset, report } = await ns.datasetFromDir("photos", { name: "photos" });
   */
  datasetFromDir(path: string, options?: DatasetFromDirOptions): Promise<ImportedDataset>;
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
    const record = typeof name === "string" ? await datasets.get(name) : null;
    if (record === null)
      throw datasetNotFound(
        name,
        (await datasets.list()).map((one) => one.name),
      );
    return new Dataset(context, record);
  }

  async function create(name = defaultName(), { overwrite = false } = {}): Promise<Dataset> {
    assertName(name, "a data set name");
    const present = overwrite ? await datasets.get(name) : null;
    if (present !== null) await datasets.delete(present.id);
    return new Dataset(context, await datasets.create(name));
  }

  return {
    createDataset: create,
    async datasetFromDir(path, { name = defaultName(), overwrite = false, ...options } = {}) {
      assertName(name, "a data set name");
      await context.io.checkImport(path, options);
      const former = overwrite ? await datasets.get(name) : null;
      // Set aside, not deleted: a process killed during the import leaves it under this name.
      if (former !== null) await datasets.rename(former.id, `replaced ${former.id}`);
      let dataset: Dataset | undefined;
      try {
        dataset = await create(name);
        const report = await context.io.addDir(dataset, path, options);
        if (former !== null) await datasets.delete(former.id);
        return { dataset, report };
      } catch (error) {
        await dataset?.delete();
        if (former !== null) await datasets.rename(former.id, name);
        throw error;
      }
    },
    loadDataset: load,
    listDatasets: async () => (await datasets.list()).map((record) => record.name),
    datasetExists: async (name) => (await datasets.get(name)) !== null,
    deleteDataset: async (name) => (await load(name)).delete(),
    async renameDataset(name, newName) {
      assertName(newName, "a data set name");
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

export function datasetNotFound(name: string, names: readonly string[]): NearsightError {
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
