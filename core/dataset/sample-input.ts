/** Turns samples as users give them into records for the store, checking every value. */

import { resolve } from "node:path";
import { NearsightError } from "../errors.ts";
import { newId } from "../ids.ts";
import type { LabelRecord, NewSample } from "../store/store.ts";
import type { DetectionInput, LabelInput } from "./labels.ts";

/**
 * A sample to add: its file, and any fields beside. Labels are `{ _cls: "Classification", ... }` or
 * `{ _cls: "Detections", detections: [...] }`; a Float32Array or Float64Array is a vector. The file is not opened.
 *
 * @example
 * await dataset.addSamples([{ filepath: "cat.jpg", tags: ["train"], ground_truth: { _cls: "Classification", label: "cat" } }]);
 */
export interface SampleInput {
  /** A relative path is taken from the working directory; URLs stay as they are. */
  readonly filepath: string;
  /** 24 hexadecimal characters, or any other unique text. Default: a new id. */
  readonly id?: string;
  readonly tags?: readonly string[];
  /** Default: by the file's ending, `image` where that says nothing. */
  readonly mediaType?: string;
  /** Where the sample was imported from; unique in a data set. */
  readonly uri?: string;
  readonly [field: string]: unknown;
}

/** The value of one field, sorted by where it is kept. */
export interface FieldParts {
  readonly fields: Record<string, unknown>;
  readonly labels: LabelRecord[];
  readonly labelFields: Record<string, "classification" | "detections">;
  readonly vectors: Record<string, Float32Array>;
}

/** A sample for the store, and the vectors that go with it. */
export function toNewSample(
  input: SampleInput,
  vectorFields: ReadonlySet<string>,
): { sample: NewSample; vectors: Record<string, Float32Array> } {
  if (typeof input !== "object" || input === null)
    throw invalid("sample", "an object with a filepath", input);
  const { filepath, id = newId(), tags = [], mediaType, uri = null, ...rest } = input;
  const path = filled(filepath, "filepath");
  const { fields, labels, labelFields, vectors } = toParts(filled(id, "id"), rest, vectorFields);
  const sample = {
    id,
    filepath: absolutePath(path),
    uri: uri === null ? null : filled(uri, "uri"),
    mediaType: mediaType === undefined ? mediaTypeOf(path) : filled(mediaType, "mediaType"),
    tags: toTags(tags),
    fields,
    labels,
    labelFields,
  };
  return { sample, vectors };
}

