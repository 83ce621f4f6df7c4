/** What an index is made as, and what one that is there was made as: FiftyOne's schema, `_id`, `sample_id`, `vector`. */

import type { estypes } from "@elastic/elasticsearch";
import { type ErrorCode, NearsightError } from "../../errors.ts";
import type { CollectionSpec } from "../backend.ts";
import { isBinaryMetric, type Metric } from "../metric.ts";
import { fieldsMapping } from "./filter.ts";
import { BASE64_VERSION, MAX_DIMENSION, OVERSAMPLE, REFRESH_INTERVAL, SOURCE_VERSION } from "./limits.ts";

/** Metrics of indexes made here. Bits are compared by l2_norm, which means differing bits for them. */
export const METRICS: readonly Metric[] = ["cosine", "dotproduct", "euclidean", "hamming"];

type Similarity = "cosine" | "dot_product" | "max_inner_product" | "l2_norm";

/**
 * `dot_product` refuses vectors that are not of unit length; `max_inner_product` takes all and ranks alike, so that
 * it is what dotproduct means here.
 */
const SIMILARITIES: Readonly<Record<string, Similarity>> = {
  cosine: "cosine",
  dotproduct: "max_inner_product",
  euclidean: "l2_norm",
  hamming: "l2_norm",
};

/** Types of `index_options` by what they keep of a vector: all of it, or a short code beside it. */
const PLAIN_TYPES: readonly string[] = ["hnsw", "flat"];
const QUANTISED_TYPES: readonly string[] = [
  ...["int8_hnsw", "int4_hnsw", "bbq_hnsw"],
  ...["int8_flat", "int4_flat", "bbq_flat", "bbq_disk"],
];

/** Options of an index: what `params` of its spec may hold. */
const INDEX_OPTIONS: readonly string[] = ["indexOptions", "shards", "replicas", "readableVectors"];

/** As base64, which is short and quick to read; or as lists of numbers, which every server and FiftyOne read. */
export type Encoding = "base64" | "numbers";

/** What is known of an index that is there. */
export interface Layout {
  readonly dimension: number;
  readonly metric: Metric;
  readonly vectorType: "float32" | "bits";
  readonly similarity: Similarity;
  /** Type of its `index_options`. */
  readonly indexType: string;
  /** Raw vectors looked at for each hit of a quantised index; null where the index is not quantised. */
  readonly oversample: number | null;
  /** False for text, which FiftyOne's indexes have: its values are read from the source. */
  readonly sampleIdIsKeyword: boolean;
  /** How vectors are sent. */
  readonly encoding: Encoding;
  /** Where vectors are read: doc values of cosine hold a unit vector and a length, whose product is rounded. */
  readonly readFrom: "source" | "doc values";
  /** The id of the index itself: another one of the same name has another. */
  readonly uuid: string;
  /** The mark of the call that made it; null for an index of someone else's. */
  readonly made: string | null;
}

/** The body that makes an index, marked as `made` by this call; METRIC_NOT_SUPPORTED, INVALID_ARGUMENT, LIMIT_EXCEEDED. */
export function indexBody(spec: CollectionSpec, made: string): estypes.IndicesCreateRequest {
  checkSpec(spec);
  const params = checkedParams(spec);
  const isBits = isBinaryMetric(spec.metric);
  return {
    index: spec.name,
    settings: {
      refresh_interval: REFRESH_INTERVAL,
      ...(params.shards === undefined ? {} : { number_of_shards: params.shards }),
      ...(params.replicas === undefined ? {} : { number_of_replicas: params.replicas }),
      ...(keepsSource(spec, params) ? { [SOURCE_SETTING]: false } : {}),
    },
    mappings: {
      dynamic: false,
      _meta: { ...spec.meta, nearsight: { vectors: params.readableVectors ? "numbers" : "base64", made } },
      properties: {
        sample_id: { type: "keyword" },
        vector: {
          type: "dense_vector",
          dims: spec.dimension,
          index: true,
          similarity: SIMILARITIES[spec.metric] ?? "cosine",
          // Left out, the server quantises: its default type depends on its version and on the dimension.
          index_options: params.indexOptions,
          ...(isBits ? { element_type: "bit" as const } : {}),
        },
        ...fieldsMapping(spec.filterFields),
      },
    },
  };
}

/** Vectors in the source come back as they were given. Servers before 9.2 always keep them and do not know the setting. */
export const SOURCE_SETTING = "index.mapping.exclude_source_vectors";

function keepsSource({ metric }: CollectionSpec, { readableVectors }: Params): boolean {
  return metric === "cosine" || readableVectors;
}

function checkSpec({ metric, dimension, vectorType }: CollectionSpec): void {
  if (!METRICS.includes(metric)) {
    throw refused("METRIC_NOT_SUPPORTED", `Expected a metric of ${METRICS.join(", ")} but found '${metric}'`);
  }
  const isBits = isBinaryMetric(metric);
  if (vectorType !== undefined && (vectorType === "bits") !== isBits) {
    throw refused(
      "METRIC_NOT_SUPPORTED",
      `Expected a metric for ${vectorType} vectors but found '${metric}'`,
    );
  }
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw refused("INVALID_ARGUMENT", `Expected a dimension of 1 or more but found ${dimension}`);
  }
  if (isBits && dimension % 8 !== 0) {
    throw refused(
      "INVALID_ARGUMENT",
      `Expected a multiple of 8 bits as the dimension but found ${dimension}`,
    );
  }
  const most = isBits ? 8 * MAX_DIMENSION : MAX_DIMENSION;
  if (dimension > most) {
    throw refused("LIMIT_EXCEEDED", `Expected a dimension of at most ${most} but found ${dimension}`);
  }
}

