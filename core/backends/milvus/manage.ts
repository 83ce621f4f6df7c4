/** Collections made, described, loaded and listed. */

import { randomUUID } from "node:crypto";
import { isNearsightError, NearsightError } from "../../errors.ts";
import type { CollectionSpec } from "../backend.ts";
import { checkedKey } from "../checks.ts";
import type { Connection } from "./connection.ts";
import { LEAST_INDEXED_ROWS, PREPARE_MS } from "./limits.ts";
import {
  collectionPlan,
  FIELDS,
  type IndexDescription,
  type KeyValue,
  keyValues,
  type Layout,
  layoutOf,
  METRIC_TYPES,
  PROPERTIES,
  record,
  schemaFields,
} from "./schema.ts";

/** Makes an empty collection with its index, loaded; INDEX_EXISTS, INVALID_ARGUMENT, METRIC_NOT_SUPPORTED. */
export async function createCollection(connection: Connection, spec: CollectionSpec): Promise<Layout> {
  const { layout, index } = collectionPlan(spec);
  for (const { key } of spec.filterFields ?? []) checkedKey(key);
  const { name } = spec;
  if (await exists(connection, name)) throw taken(name);
  // The server takes a second collection of the same name and fields for the first one: the mark tells whose it is.
  const made = randomUUID();
  await makeCollection(connection, layout, spec, made).catch((error: unknown) => {
    throw withoutBits(error, layout);
  });
  const { message } = await connection.call(
    "DescribeCollection",
    { collection_name: name },
    { collection: name },
  );
  const properties = record((message.properties ?? []) as readonly KeyValue[]);
  if (properties[PROPERTIES.made] !== made) throw taken(name);
  try {
    await makeIndex(connection, name, layout, index.indexParams);
  } catch (error) {
    await dropCollection(connection, name);
    throw error;
  }
  await loadCollection(connection, name);
  return layout;
}

async function makeCollection(
  connection: Connection,
  layout: Layout,
  { name, filterFields }: CollectionSpec,
  made: string,
): Promise<void> {
  await connection.sdkCall("CreateCollection", name, (client) =>
    client.createCollection({
      collection_name: name,
      fields: schemaFields(layout),
      ...(filterFields === undefined ? {} : { enable_dynamic_field: true }),
      shards_num: 1,
      consistency_level: layout.consistencyLevel,
      properties: {
        [PROPERTIES.made]: made,
        [PROPERTIES.meta]: JSON.stringify(layout.meta),
        [PROPERTIES.search]: JSON.stringify(layout.searchParams),
      },
    }),
  );
}

/** A server without binary vectors, as milvus-lite is, has none of their metrics. */
function withoutBits(error: unknown, { metric, vectorType }: Layout): unknown {
  if (vectorType !== "bits" || !isNearsightError(error, "BACKEND_FAILED")) return error;
  if (!/not support/i.test(error.message)) return error;
  return new NearsightError({
    code: "METRIC_NOT_SUPPORTED",
    message: `Expected a Milvus server that keeps bits for metric '${metric}' but it says: ${error.message}`,
    hint: "Use a full Milvus server, or a metric for float32 vectors",
    details: { metric },
    cause: error,
  });
}

