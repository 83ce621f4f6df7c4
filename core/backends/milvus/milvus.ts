/** Milvus and Zilliz Cloud as a backend: collections as FiftyOne makes them, searched through the SDK for Node. */

import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { connectionOptions, indexOptions } from "../../backend-settings.ts";
import type { Backend, BackendDriver, Capabilities } from "../backend.ts";
import { METRICS } from "../metric.ts";
import { Access } from "./access.ts";
import { milvusCollection } from "./collection.ts";
import { openConnection } from "./connection.ts";
import { MAX_DIMENSION, MAX_HITS, MAX_ID_BYTES, MAX_MESSAGE_BYTES, type Patience } from "./limits.ts";
import { createCollection, listCollections } from "./manage.ts";
import type { MilvusOptions } from "./options.ts";
import { checkName } from "./schema.ts";

export type { MilvusOptions } from "./options.ts";

const CAPABILITIES: Capabilities = {
  metrics: METRICS,
  defaultMetric: "dotproduct",
  vectorTypes: ["float32", "bits"],
  maxK: MAX_HITS,
  reverse: true,
  radius: true,
  exact: false,
  publishes: true,
  filterFields: true,
};

/**
 * Keeps indexes as collections of a Milvus server or of Zilliz Cloud. Needs the package @zilliz/milvus2-sdk-node;
 * the first call connects. `patience` says for how many milliseconds calls are tried again while the server is
 * away: 10 s for the first (5 minutes on Zilliz Cloud, where clusters sleep), a minute for others.
 * Errors: CONFIG_INVALID, PACKAGE_MISSING, AUTHENTICATION_FAILED, PERMISSION_DENIED, BACKEND_UNAVAILABLE,
 * BACKEND_FAILED.
 *
 * @example
 * const backend = milvusBackend({ uri: "http://localhost:19530" });
 * const collection = await backend.create({ name: "pets", dimension: 512, metric: "cosine" });
 */
export function milvusBackend(
  options: MilvusOptions = {},
  patience?: Partial<Patience>,
): Backend<MilvusClient> {
  const connection = openConnection(options, patience);
  /** All openings of a collection share what is known of its writes. */
  const accesses = new Map<string, Access>();
  return {
    name: "milvus",
    capabilities: CAPABILITIES,
    async create(spec) {
      const access = new Access(spec.name, connection, await createCollection(connection, spec));
      accesses.set(spec.name, access);
      return milvusCollection(access);
    },
    async open(name) {
      checkName(name);
      const access = accesses.get(name) ?? new Access(name, connection);
      await access.refresh();
      accesses.set(name, access);
      return milvusCollection(access);
    },
    list: (prefix = "") => listCollections(connection, prefix),
    client: () => connection.client(),
    async facts() {
      const limits = {
        hits: MAX_HITS,
        dimension: MAX_DIMENSION,
        idBytes: MAX_ID_BYTES,
        messageBytes: MAX_MESSAGE_BYTES,
      };
      return { version: await connection.version(), address: connection.address, limits };
    },
    close: () => connection.close(),
  };
}

/**
 * Milvus as a backend that can be chosen by name.
 *
 * @example
 * await using ns = await open({ backends: [milvus] });
 */
export const milvus: BackendDriver = {
  name: "milvus",
  connectionOptions: connectionOptions("milvus"),
  indexOptions: indexOptions("milvus"),
  connect: async (_place, options) => milvusBackend(options),
};
