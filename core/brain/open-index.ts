/** A run with the collection it is kept in: opened on first use, made when the first vectors come. */

import type { Backend, Collection, CollectionSpec } from "../backends/backend.ts";
import { isBinaryMetric, type Metric } from "../backends/metric.ts";
import type { ConnectionOptions } from "../dataset/brain-port.ts";
import { isNearsightError, NearsightError } from "../errors.ts";
import type { Matrix, VectorData } from "../matrix.ts";
import type { RunConfig, RunRecord } from "../store/store-runs.ts";
import type { BrainContext } from "./context.ts";
import { adoptCollection } from "./entries.ts";
import { fieldsToMake } from "./fields/filter-fields.ts";

/** A run being read or written. */
export interface OpenIndex {
  readonly context: BrainContext;
  /** As last read. */
  readonly run: RunRecord;
  backend(): Promise<Backend>;
  /** The collection, or null while it was not made yet; INDEX_NOT_FOUND if it is gone. */
  collection(): Promise<Collection | null>;
  /** The collection, made with this dimension if need be; DIMENSION_MISMATCH. */
  collectionFor(vectors: Matrix<VectorData>): Promise<Collection>;
  /** Reads the run again; RUN_NOT_FOUND if it was deleted. */
  refresh(): Promise<RunRecord>;
  changeConfig(change: Partial<RunConfig>): Promise<void>;
}

/**
 * Opens a run; the backend is contacted only when it is needed, with `connection` or else what the run was last
 * loaded with in this process.
 */
export function openIndex(
  context: BrainContext,
  record: RunRecord,
  connection?: ConnectionOptions,
): OpenIndex {
  let run = record;
  let opened: Promise<Collection | null> | undefined;

  const backend = () =>
    context.backend(run.config.backend, connection ?? context.connections.get(run.id) ?? {});

  async function open(): Promise<Collection | null> {
    if (run.state === "deleting") throw indexGone(run);
    try {
      const collection = await (await backend()).open(run.config.collectionName);
      if (run.config.isUnread) await readFirst(collection);
      return collection;
    } catch (error) {
      if (!isNearsightError(error, "INDEX_NOT_FOUND")) throw error;
      if (run.config.isUnread) throw indexGone(run);
      // The collection is made with the first vectors: it can only be missed where some were written.
      const { indexed } = await context.store.entries.counts(run.id);
      if (indexed === 0) return null;
      throw indexGone(run);
    }
  }

  /** Writes down what a collection made elsewhere holds; its server knows its metric better than whoever named it. */
  async function readFirst(collection: Collection): Promise<void> {
    const { dimension, metric } = await collection.describe();
    await adoptCollection(self, collection);
    await self.changeConfig({ dimension, metric, isUnread: false });
  }

  async function create(dimension: number): Promise<Collection> {
    await alive();
    const { filterFields } = run.config;
    const metric = run.config.metric as Metric;
    const collection = await createOrOpen(await backend(), {
      name: run.config.collectionName,
      dimension,
      metric,
      vectorType: isBinaryMetric(metric) ? "bits" : "float32",
      params: run.config.params,
      ...(filterFields === undefined ? {} : { filterFields: fieldsToMake(filterFields) }),
      meta: { dataset: run.datasetId, brainKey: run.key },
    });
    try {
      await alive();
    } catch (error) {
      // Whoever deleted the run in this moment found no collection to drop.
      if (run.config.ownsCollection) await collection.drop();
      throw error;
    }
    return collection;
  }

  /** Throws if the run was deleted, or its collection given up. */
  async function alive(): Promise<void> {
    if ((await self.refresh()).state === "deleting") throw indexGone(run);
  }

  const self: OpenIndex = {
    context,
    get run() {
      return run;
    },
    backend,
    async collection() {
      opened ??= open();
      const collection = await opened.catch((error) => {
        opened = undefined;
        throw error;
      });
      if (collection === null) opened = undefined;
      return collection;
    },
    async collectionFor(vectors) {
      const { dimension } = vectors;
      if (run.config.dimension !== null) assertDimension(run, dimension);
      let collection = await self.collection();
      if (collection === null) {
        collection = await create(dimension);
        opened = Promise.resolve(collection);
      }
      if (run.config.dimension === null) await self.changeConfig({ dimension });
      return collection;
    },
    async refresh() {
      const found = await context.store.runs.byId(run.id);
      if (found === null) throw runNotFound(run.key, []);
      if (found.state === "deleting" || found.config.collectionName !== run.config.collectionName)
        opened = undefined;
      run = found;
      return run;
    },
    async changeConfig(change) {
      const { config } = await self.refresh();
      run = await context.store.runs.update(run.id, { config: { ...config, ...change } });
    },
  };
  return self;
}

/** Opens a run whose entries are known: those of a collection made elsewhere are read when it is first opened. */
export async function openKnown(context: BrainContext, run: RunRecord): Promise<OpenIndex> {
  const index = openIndex(context, run);
  if (run.config.isUnread && run.state !== "deleting") await index.collection();
  return index;
}

/** Of two processes with the first vectors of a run, one makes the collection and the other opens it. */
async function createOrOpen(backend: Backend, spec: CollectionSpec): Promise<Collection> {
  try {
    return await backend.create(spec);
  } catch (error) {
    if (!isNearsightError(error, "INDEX_EXISTS")) throw error;
    return backend.open(spec.name);
  }
}

/** Throws DIMENSION_MISMATCH unless vectors of `found` numbers fit the run. */
export function assertDimension(run: RunRecord, found: number): void {
  const expected = run.config.dimension;
  if (expected === null || expected === found) return;
  throw new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected vectors of ${expected} numbers for index '${run.key}' but found ${found}`,
    hint: "Use the model the index was made with, or make a new index under another brainKey",
    details: { brainKey: run.key, expected, found },
  });
}

export function indexGone(run: RunRecord): NearsightError {
  return new NearsightError({
    code: "INDEX_NOT_FOUND",
    message: `The collection '${run.config.collectionName}' of brain run '${run.key}' is gone from ${run.config.backend}`,
    hint: `Remove the record with deleteBrainRun("${run.key}") and compute it again`,
    details: { brainKey: run.key, collectionName: run.config.collectionName },
  });
}

export function runNotFound(key: string, keys: readonly string[]): NearsightError {
  return new NearsightError({
    code: "RUN_NOT_FOUND",
    message: `The data set has no brain run '${key}'`,
    hint: keys.length === 0 ? "Make one with computeSimilarity()" : `Its brain runs are: ${keys.join(", ")}`,
    details: { brainKey: key, keys: keys.slice(0, 10) },
  });
}

export function runExists(datasetName: string, { key, state }: RunRecord): NearsightError {
  return new NearsightError({
    code: "RUN_EXISTS",
    message: `Data set '${datasetName}' has a brain run '${key}' already`,
    hint: `Choose another brainKey, or remove it with deleteBrainRun("${key}")`,
    details: { brainKey: key, state },
  });
}
