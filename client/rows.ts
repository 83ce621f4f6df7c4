/** Turns rows of answers into records, as data sets and views read them, and samples into what requests take. */

import { toParts } from "../core/dataset/sample-input.ts";
import { matrix } from "../core/matrix.ts";
import { packVectors } from "../core/packed-vectors.ts";
import type { LabelRecord, NewSample, SampleRecord, VectorColumn, ViewRow } from "../core/store/store.ts";

/** A sample as the API gives it. */
interface SampleJson {
  readonly id: string;
  readonly filepath: string;
  readonly mediaType: string;
  readonly tags: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly distances: Readonly<Record<string, number>>;
}

/** A patch as the API gives it. */
interface PatchJson extends Omit<LabelRecord, "field" | "kind"> {
  readonly filepath: string;
  readonly mediaType: string;
  readonly distances: Readonly<Record<string, number>>;
}

export type RowJson = SampleJson | PatchJson;

const NO_VECTORS: ReadonlySet<string> = new Set();

export function viewRow(row: RowJson): ViewRow {
  const { id, distances } = row;
  if ("fields" in row) return { id, sample: sampleRecord(row), label: null, distances };
  const { sampleId, filepath, mediaType, distances: _, ...label } = row;
  const sample = { id: sampleId, filepath, mediaType, tags: [], fields: {}, labels: {}, labelFields: {} };
  return { id, sample, label: { ...label, sampleId, field: "", kind: "detection" }, distances };
}

function sampleRecord({ id, filepath, mediaType, tags, fields: values }: SampleJson): SampleRecord {
  const { fields, labels, labelFields } = toParts(id, values, NO_VECTORS);
  const byField = Object.groupBy(labels, ({ field }) => field) as Record<string, LabelRecord[]>;
  return { id, filepath, mediaType, tags, fields, labels: byField, labelFields };
}

/** Values of a field as a request carries them. */
type FieldsJson = Record<string, unknown>;

/** A sample as requests add it; `vectors` are those of all samples. */
export function sampleJson(sample: NewSample, vectors: readonly VectorColumn[]): FieldsJson {
  const { id, filepath, uri, mediaType, tags, fields, labels, labelFields } = sample;
  return {
    ...fields,
    ...Object.fromEntries(
      Object.entries(labelFields).map(([field, kind]) => [field, labelJson(kind, labelsOf(labels, field))]),
    ),
    ...vectorsJson(id, vectors),
    ...{ id, filepath, mediaType, tags },
    ...(uri === null ? {} : { uri }),
  };
}

/** The labels of one field as a request carries them; null where a classification has none. */
export function labelJson(kind: "classification" | "detections", records: readonly LabelRecord[]): unknown {
  const labels = records.map(({ id, label, confidence, boundingBox, tags, attributes }) => ({
    ...{ id, label, tags, attributes },
    ...(confidence === null ? {} : { confidence }),
    ...(boundingBox === null ? {} : { boundingBox }),
  }));
  if (kind === "detections") return { _cls: "Detections", detections: labels };
  return labels[0] === undefined ? null : { _cls: "Classification", ...labels[0] };
}

/** A sample's vectors by field. */
export function vectorsJson(id: string, columns: readonly VectorColumn[]): FieldsJson {
  const own = columns.flatMap(({ field, ownerIds, vectors }) => {
    const row = ownerIds.indexOf(id);
    return row < 0 ? [] : [[field, vectorJson(vectors.row(row))] as const];
  });
  return Object.fromEntries(own);
}

function vectorJson(vector: Float32Array): unknown {
  return { _cls: "Vector", ...packVectors(matrix(vector, vector.length)) };
}

function labelsOf(labels: readonly LabelRecord[], field: string): LabelRecord[] {
  return labels.filter((label) => label.field === field);
}