interface Params {
  readonly indexOptions: estypes.MappingDenseVectorIndexOptions;
  readonly shards: number | undefined;
  readonly replicas: number | undefined;
  readonly readableVectors: boolean;
}

function checkedParams({ metric, params = {} }: CollectionSpec): Params {
  const unknown = Object.keys(params).filter((name) => !INDEX_OPTIONS.includes(name));
  if (unknown.length > 0) {
    throw refused(
      "INVALID_ARGUMENT",
      `Expected index options of ${INDEX_OPTIONS.join(", ")} but found ${unknown.join(", ")}`,
    );
  }
  const { shards, replicas, readableVectors } = params;
  return {
    indexOptions: checkedIndexOptions(params["indexOptions"], isBinaryMetric(metric)),
    shards: wholeNumber("shards", shards, 1),
    replicas: wholeNumber("replicas", replicas, 0),
    readableVectors: readableVectors === true,
  };
}

/** `index_options` of the mapping, by its own names; the type alone may be given as text. */
function checkedIndexOptions(given: unknown, isBits: boolean): estypes.MappingDenseVectorIndexOptions {
  const options = typeof given === "string" ? { type: given } : (given ?? {});
  if (typeof options !== "object" || Array.isArray(options)) {
    throw refused(
      "INVALID_ARGUMENT",
      "Expected indexOptions to be a type or an object with one but found something else",
    );
  }
  const { type = "hnsw" } = options as { type?: unknown };
  const types = isBits ? PLAIN_TYPES : [...PLAIN_TYPES, ...QUANTISED_TYPES];
  if (typeof type !== "string" || !types.includes(type)) {
    throw refused(
      "INVALID_ARGUMENT",
      `Expected an index type of ${types.join(", ")} but found '${String(type)}'`,
    );
  }
  return { ...options, type: type as estypes.MappingDenseVectorIndexOptionsType };
}

function wholeNumber(name: string, value: unknown, least: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least) return value;
  throw refused(
    "INVALID_ARGUMENT",
    `Expected ${name} to be a whole number of at least ${least} but found ${String(value)}`,
  );
}

/** The layout of an index; null where its field `vector` is none that can be searched. */
export function layoutOf({ mappings, settings }: estypes.IndicesIndexState): Layout | null {
  const vector = mappings?.properties?.["vector"];
  if (vector?.type !== "dense_vector" || vector.index === false) return null;
  const similarity = (vector.similarity ?? "cosine") as Similarity;
  const isBits = vector.element_type === "bit";
  // Servers call it both ways.
  const stored = settings?.index ?? settings;
  const indexType = vector.index_options?.type ?? "hnsw";
  return {
    dimension: vector.dims ?? 0,
    metric: isBits ? "hamming" : metricOf(similarity),
    vectorType: isBits ? "bits" : "float32",
    similarity,
    indexType,
    oversample: PLAIN_TYPES.includes(indexType) ? null : oversampleOf(vector.index_options),
    sampleIdIsKeyword: mappings?.properties?.["sample_id"]?.type === "keyword",
    encoding: encodingOf(stored, mappings?._meta),
    readFrom: similarity === "cosine" && hasSourceVectors(stored) ? "source" : "doc values",
    uuid: String(stored?.uuid ?? ""),
    made: ownMeta(mappings?._meta).made ?? null,
  };
}

function metricOf(similarity: Similarity): Metric {
  if (similarity === "cosine") return "cosine";
  return similarity === "l2_norm" ? "euclidean" : "dotproduct";
}

function oversampleOf(options: estypes.MappingDenseVectorIndexOptions | undefined): number {
  const oversample = options?.rescore_vector?.oversample;
  return Math.max(OVERSAMPLE, oversample ?? 0);
}

/** An index of someone else's that shows its vectors keeps showing numbers. */
function encodingOf(
  settings: estypes.IndicesIndexSettings | undefined,
  meta: estypes.Metadata | undefined,
): Encoding {
  if (createdBy(settings) < BASE64_VERSION) return "numbers";
  const { vectors: own } = ownMeta(meta);
  if (own === undefined) return hasSourceVectors(settings) ? "numbers" : "base64";
  return own === "numbers" ? "numbers" : "base64";
}

function ownMeta(meta: estypes.Metadata | undefined): { vectors?: string; made?: string } {
  return meta?.["nearsight"] ?? {};
}

function hasSourceVectors(settings: estypes.IndicesIndexSettings | undefined): boolean {
  const mapping = settings?.mapping as { exclude_source_vectors?: string | boolean } | undefined;
  return String(mapping?.exclude_source_vectors) === "false" || createdBy(settings) < SOURCE_VERSION;
}

/** Version of indexes, which counts on within a release. */
function createdBy(settings: estypes.IndicesIndexSettings | undefined): number {
  return Number(settings?.version?.created ?? 0);
}

function refused(code: ErrorCode, message: string): NearsightError {
  return new NearsightError({ code, message, hint: "Change that option of the index" });
}