/** Sorts field values into plain ones, labels and vectors. INVALID_ARGUMENT, VECTOR_INVALID. */
export function toParts(
  sampleId: string,
  values: Readonly<Record<string, unknown>>,
  vectorFields: ReadonlySet<string>,
): FieldParts {
  const parts: FieldParts = { fields: byName(), labels: [], labelFields: byName(), vectors: byName() };
  for (const [field, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const vector = toVector(value, vectorFields.has(field));
    if (vector !== null) parts.vectors[field] = vector;
    else if (isLabel(value)) {
      parts.labelFields[field] = value._cls === "Detections" ? "detections" : "classification";
      parts.labels.push(...toLabelRecords(sampleId, field, value));
    } else parts.fields[field] = plain(value, field, 0);
  }
  return parts;
}

/** An object whose only members are those put into it, so that fields may have names such as `constructor`. */
function byName<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

function toVector(value: unknown, expected: boolean): Float32Array | null {
  if (value instanceof Float32Array) return value;
  if (value instanceof Float64Array) return Float32Array.from(value);
  if (!expected || !Array.isArray(value)) return null;
  return value.every((one) => typeof one === "number") ? Float32Array.from(value) : null;
}

function isLabel(value: unknown): value is LabelInput {
  if (typeof value !== "object" || value === null || !("_cls" in value)) return false;
  return value._cls === "Classification" || value._cls === "Detections";
}

function toLabelRecords(sampleId: string, field: string, label: LabelInput): LabelRecord[] {
  if (label._cls === "Classification") {
    return [{ ...labelRecord(sampleId, field, label), kind: "classification", boundingBox: null }];
  }
  return (list(label.detections, `${field}.detections`) as readonly DetectionInput[]).map((detection) => ({
    ...labelRecord(sampleId, field, detection),
    kind: "detection",
    boundingBox: toBox(detection.boundingBox, field),
  }));
}

function labelRecord(
  sampleId: string,
  field: string,
  input: Omit<DetectionInput, "boundingBox" | "_cls">,
): Omit<LabelRecord, "kind" | "boundingBox"> {
  if (!isPlainObject(input)) throw invalid(field, "labels that are objects", input);
  const { id = newId(), label, confidence, tags = [], attributes = {} } = input;
  return {
    id: filled(id, `${field}.id`),
    sampleId,
    field,
    label: text(label, `${field}.label`),
    confidence:
      confidence === undefined || confidence === null ? null : finite(confidence, `${field}.confidence`),
    tags: toTags(tags),
    attributes: attributesOf(attributes, `${field}.attributes`),
  };
}

function toBox(box: unknown, field: string): readonly [number, number, number, number] {
  if (Array.isArray(box) && box.length === 4 && box.every((one) => Number.isFinite(one))) {
    return [box[0], box[1], box[2], box[3]];
  }
  throw invalid(`${field}.boundingBox`, "4 numbers: left, top, width, height", box);
}

function attributesOf(attributes: unknown, field: string): Record<string, unknown> {
  if (!isPlainObject(attributes)) throw invalid(field, "an object", attributes);
  return plain(attributes, field, 0) as Record<string, unknown>;
}

/** The tags as they can be kept; INVALID_ARGUMENT */
export function toTags(tags: unknown): string[] {
  return list(tags, "tags").map((tag) => text(tag, "tags"));
}

/** Deep enough for any document, shallow enough for SQLite's JSON reader (1,000) and for a stack. */
const MAX_DEPTH = 200;

/** A copy in plain JSON: dates as ISO 8601, missing members left out. */
function plain(value: unknown, field: string, depth: number): unknown {
  if (depth > MAX_DEPTH) throw invalid(field, `a value nested at most ${MAX_DEPTH} deep`, "a deeper one");
  if (value === null || value === undefined || typeof value === "boolean") return value ?? null;
  if (typeof value === "string") return text(value, field);
  if (typeof value === "number") return finite(value, field);
  if (value instanceof Date) return dateText(value, field);
  if (Array.isArray(value)) return value.map((one) => plain(one, field, depth + 1));
  if (isPlainObject(value)) {
    const members = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(
      members.map(([key, inner]) => [text(key, field), plain(inner, field, depth + 1)]),
    );
  }
  throw invalid(
    field,
    "text, a number, a boolean, a date, a list, a plain object, a label or a vector (Float32Array, Float64Array)",
    value,
  );
}

/** False for maps, sets, bytes and the like, whose content is not in their members. */
function isPlainObject(value: unknown): value is object {
  return Object.prototype.toString.call(value) === "[object Object]";
}

function dateText(date: Date, field: string): string {
  if (Number.isNaN(date.getTime())) throw invalid(field, "a date", date);
  return date.toISOString();
}

function list(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(field, "a list", value);
}

/** Text that is not empty, as ids and addresses must be. */
function filled(value: unknown, field: string): string {
  if (value === "") throw invalid(field, "text that is not empty", value);
  return text(value, field);
}

/** Text that every database can keep: PostgreSQL has no U+0000, and lone surrogates have no UTF-8. */
function text(value: unknown, field: string): string {
  if (typeof value === "string" && !value.includes("\0") && value.isWellFormed()) return value;
  throw invalid(field, "text without U+0000 and lone surrogates", value);
}

function finite(value: unknown, field: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalid(field, "a finite number", value);
}

function invalid(field: string, expected: string, found: unknown): NearsightError {
  const shown = typeof found === "string" ? JSON.stringify(found.slice(0, 50)) : describe(found);
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected ${expected} for '${field}' but found ${shown}`,
    hint: "Correct the value, or leave the field out",
    details: { field },
  });
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isPlainObject(value)) return "an object";
  // Such as "a Map" of "[object Map]".
  if (typeof value === "object" && value !== null)
    return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
  return typeof value === "function" || typeof value === "symbol" ? `a ${typeof value}` : String(value);
}

// At least two letters: `C:\pictures` is a path.
const URL_START = /^[a-z][a-z0-9+.-]+:/i;

/** A path made absolute; URLs stay as they are. */
function absolutePath(path: string): string {
  return URL_START.test(path) ? path : resolve(path);
}

const MEDIA_TYPES: readonly (readonly [type: string, endings: RegExp])[] = [
  ["audio", /\.(wav|mp3|flac|ogg|oga|opus|m4a|aac)$/i],
  ["video", /\.(mp4|mov|avi|mkv|webm|m4v)$/i],
  ["molecule", /\.(smi|smiles|mol|sdf)$/i],
];

function mediaTypeOf(path: string): string {
  return MEDIA_TYPES.find(([, endings]) => endings.test(path))?.[0] ?? "image";
}
