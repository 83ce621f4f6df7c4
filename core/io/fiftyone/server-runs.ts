/** Brain runs on servers: what FiftyOne's documents call their classes, collections and options. */

import type { BrainRunConfig } from "../../dataset/brain-port.ts";
import type { Document } from "./extended-json.ts";

/** What FiftyOne needs to find an index on a server again. */
interface ServerNames {
  /** Module and classes of its backend. */
  readonly module: string;
  readonly classes: string;
  /** Its name for the collection's name. */
  readonly nameOption: string;
  /** Its names for our metrics; others it does not have. */
  readonly metrics: Readonly<Record<string, string>>;
  /** Options of the backend that it keeps with a run, with their defaults. */
  readonly options: Readonly<Record<string, string>>;
  /** What it has to read with a run to import it at all. */
  readonly needed: Readonly<Record<string, string>>;
}

const SERVERS: Readonly<Record<string, ServerNames>> = {
  milvus: {
    module: "fiftyone.brain.internal.core.milvus",
    classes: "MilvusSimilarity",
    nameOption: "collection_name",
    metrics: {
      cosine: "cosine",
      dotproduct: "dotproduct",
      euclidean: "euclidean",
      jaccard: "jaccard",
      hamming: "hamming",
    },
    options: { consistency_level: "Session" },
    needed: {},
  },
  elasticsearch: {
    module: "fiftyone.brain.internal.core.elasticsearch",
    classes: "ElasticsearchSimilarity",
    nameOption: "index_name",
    // Its dotproduct takes unit vectors only; ours is what it calls innerproduct.
    metrics: { cosine: "cosine", dotproduct: "innerproduct", euclidean: "euclidean" },
    options: {},
    // It makes the client before it looks at its settings, and a client is not made without an address. Nothing is
    // asked there: once a run is loaded, the address of the settings takes the place of this one.
    needed: { hosts: "http://localhost:9200" },
  },
};

/** Our metric by FiftyOne's name. */
const METRICS: Readonly<Record<string, BrainRunConfig["metric"]>> = { innerproduct: "dotproduct" };

/** Names of options in FiftyOne's documents, and ours. */
const OPTIONS: Readonly<Record<string, string>> = { consistency_level: "consistencyLevel" };

/** True for backends whose indexes FiftyOne opens where they are. */
export function isServer(method: string): boolean {
  return Object.hasOwn(SERVERS, method);
}

/** The parts of a run's document that say where its index is; null for a metric that FiftyOne does not have. */
export function serverConfig(config: BrainRunConfig): Document | null {
  const server = SERVERS[config.method];
  const metric = server?.metrics[config.metric];
  if (server === undefined || metric === undefined) return null;
  const values = config as unknown as Readonly<Record<string, unknown>>;
  const options = Object.entries(server.options).map(([name, fallback]) => [
    name,
    values[OPTIONS[name] ?? name] ?? fallback,
  ]);
  return {
    cls: `${server.module}.${server.classes}Config`,
    method: config.method,
    [server.nameOption]: config.collectionName,
    metric,
    ...Object.fromEntries(options),
    ...server.needed,
  };
}

/** The result file of such a run: FiftyOne keeps no vectors beside it. */
export function serverResults(method: string): Document {
  const server = SERVERS[method];
  return { cls: `${server?.module}.${server?.classes}Index` };
}

/** What `computeSimilarity` takes to find the index of a document: names that are missing are left out. */
export function readServerConfig(config: Document): Readonly<Record<string, unknown>> {
  const server = SERVERS[String(config.method)];
  const metric = typeof config.metric === "string" ? (METRICS[config.metric] ?? config.metric) : undefined;
  const name = config[server?.nameOption ?? "table_name"];
  const options = Object.keys(server?.options ?? {}).flatMap((option) =>
    typeof config[option] === "string" ? [[OPTIONS[option] ?? option, config[option]]] : [],
  );
  return {
    ...(metric === undefined ? {} : { metric }),
    ...(typeof name === "string" && name !== "" ? { collectionName: name } : {}),
    ...Object.fromEntries(options),
  };
}
