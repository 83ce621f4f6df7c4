/** Samples and patches as users see them: frozen plain objects with their labels. */

import type { BoundingBox } from "../media/input-spec.ts";
import type { LabelRecord, SampleRecord, ViewRow } from "../store/store.ts";
import type { Attributes, Classification, Detection, Label } from "./labels.ts";

/** One image (or other medium) of a data set. */
export interface Sample {
  readonly id: string;
  /** Absolute path or URL. */
  readonly filepath: string;
  readonly mediaType: string;
  readonly tags: readonly string[];
  /** Values and labels by field; fields that are not set are absent. Vectors are read with `getVectors`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Distances by the `distField` of the view's similarity stages. */
  readonly distances: Readonly<Record<string, number>>;
  /** A field's value, or what a dotted path leads to inside it; null where there is none. */
  get<Value = unknown>(path: string): Value | null;
}

/** One object of a sample, in a patches view. `id` is the label's. */
export interface Patch {
  readonly id: string;
  readonly sampleId: string;
  readonly filepath: string;
  readonly mediaType: string;
  readonly label: string;
  readonly boundingBox: BoundingBox | null;
  /** 0 to 1. */
  readonly confidence: number | null;
  /** Tags of the label. */
  readonly tags: readonly string[];
  readonly attributes: Attributes;
  readonly distances: Readonly<Record<string, number>>;
  get<Value = unknown>(path: string): Value | null;
}

/** The row of a view as users see it. */
export function toRow(row: ViewRow): Sample | Patch {
  return row.label === null ? toSample(row.sample, row.distances) : toPatch(row, row.label);
}

export function toSample(record: SampleRecord, distances: Readonly<Record<string, number>> = {}): Sample {
  const labels = Object.entries(record.labelFields).flatMap(([field, kind]) => {
    const label = toLabel(kind, (Object.hasOwn(record.labels, field) && record.labels[field]) || []);
    return label === null ? [] : [[field, label] as const];
  });
  const { id, filepath, mediaType, tags } = record;
  const fields = { ...record.fields, ...Object.fromEntries(labels) };
  const own = { id, filepath, mediaType, tags, fields, distances };
  return withGet(own, { ...distances, ...fields, id, filepath, mediaType, media_type: mediaType, tags });
}

function toPatch({ sample, distances }: ViewRow, record: LabelRecord): Patch {
  const own = {
    id: record.id,
    sampleId: record.sampleId,
    filepath: sample.filepath,
    mediaType: sample.mediaType,
    label: record.label,
    boundingBox: record.boundingBox,
    confidence: record.confidence,
    tags: record.tags,
    attributes: record.attributes as Attributes,
    distances,
  };
  return withGet(own, { ...distances, ...record.attributes, ...own, sample_id: own.sampleId });
}

/** A classification that a view filtered away is no label at all; detections leave an empty list. */
function toLabel(kind: "classification" | "detections", records: readonly LabelRecord[]): Label | null {
  if (kind === "detections") return { _cls: "Detections", detections: records.map(toDetection) };
  const [record] = records;
  return record === undefined ? null : toClassification(record);
}

function toClassification(record: LabelRecord): Classification {
  return { _cls: "Classification", id: record.id, label: record.label, ...optional(record) };
}

function toDetection(record: LabelRecord): Detection {
  const boundingBox = record.boundingBox ?? [0, 0, 0, 0];
  return { _cls: "Detection", id: record.id, label: record.label, boundingBox, ...optional(record) };
}

function optional({ confidence, tags, attributes }: LabelRecord) {
  return {
    ...(confidence === null ? {} : { confidence }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes: attributes as Attributes }),
  };
}

/** Adds `get`, hidden from loops, JSON and comparisons, and freezes the whole. */
function withGet<Row extends object>(row: Row, names: Readonly<Record<string, unknown>>) {
  const get = <Value>(path: string): Value | null => (valueAt(names, path) ?? null) as Value | null;
  return deepFreeze(Object.defineProperty(row, "get", { value: get })) as Row & {
    get<Value = unknown>(path: string): Value | null;
  };
}

function valueAt(names: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(names, path)) return names[path];
  let value: unknown = names;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Freezes a value of plain JSON with all it holds. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