/** A kind of index that the server does not know is its user's mistake, and is named. */
async function makeIndex(
  connection: Connection,
  name: string,
  { metric, indexType }: Layout,
  params: Readonly<Record<string, unknown>>,
): Promise<void> {
  const extra = { index_type: indexType, metric_type: METRIC_TYPES[metric], params: JSON.stringify(params) };
  const request = {
    collection_name: name,
    field_name: FIELDS.vector,
    index_name: FIELDS.vector,
    extra_params: keyValues(extra),
  };
  try {
    await connection.call("CreateIndex", request, { collection: name });
  } catch (error) {
    if (!isNearsightError(error, "BACKEND_FAILED")) throw error;
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected an index that this Milvus server makes but found ${indexType} ${extra.params}: ${error.message}`,
      hint: "Choose another indexType or other indexParams; HNSW is known to every server",
      details: { indexType, indexParams: params },
      cause: error,
    });
  }
  const index = await describeIndex(connection, name);
  if (index === undefined) {
    throw new NearsightError({
      code: "BACKEND_FAILED",
      message: `Expected Milvus to have made the ${indexType} index of '${name}' but found none`,
      hint: "Choose another indexType",
      details: { collection: name, indexType },
    });
  }
}

/** The layout of a collection that is there; INDEX_NOT_FOUND, BACKEND_FAILED where it is not one of ours. */
export async function describeCollection(connection: Connection, name: string): Promise<Layout> {
  const request = { collection_name: name };
  const [collection, indexes] = await Promise.all([
    connection.call("DescribeCollection", request, { collection: name }),
    connection.call("DescribeIndex", request, { collection: name }).catch((error: unknown) => {
      if (isNearsightError(error, "INDEX_NOT_FOUND") || isNoIndex(error)) return { message: {} };
      throw error;
    }),
  ]);
  return layoutOf(name, collection.message, indexes.message);
}

/** What the server says of the vectors' index, if there is one. */
export async function describeIndex(
  connection: Connection,
  name: string,
): Promise<IndexDescription | undefined> {
  const { message } = await connection.call("DescribeIndex", { collection_name: name }, { collection: name });
  const all = (message.index_descriptions ?? []) as readonly IndexDescription[];
  return all.find((index) => record(index.params).metric_type !== undefined);
}

/** True for the answer of a server to a question about the index of a collection that has none. */
function isNoIndex(error: unknown): boolean {
  return isNearsightError(error, "BACKEND_FAILED") && /index not (?:found|exist)/i.test(error.message);
}

/** Brings a collection into the memory of the server, which searches no other; its index comes first. */
export async function loadCollection(connection: Connection, name: string): Promise<void> {
  await connection.call(
    "LoadCollection",
    { collection_name: name, replica_number: 1 },
    { collection: name, budget: PREPARE_MS },
  );
}

/**
 * True where enough of the entries for the server's provisional index are in no index of their own yet: in
 * segments that are written to or wait, or that are so new that the server does not tell of them. Servers and roles
 * that tell nothing are taken for ones that have none.
 */
export async function hasUnindexedEntries(
  connection: Connection,
  name: string,
  count: () => Promise<number>,
): Promise<boolean> {
  const request = { collectionName: name };
  try {
    const asked = connection.call("GetQuerySegmentInfo", request, { collection: name, budget: 0 });
    const [size, { message }] = await Promise.all([count(), asked]);
    const segments = (message.infos ?? []) as readonly SegmentInfo[];
    const told = segments.reduce((sum, segment) => sum + Number(segment.num_rows), 0);
    const waiting = segments.filter((segment) => segment.index_name === "");
    const largest = Math.max(size - told, ...waiting.map((segment) => Number(segment.num_rows)));
    return largest >= LEAST_INDEXED_ROWS;
  } catch (error) {
    // What keeps the search itself from working is said by the search.
    if (isNearsightError(error)) return false;
    throw error;
  }
}

interface SegmentInfo {
  readonly num_rows: string;
  readonly index_name: string;
}

export async function dropCollection(connection: Connection, name: string): Promise<void> {
  // An absent collection is dropped with success by some servers and with an error by others.
  await connection
    .call("DropCollection", { collection_name: name }, { collection: name })
    .catch(ignoreAbsent);
}

export async function listCollections(connection: Connection, prefix: string): Promise<string[]> {
  const { message } = await connection.call("ShowCollections", { type: 0 });
  const names = (message.collection_names ?? []) as readonly string[];
  return names.filter((name) => name.startsWith(prefix)).sort();
}

async function exists(connection: Connection, name: string): Promise<boolean> {
  try {
    await connection.call("DescribeCollection", { collection_name: name }, { collection: name });
    return true;
  } catch (error) {
    ignoreAbsent(error);
    return false;
  }
}

function ignoreAbsent(error: unknown): void {
  if (!isNearsightError(error, "INDEX_NOT_FOUND")) throw error;
}

function taken(name: string): NearsightError {
  return new NearsightError({
    code: "INDEX_EXISTS",
    message: `Expected the Milvus collection name '${name}' to be free but it is taken`,
    hint: "Choose another collectionName, or open that collection",
    details: { collection: name },
  });
}
