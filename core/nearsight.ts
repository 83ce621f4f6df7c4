/** The root object: joins the rooms, from a store to the brain. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { BACKEND_ALIASES, FOREIGN_BACKENDS } from "./backend-settings.ts";
import type { Backend } from "./backends/backend.ts";
import { BACKENDS, type BackendDriver } from "./backends/registry.ts";
import { createBrain, createSampleIndexes } from "./brain/brain.ts";
import type { BrainContext } from "./brain/context.ts";
import { doctor } from "./brain/doctor/doctor.ts";
import type { DoctorOptions, DoctorReport } from "./brain/doctor/report.ts";
import { releaseLeases } from "./brain/lease.ts";
import { queuedBuilds } from "./brain/queued-build.ts";
import type { Config, ConfigOverrides } from "./config.ts";
import type { ComputeSimilarityOptions, SimilarityIndex } from "./dataset/brain-port.ts";
import type { QueuedBuildsPort } from "./dataset/build-queue.ts";
import type { Dataset } from "./dataset/dataset.ts";
import { createDatasets, type Datasets } from "./dataset/datasets.ts";
import type { ComparisonPort } from "./dataset/duplicates-port.ts";
import type { SampleCollection } from "./dataset/sample-collection.ts";
import type { ComputeVisualizationOptions, VisualizationResults } from "./dataset/visualization-port.ts";
import { listZooDatasets, prepareZooDataset } from "./dataset/zoo/zoo.ts";
import { NearsightError } from "./errors.ts";
import { createIo } from "./io/io.ts";
import { mediaHash, mediaSize } from "./media/hash.ts";
import type { MediaSource } from "./media/media-source.ts";
import { mediaVersion, openMedium } from "./media/medium.ts";
import { s3Source } from "./media/s3/s3-source.ts";
import { mediaUrl } from "./media/source.ts";
import type { EmbeddingModel } from "./models/model.ts";
import { DEFAULT_MODEL, listModels, type ModelRow } from "./models/named-models.ts";
import { type ResolveOptions, resolveModel } from "./models/zoo.ts";
import { openEmbeddingCache } from "./store/embedding-cache.ts";
import type { MetadataStore } from "./store/store.ts";
import { createSync } from "./sync/create-sync.ts";
import { VERSION } from "./version.ts";

const DEFAULT_LINK_SECONDS = 300;

/** What `open` may be given. */
export interface OpenOptions {
  /** Settings that win over environment and file. */
  readonly config?: ConfigOverrides;
  /** Metadata store, or its address `postgres://…`. Default: `config.store`, else SQLite in the folder `config.home`. */
  readonly store?: MetadataStore | string;
  /** Backends that can be chosen by name. Default: all of the package. */
  readonly backends?: readonly BackendDriver[];
  /** Models by name, before the zoo's; a function loads its model when it is first asked for. */
  readonly models?: Readonly<Record<string, EmbeddingModel | (() => Promise<EmbeddingModel>)>>;
  /** Name of the model where none is named. Default: the shipped one. */
  readonly defaultModel?: string;
  /** Places to read media from, besides files and data URLs; the first that answers an address is asked. */
  readonly mediaSources?: readonly MediaSource[];
  /** Receives warnings. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}

/** How a zoo data set is loaded. */
export interface LoadZooDatasetOptions {
  /** Name of the data set. Default: the zoo's name. */
  readonly name?: string;
  /** Load only the first samples. */
  readonly maxSamples?: number;
  /** Make it anew where a data set of that name is there already. Default false: that one is loaded. */
  readonly dropExistingDataset?: boolean;
}

/** An opened installation: data sets, models and indexes. */
export interface Nearsight extends Datasets, ComparisonPort, AsyncDisposable {
  readonly config: Config;
  /** Loads a data set of the package by name (`quickstart`, `emoji`), making it on first use; ZOO_NAME_UNKNOWN. */
  loadZooDataset(name: string, options?: LoadZooDatasetOptions): Promise<Dataset>;
  listZooDatasets(): readonly string[];
  /** Loads a model by zoo name, directory or `hub:owner/name`; MODEL_NOT_FOUND. */
  loadZooModel(name: string, options?: ResolveOptions): Promise<EmbeddingModel>;
  listZooModels(): readonly ModelRow[];
  /** A link to a medium in a bucket, valid for so many seconds (default 300). INVALID_ARGUMENT, PACKAGE_MISSING. */
  mediaUrl(uri: string, options?: { expiresIn?: number }): Promise<string>;
  /** See `computeSimilarity`. */
  computeSimilarity(samples: SampleCollection, options?: ComputeSimilarityOptions): Promise<SimilarityIndex>;
  /** See `computeVisualization`. */
  computeVisualization(
    samples: SampleCollection,
    options?: ComputeVisualizationOptions,
  ): Promise<VisualizationResults>;
  /** Checks the store, the default model, and every brain run against its collection; repairs if asked to. */
  doctor(options?: DoctorOptions): Promise<DoctorReport>;
  /** Ends worker threads and connections, and builds under way with CLOSED; everything acknowledged is kept. */
  close(): Promise<void>;
}

/** An installation in this process, which can do parts of builds for others. */
export interface Installation extends Nearsight, QueuedBuildsPort {}

/** The installation on an opened store. */
export function createNearsight(options: OpenOptions, config: Config, store: MetadataStore): Installation {
  const pool = backendPool(config, options.backends ?? BACKENDS);
  const models = modelPool(config, options.models ?? {});
  const warn = options.warn ?? ((message) => process.emitWarning(message, "NearsightWarning"));
  const { cache: folder, embeddingCacheBytes: maxBytes } = config;
  const embeddings = openEmbeddingCache({ folder, maxBytes, warn });
  const bucketSource = s3Source(config.s3);
  const sources = [...(options.mediaSources ?? []), bucketSource];
  const context: BrainContext = {
    ...pool.context,
    store,
    version: VERSION,
    owner: randomUUID(),
    defaultBackend: config.defaultSimilarityBackend,
    model: models.get,
    defaultModel: options.defaultModel ?? DEFAULT_MODEL,
    defaultVisualizationMethod: config.defaultVisualizationMethod,
    visualizationOptions: config.visualizationOptions,
    media: {
      open: (source, signal) => openMedium(source, { signal, sources }),
      version: (uri, known, signal) => mediaVersion(uri, known, { signal, sources }),
    },
    embeddings,
    mediaHashes: {
      size: (uri, signal) => mediaSize(uri, { signal, sources }),
      sha256: (uri, signal) => mediaHash(uri, { signal, sources }),
    },
    connections: new Map(),
    leases: new Map(),
    warn,
  };
  const brain = createBrain(context);
  const datasets = createDatasets({
    store,
    similarity: brain,
    brain,
    io: createIo(sources),
    sync: createSync({ store, indexes: createSampleIndexes(context), sources }),
  });
  let closed: Promise<void> | undefined;

  const close = () => {
    closed ??= (async () => {
      await releaseLeases(context.leases);
      await Promise.all([pool.close(), models.close(), embeddings.close(), bucketSource.close()]);
      await store.close();
    })();
    return closed;
  };

  return {
    ...datasets,
    ...queuedBuilds(context),
    config,
    async loadZooDataset(
      name,
      { name: datasetName = name, maxSamples, dropExistingDataset: overwrite = false } = {},
    ) {
      const present = !overwrite && (await datasets.datasetExists(datasetName));
      const known = present ? await datasets.loadDataset(datasetName) : null;
      // Samples come in one transaction: a process killed before it leaves an empty data set, which is filled here.
      if (known !== null && (await known.count()) > 0) return known;
      const samples = await prepareZooDataset(name, join(config.home, "zoo", name));
      const dataset = known ?? (await datasets.createDataset(datasetName, { overwrite }));
      await dataset.addSamples(samples.slice(0, maxSamples));
      return dataset;
    },
    listZooDatasets,
    loadZooModel: (name, modelOptions = {}) => models.get(name, { ...modelOptions }),
    listZooModels: listModels,
    mediaUrl: (uri, { expiresIn = DEFAULT_LINK_SECONDS } = {}) => mediaUrl(uri, expiresIn, { sources }),
    computeSimilarity: (samples, request = {}) => brain.computeSimilarity(samples, request),
    doctor: (request = {}) => doctor(context, request),
    computeNearDuplicates: brain.computeNearDuplicates,
    computeExactDuplicates: brain.computeExactDuplicates,
    computeLeakySplits: brain.computeLeakySplits,
    computeUniqueness: brain.computeUniqueness,
    computeRepresentativeness: brain.computeRepresentativeness,
    computeVisualization: (samples, request = {}) => brain.computeVisualization(samples, request),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Connects each backend once per set of options, on first use. */
function backendPool(config: Config, drivers: readonly BackendDriver[]) {
  const connected = new Map<string, Promise<Backend>>();

  function driverOf(name: string): BackendDriver {
    const driver = drivers.find((one) => one.name === (BACKEND_ALIASES[name] ?? name));
    if (driver !== undefined) return driver;
    const foreign = FOREIGN_BACKENDS.includes(name)
      ? "a backend of FiftyOne that nearsight does not have"
      : "unknown";
    const names = drivers.map((one) => one.name).join(", ");
    throw new NearsightError({
      code: "BACKEND_NOT_SUPPORTED",
      message: `Backend '${name}' is ${foreign}`,
      hint: `Use one of: ${names}`,
      details: { backend: name },
    });
  }

  const context = {
    backendName: (name: string) => driverOf(name).name,
    backendDefaults: (name: string) => config.backendOptions(name),
    isConnectionOption: (name: string, option: string) => driverOf(name).connectionOptions.includes(option),
    knownOptions(name: string) {
      const driver = driverOf(name);
      return [...driver.connectionOptions, ...driver.indexOptions];
    },
    async backend(name: string, given: Readonly<Record<string, unknown>>) {
      const driver = driverOf(name);
      const options = connectionOf(driver, { ...config.backendOptions(name), ...given });
      const key = JSON.stringify([driver.name, options]);
      const known = connected.get(key) ?? driver.connect({ home: config.home }, options);
      connected.set(key, known);
      // A connection that failed is tried again the next time.
      known.catch(() => connected.delete(key));
      return known;
    },
  };

  async function close(): Promise<void> {
    const backends = await Promise.allSettled(connected.values());
    await Promise.all(
      backends.map((outcome) => (outcome.status === "fulfilled" ? outcome.value.close() : undefined)),
    );
  }

  return { context, close };
}

/** What a driver connects with: equal ones share a connection, whatever is made over it. */
function connectionOf({ connectionOptions }: BackendDriver, options: Readonly<Record<string, unknown>>) {
  const wanted = Object.entries(options).filter(
    ([name, value]) => value !== undefined && connectionOptions.includes(name),
  );
  return Object.fromEntries(wanted.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Loads each model once per name and arguments. */
function modelPool(config: Config, named: NonNullable<OpenOptions["models"]>) {
  const loaded = new Map<string, Promise<EmbeddingModel>>();
  // A run knows its model by name: one that was given as an object is found again while the process lives.
  const given = new Map<string, EmbeddingModel>();
  const registered = new Map(Object.entries(named));
  const zooNames = new Set(listModels().map((row) => row.name));

  async function get(
    reference: string | EmbeddingModel,
    modelArguments: Readonly<Record<string, unknown>>,
  ): Promise<EmbeddingModel> {
    if (typeof reference !== "string") {
      assertModel(reference);
      given.set(reference.name, reference);
      return reference;
    }
    const known = registered.get(reference) ?? (zooNames.has(reference) ? undefined : given.get(reference));
    if (known !== undefined && typeof known !== "function") return known;
    const key = JSON.stringify([reference, known === undefined ? modelArguments : null]);
    const load = known ?? (() => resolveModel(reference, resolveOptions(modelArguments)));
    const model = loaded.get(key) ?? load();
    loaded.set(key, model);
    model.catch(() => loaded.delete(key));
    return model;
  }

  function resolveOptions(modelArguments: Readonly<Record<string, unknown>>): ResolveOptions {
    const { cache, hubEndpoint, hubToken } = config;
    const place = { cache: join(cache, "models"), endpoint: hubEndpoint };
    return { ...place, ...(hubToken === undefined ? {} : { token: hubToken }), ...modelArguments };
  }

  async function close(): Promise<void> {
    const models = await Promise.allSettled(loaded.values());
    await Promise.all(
      models.map((outcome) => (outcome.status === "fulfilled" ? outcome.value.close?.() : undefined)),
    );
  }

  return { get, close };
}

function assertModel(model: EmbeddingModel): void {
  if (typeof model?.embed === "function" && typeof model.input === "object" && model.dimension > 0) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a model's name, a directory or a loaded model but found ${typeof model === "object" ? "an object without embed()" : String(model)}`,
    hint: "Give a name of listZooModels(), or what loadZooModel() gave",
  });
}
