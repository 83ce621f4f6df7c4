/** The Elasticsearch backend: one index per collection, on a server of the user's. */

import { randomUUID } from "node:crypto";
import type { Client, estypes } from "@elastic/elasticsearch";
import { connectionOptions, indexOptions } from "../../backend-settings.ts";
import { isNearsightError } from "../../errors.ts";
import type { Backend, BackendDriver, BackendFacts, Capabilities, CollectionSpec } from "../backend.ts";
import { elasticsearchCollection, readLayout } from "./collection.ts";
import { type Connection, openConnection } from "./connection.ts";
import { MAX_DIMENSION, MAX_HITS, MAX_ID_BYTES, MAX_NAME_BYTES, type Patience } from "./limits.ts";
import { indexBody, METRICS, SOURCE_SETTING } from "./mapping.ts";
import { checkName, nameProblem } from "./names.ts";
import type { ElasticsearchOptions } from "./options.ts";

export type { ElasticsearchOptions } from "./options.ts";

const CAPABILITIES: Capabilities = {
  metrics: METRICS,
  defaultMetric: "cosine",
  vectorTypes: ["float32", "bits"],
  maxK: MAX_HITS,
  reverse: true,
  radius: true,
  exact: false,
  publishes: true,
  filterFields: true,
};

/**
 * Keeps indexes on an Elasticsearch cluster, 8.18 or newer, in FiftyOne's schema. The server is asked by the first
 * call, not here. `patience` says for how many milliseconds calls are tried again, and how long one attempt may take.
 * Errors: CONFIG_INVALID here; PACKAGE_MISSING, AUTHENTICATION_FAILED, PERMISSION_DENIED, BACKEND_UNAVAILABLE and
 * BACKEND_FAILED from calls.
 *
 * @example
 * const backend = elasticsearchBackend({ hosts: "http://localhost:9200" });
 * const collection = await backend.create({ name: "pets", dimension: 512, metric: "cosine" });
 */
export function elasticsearchBackend(
  options: ElasticsearchOptions & { readonly patience?: Partial<Patience> } = {},
): Backend<Client> {
  const { patience, ...connection } = options;
  const server = openConnection(connection, patience);
  return {
    name: "elasticsearch",
    capabilities: CAPABILITIES,
    async create(spec) {
      checkName(spec.name);
      await createIndex(server, spec);
      return openCollection(server, spec.name);
    },
    async open(name) {
      checkName(name);
      return openCollection(server, name);
    },
    list: (prefix = "") => namesOf(server, prefix),
    client: () => server.client(),
    facts: () => serverFacts(server),
    close: () => server.close(),
  };
}

/**
 * Elasticsearch as a backend that can be chosen by name.
 *
 * @example
 * await using ns = await open({ backends: [elasticsearch] });
 */
export const elasticsearch: BackendDriver = {
  name: "elasticsearch",
  connectionOptions: connectionOptions("elasticsearch"),
  indexOptions: indexOptions("elasticsearch"),
  connect: async (_place, options) => elasticsearchBackend(options),
};

/** Makes the index of a collection, and finds out whose one is that is there: the answer may have been lost before. */
async function createIndex(server: Connection, spec: CollectionSpec): Promise<void> {
  const made = randomUUID();
  const body = indexBody(spec, made);
  try {
    await makeIndex(server, body);
  } catch (error) {
    if (!isNearsightError(error, "INDEX_EXISTS")) throw error;
    const found = await readLayout(server, spec.name).catch((reason: unknown) => {
      if (!isNearsightError(reason, "INDEX_NOT_FOUND")) throw reason;
    });
    if (found?.made !== made) throw error;
  }
}

async function makeIndex(server: Connection, body: estypes.IndicesCreateRequest): Promise<void> {
  const { index } = body;
  const make = (request: estypes.IndicesCreateRequest) =>
    server.call((client, more) => client.indices.create(request, more), { action: "make an index", index });
  try {
    await make(body);
  } catch (error) {
    if (!isNearsightError(error) || !error.message.includes(`unknown setting [${SOURCE_SETTING}]`))
      throw error;
    const { [SOURCE_SETTING]: _unknown, ...settings } = { ...body.settings };
    await make({ ...body, settings });
  }
}

async function openCollection(server: Connection, name: string) {
  return elasticsearchCollection(server, name, await readLayout(server, name));
}

/** The version is for those only who may see the nodes. */
async function serverFacts(server: Connection): Promise<BackendFacts> {
  const nodes = await server
    .call((client, more) => client.nodes.info({ filter_path: "nodes.*.version" }, more), {
      action: "read the server's version",
    })
    .catch((error: unknown) => {
      if (!isNearsightError(error, "PERMISSION_DENIED")) throw error;
      return { nodes: {} };
    });
  const versions = new Set(Object.values(nodes.nodes).map(({ version }) => version));
  const limits = {
    hits: MAX_HITS,
    dimension: MAX_DIMENSION,
    idBytes: MAX_ID_BYTES,
    nameBytes: MAX_NAME_BYTES,
  };
  const address = server.facts({ action: "" }).addresses.join(", ");
  return { version: versions.size === 0 ? null : [...versions].join(", "), address, limits };
}

/** Indexes with vectors, whoever made them. */
async function namesOf(server: Connection, prefix: string): Promise<string[]> {
  // No index begins with what no name may hold; asked for, some of it would be a pattern.
  if (prefix !== "" && nameProblem(prefix) !== null) {
    await server.client();
    return [];
  }
  const index = `${prefix}*`;
  const found = await server.call(
    (client, more) =>
      client.indices.getMapping(
        { index, expand_wildcards: "open", filter_path: "*.mappings.properties.vector.type" },
        more,
      ),
    { action: "list indexes" },
  );
  return Object.entries(found)
    .filter(([, { mappings }]) => mappings.properties?.["vector"]?.type === "dense_vector")
    .map(([name]) => name)
    .sort();
}
