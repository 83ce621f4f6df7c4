/** Collections as FiftyOne makes them in Milvus, made and read. */

import { NearsightError } from "../../errors.ts";
import type { CollectionSpec } from "../backend.ts";
import { isBinaryMetric, METRICS, type Metric } from "../metric.ts";
import { type IndexSetup, indexOptionsOf } from "./index-types.ts";
import { MAX_DIMENSION, MAX_ID_BYTES, MAX_NAME_LENGTH } from "./limits.ts";
import type { Message } from "./wire.ts";
import { DATA_TYPE } from "./wire.ts";

/** What of a collection its driver needs to know. */
export interface Layout {
  readonly dimension: number;
  readonly metric: Metric;
  readonly vectorType: "float32" | "bits";
  /** Names of the fields; without a field for samples each entry is its own sample. */
  readonly fields: { readonly id: string; readonly vector: string; readonly sampleId: string | null };
  /** Longest id and sample id, in bytes. */
  readonly idBytes: number;
  readonly sampleIdBytes: number;
  readonly indexType: string;
  readonly indexParams: Readonly<Record<string, unknown>>;
  /** Chosen once for all searches of the collection, such as `ef`. */
  readonly searchParams: Readonly<Record<string, unknown>>;
  readonly consistencyLevel: string;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Field names of FiftyOne. */
export const FIELDS = { id: "pk", vector: "vector", sampleId: "sample_id" } as const;

/** Properties of a collection that are ours: its facts, how it is searched, and which call made it. */
export const PROPERTIES = {
  meta: "nearsight.meta",
  search: "nearsight.search",
  made: "nearsight.made",
} as const;

/** What servers call the metrics. */
export const METRIC_TYPES: Readonly<Record<Metric, string>> = {
  cosine: "COSINE",
  dotproduct: "IP",
  euclidean: "L2",
  jaccard: "JACCARD",
  hamming: "HAMMING",
};

/** Checks a spec and says what to make; INVALID_ARGUMENT, METRIC_NOT_SUPPORTED, LIMIT_EXCEEDED. */
export function collectionPlan(spec: CollectionSpec): { layout: Layout; index: IndexSetup } {
  checkName(spec.name);
  const vectorType = vectorTypeOf(spec);
  checkDimension(spec.dimension, vectorType);
  const index = indexOptionsOf(spec.params ?? {}, spec.dimension, vectorType);
  const layout: Layout = {
    dimension: spec.dimension,
    metric: spec.metric,
    vectorType,
    fields: FIELDS,
    idBytes: MAX_ID_BYTES,
    sampleIdBytes: MAX_ID_BYTES,
    indexType: index.indexType,
    indexParams: index.indexParams,
    searchParams: index.searchParams,
    consistencyLevel: index.consistencyLevel,
    meta: spec.meta ?? {},
  };
  return { layout, index };
}

/** INVALID_ARGUMENT for a name that Milvus refuses, on every server: some take any. */
export function checkName(name: string): void {
  if (/^[A-Za-z_]\w*$/.test(name) && name.length <= MAX_NAME_LENGTH) return;
  const shown = JSON.stringify(name.slice(0, 80));
  throw refused(
    "INVALID_ARGUMENT",
    name.length > MAX_NAME_LENGTH
      ? `Expected a collection name of at most ${MAX_NAME_LENGTH} characters but ${shown} has ${name.length}`
      : `Expected a collection name of letters, digits and _, no digit first, but found ${shown}`,
    "Choose another collectionName",
  );
}

/** The request fields of a new collection, as the SDK takes them. */
export function schemaFields({ dimension, vectorType }: Layout) {
  const vector = vectorType === "bits" ? DATA_TYPE.bits : DATA_TYPE.float32;
  return [
    {
      name: FIELDS.id,
      data_type: DATA_TYPE.text,
      is_primary_key: true,
      autoID: false,
      max_length: MAX_ID_BYTES,
    },
    { name: FIELDS.vector, data_type: vector, dim: dimension },
    { name: FIELDS.sampleId, data_type: DATA_TYPE.text, max_length: MAX_ID_BYTES },
  ];
}

/** The layout of a collection from what the server says of it, ours or FiftyOne's; BACKEND_FAILED for others. */
export function layoutOf(name: string, collection: Message, indexes: Message): Layout {
  const fields = ((collection.schema as Message | null)?.fields ?? []) as readonly FieldSchema[];
  const id = fields.find((field) => field.is_primary_key && field.data_type === "VarChar");
  const vector = fields.find((field) => ["FloatVector", "BinaryVector"].includes(field.data_type));
  const sampleId = fields.find((field) => field.name === FIELDS.sampleId && field.data_type === "VarChar");
  if (id === undefined || vector === undefined) {
    throw foreign(
      name,
      "a text as primary key and a vector field",
      fields.map((field) => field.name).join(", "),
    );
  }
  const described = (indexes.index_descriptions ?? []) as readonly IndexDescription[];
  const index = described.find((one) => one.field_name === vector.name);
  const indexed = record(index?.params ?? []);
  const metric = METRICS.find((one) => METRIC_TYPES[one] === indexed.metric_type);
  if (metric === undefined) {
    throw foreign(name, "an index on its vectors with a metric known here", indexed.metric_type ?? "none");
  }
  const properties = record((collection.properties ?? []) as readonly KeyValue[]);
  return {
    dimension: Number(record(vector.type_params).dim),
    metric,
    vectorType: vector.data_type === "BinaryVector" ? "bits" : "float32",
    fields: { id: id.name, vector: vector.name, sampleId: sampleId?.name ?? null },
    idBytes: Number(record(id.type_params).max_length ?? MAX_ID_BYTES),
    sampleIdBytes: Number(record(sampleId?.type_params ?? []).max_length ?? MAX_ID_BYTES),
    indexType: indexed.index_type ?? "",
    indexParams: indexParamsOf(indexed),
    searchParams: json(properties[PROPERTIES.search]),
    consistencyLevel: String(collection.consistency_level ?? "Session"),
    meta: json(properties[PROPERTIES.meta]),
  };
}

/** Text by key, as requests carry options. */
export function keyValues(entries: Readonly<Record<string, string | number | boolean>>): KeyValue[] {
  return Object.entries(entries).map(([key, value]) => ({ key, value: String(value) }));
}

/** The same, read back. */
export function record(pairs: readonly KeyValue[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

interface FieldSchema {
  readonly name: string;
  readonly data_type: string;
  readonly is_primary_key: boolean;
  readonly type_params: readonly KeyValue[];
}

export interface IndexDescription {
  readonly field_name: string;
  readonly index_name: string;
  readonly state: string;
  readonly indexed_rows: string;
  readonly total_rows: string;
  readonly pending_index_rows: string;
  readonly index_state_fail_reason: string;
  readonly params: readonly KeyValue[];
}

/** Parameters of an index come in one JSON text, or one by one. */
function indexParamsOf({
  params,
  index_type: _type,
  metric_type: _metric,
  ...others
}: Record<string, string>) {
  return { ...others, ...json(params) };
}

function json(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // what someone else wrote under our name
  }
}

function vectorTypeOf({ metric, vectorType: wanted }: CollectionSpec): "float32" | "bits" {
  if (!METRICS.includes(metric)) {
    throw refused(
      "METRIC_NOT_SUPPORTED",
      `Expected a metric of ${METRICS.join(", ")} for Milvus but found '${metric}'`,
      "Choose one of those",
    );
  }
  const vectorType = isBinaryMetric(metric) ? "bits" : "float32";
  if (wanted === undefined || wanted === vectorType) return vectorType;
  const fitting = METRICS.filter((other) => isBinaryMetric(other) === (wanted === "bits")).join(", ");
  throw refused(
    "METRIC_NOT_SUPPORTED",
    `Expected a metric for ${wanted} vectors (${fitting}) but found '${metric}'`,
    "Choose one of those",
  );
}

function checkDimension(dimension: number, vectorType: "float32" | "bits"): void {
  const hint = "Change the dimension of the index";
  const most = vectorType === "bits" ? 8 * MAX_DIMENSION : MAX_DIMENSION;
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw refused("INVALID_ARGUMENT", `Expected a dimension of 1 or more but found ${dimension}`, hint);
  }
  if (vectorType === "bits" && dimension % 8 !== 0) {
    throw refused(
      "INVALID_ARGUMENT",
      `Expected a multiple of 8 bits as the dimension but found ${dimension}`,
      hint,
    );
  }
  if (dimension > most) {
    throw refused(
      "LIMIT_EXCEEDED",
      `Expected a dimension of at most ${most} for Milvus but found ${dimension}`,
      hint,
    );
  }
}

function foreign(name: string, expected: string, found: string): NearsightError {
  return new NearsightError({
    code: "BACKEND_FAILED",
    message: `Expected the Milvus collection '${name}' to have ${expected} but found ${found}`,
    hint: "Choose a collection that nearsight or FiftyOne made",
    details: { collection: name },
  });
}

function refused(
  code: "METRIC_NOT_SUPPORTED" | "INVALID_ARGUMENT" | "LIMIT_EXCEEDED",
  message: string,
  hint: string,
): NearsightError {
  return new NearsightError({ code, message, hint });
}
