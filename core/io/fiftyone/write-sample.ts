/** Turns samples of ours into FiftyOne's sample documents. */

import { createHash } from "node:crypto";
import type { Attributes, Classification, Detection, Label } from "../../dataset/labels.ts";
import type { Sample } from "../../dataset/sample.ts";
import { writeArray } from "./arrays.ts";
import { isKnownClass } from "./classes.ts";
import { type Document, isDocument, isObjectId, toWritten, unreadable } from "./extended-json.ts";
import { SIDE_FIELD } from "./read-sample.ts";

/** Field and attribute that say which id an item had, where that is none FiftyOne can have. */
const OLD_ID = "nearsight_id";

/** Media types that FiftyOne knows. */
const MEDIA_TYPES = new Set(["image", "video", "point-cloud", "3d"]);

/** A sample as it is written, field by field. */
export interface WrittenSample {
  readonly id: string;
  readonly document: Document;
  /** Its fields without FiftyOne's own, as ours keeps them: dates of days are still told apart. */
  readonly fields: Document;
  /** Frames of a video by their number. */
  readonly frames: Document | null;
  /** Fields that FiftyOne could not read, with the reason. */
  readonly left: readonly { readonly field: string; readonly reason: string }[];
  /** What FiftyOne knows by other ids: null for the sample, and fields with such labels. */
  readonly renamed: readonly (string | null)[];
}

/** The id as FiftyOne takes it: 24 hexadecimal characters, made from any other id in always the same way. */
export function toObjectId(id: string): string {
  return isObjectId(id) ? id : createHash("sha256").update(id).digest("hex").slice(0, 24);
}

/** The document of a sample; `filepath` is where the written data set has its file. */
export function writeSample(
  sample: Sample,
  filepath: string,
  vectors: Readonly<Record<string, Float32Array>>,
  datasetId: string,
): WrittenSample {
  const id = toObjectId(sample.id);
  const kept = new Map<string, unknown>();
  const left: { field: string; reason: string }[] = [];
  let frames: Document | null = null;
  const { [SIDE_FIELD]: side, ...fields } = sample.fields;
  const beside = isDocument(side) ? side : {};
  for (const [name, value] of [...Object.entries(vectors), ...Object.entries(fields)]) {
    if (name === "frames" && sample.mediaType === "video" && isDocument(value)) {
      frames = value;
      continue;
    }
    const written = writeValue(value, beside[name]);
    const reason = refusal(name, written);
    if (reason === null) kept.set(name, name === "metadata" ? withClass(written, sample.mediaType) : written);
    else left.push({ field: name, reason });
  }
  for (const [name, value] of Object.entries(beside)) {
    if (name in sample.fields || name in vectors) continue;
    const reason = refusal(name, value);
    if (reason === null) kept.set(name, value);
    else left.push({ field: name, reason });
  }
  if (id !== sample.id) kept.set(OLD_ID, sample.id);
  const own = Object.fromEntries(kept);
  const document = {
    ...(toWritten(own) as Document),
    _id: { $oid: id },
    filepath,
    tags: sample.tags,
    _media_type: MEDIA_TYPES.has(sample.mediaType) ? sample.mediaType : "unknown",
    // FiftyOne shuffles by it: any number from 0 to 1, the same for the same sample.
    _rand: Number.parseInt(id.slice(-8), 16) / 2 ** 32,
    _dataset_id: { $oid: datasetId },
  };
  const renamed = [...(id === sample.id ? [] : [null]), ...renamedLabels(fields)];
  return { id, document, fields: own, frames, left, renamed };
}

/** Fields with a label whose id is none of FiftyOne's. */
function renamedLabels(fields: Document): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (!isLabel(value)) return [];
    const labels = value._cls === "Detections" ? value.detections : [value];
    return labels.every((label) => isObjectId(label.id)) ? [] : [name];
  });
}

function writeValue(value: unknown, rest: unknown): unknown {
  if (value instanceof Float32Array) return writeArray(value);
  if (!isLabel(value)) return value;
  if (value._cls === "Classification") return writeLabel(value);
  const container = isDocument(rest) ? rest : {};
  return { ...container, _cls: "Detections", detections: value.detections.map(writeLabel) };
}

function isLabel(value: unknown): value is Label {
  return isDocument(value) && (value._cls === "Classification" || value._cls === "Detections");
}

/** Attributes come first, so that none can take the place of the label's own members. */
function writeLabel(label: Classification | Detection): Document {
  const { confidence, tags = [], attributes = {} } = label;
  const id = toObjectId(label.id);
  return {
    ...withoutNulls(attributes),
    ...(id === label.id ? {} : { [OLD_ID]: label.id }),
    _id: { $oid: id },
    _cls: label._cls,
    ...(label._cls === "Detection" ? { attributes: attributes.attributes ?? {} } : {}),
    tags,
    ...(label.label === "" ? {} : { label: label.label }),
    ...(label._cls === "Detection" ? { bounding_box: label.boundingBox } : {}),
    ...(confidence === undefined ? {} : { confidence }),
  };
}

function withoutNulls(attributes: Attributes): Document {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
}

/** Why FiftyOne could not read a field, or null. */
function refusal(name: string, value: unknown): string | null {
  if (name.startsWith("_")) return "FiftyOne keeps names with a leading underscore for itself";
  if (name === "last_modified_at" || name === "created_at")
    return "FiftyOne has a field of its own of that name";
  if (name === "metadata" && !isDocument(value)) return "FiftyOne's field of that name holds an object";
  const stranger = unknownClass(value);
  if (stranger !== null) return `FiftyOne has no class '${stranger}'`;
  const problem = unreadable(value);
  return problem === null ? null : `it has ${problem}, which MongoDB would take for a type`;
}

/** The first class in a value that FiftyOne could not load, or null. */
function unknownClass(value: unknown): string | null {
  if (Array.isArray(value)) return value.map(unknownClass).find((one) => one !== null) ?? null;
  if (!isDocument(value)) return null;
  if ("_cls" in value && !isKnownClass(value._cls)) return String(value._cls).slice(0, 50);
  return unknownClass(Object.values(value));
}

/** FiftyOne's metadata always has a class. */
function withClass(metadata: unknown, mediaType: string): unknown {
  if (!isDocument(metadata) || "_cls" in metadata) return metadata;
  const classes: Readonly<Record<string, string>> = { image: "ImageMetadata", video: "VideoMetadata" };
  return { _cls: Object.hasOwn(classes, mediaType) ? classes[mediaType] : "Metadata", ...metadata };
}
