/** Turns FiftyOne's sample documents into samples of ours; what has no place is kept beside, never dropped. */

import { isAbsolute, join } from "node:path";
import type { IoFailure } from "../../dataset/io-port.ts";
import type { LabelInput } from "../../dataset/labels.ts";
import type { SampleInput } from "../../dataset/sample-input.ts";
import { newId } from "../../ids.ts";
import { readArray, toFloat32 } from "./arrays.ts";
import { type Document, extendedKind, idOf, isDocument, toKept } from "./extended-json.ts";
import { readLabel } from "./read-labels.ts";

/** Field that holds, as FiftyOne has them, the values that their own fields cannot take. */
export const SIDE_FIELD = "_fiftyone";

/** What FiftyOne keeps about every sample and makes anew on import. */
const BOOKKEEPING = new Set(["_rand", "_dataset_id", "created_at", "last_modified_at"]);

const OWN = new Set(["_id", "filepath", "tags", "_media_type"]);

/** Field names with a meaning of their own in a data set or in `addSamples`. */
const TAKEN = new Set([
  ...["id", "filepath", "tags", "uri", "mediaType", "media_type", "createdAt", "sample_id", "sampleId"],
  SIDE_FIELD,
]);

type Kind = "label" | "vector" | "list" | "object" | "string" | "number" | "boolean";

/** A sample that was read, and what is different about it. */
export interface ReadSample {
  readonly sample: SampleInput;
  readonly notes: readonly IoFailure[];
}

/** Where the members of a document go. */
interface Parts {
  /** Names the sample in reports. */
  readonly place: string;
  readonly fields: [string, unknown][];
  readonly side: [string, unknown][];
  readonly notes: IoFailure[];
  readonly labelIds: Set<string>;
}

export interface SampleReaderOptions {
  /** Folder that relative paths are taken from. */
  readonly folder: string;
  /** Folder of the media, in place of the one in the paths. */
  readonly dataPath: string | null;
  /** FiftyOne's types of the fields, by name. */
  readonly fieldTypes: ReadonlyMap<string, string>;
}

/** Reads sample documents; null for one without id or path. */
export interface SampleReader {
  read(document: Document, place: string): ReadSample | null;
}

export function createSampleReader(options: SampleReaderOptions): SampleReader {
  // A field has one type in a data set: the first one seen; and a vector field one dimension.
  const kinds = new Map<string, string>();
  const told = new Set<string>();

  function fits(field: string, kind: Kind, value: unknown): boolean {
    const exact = kind === "vector" ? `vector ${(value as Float32Array).length}` : kind;
    const known = kinds.get(field) ?? expectedKind(options.fieldTypes.get(field)) ?? exact;
    const isFit = known === exact || (known === "vector" && kind === "vector");
    if (isFit) kinds.set(field, exact);
    return isFit;
  }

  function once(field: string, reason: string): IoFailure[] {
    if (told.has(`${field} ${reason}`)) return [];
    told.add(`${field} ${reason}`);
    return [{ path: `samples.json: field '${field}'`, reason }];
  }

  /** Puts a member of the document where it belongs: into its field, or beside. */
  function sort(name: string, given: unknown, into: Parts): void {
    const type = options.fieldTypes.get(name);
    const { kind, value, rest, exact } = readValue(withDay(given, type), type);
    const isLost = kind !== "label" && isLabelDocument(given);
    if (isLost) into.notes.push(keptBeside(into.place, name));
    if (isLost || TAKEN.has(name) || name.startsWith("_") || !fits(name, kind, value)) {
      into.side.push([name, toKept(given)]);
      return;
    }
    if (!exact) into.notes.push(...once(name, "its numbers were rounded to float32"));
    if (Object.keys(rest).length > 0) into.side.push([name, toKept(rest)]);
    if (kind !== "label") {
      into.fields.push([name, value]);
      return;
    }
    const { label, renamed } = withUniqueIds(value as LabelInput, into.labelIds);
    if (renamed)
      into.notes.push(...once(name, "its labels have the ids of another field's and got new ones"));
    into.fields.push([name, label]);
  }

  return {
    read(document, place) {
      const id = idOf(document._id);
      const { filepath, tags } = document;
      if (id === null || typeof filepath !== "string" || filepath === "") return null;
      const parts: Parts = { place, fields: [], side: [], notes: [], labelIds: new Set() };
      for (const [name, given] of Object.entries(document)) {
        if (OWN.has(name) || BOOKKEEPING.has(name) || given === null || given === undefined) continue;
        sort(name, withPlaces(given, options.folder), parts);
      }
      const sample = {
        ...Object.fromEntries(parts.fields),
        ...(parts.side.length === 0 ? {} : { [SIDE_FIELD]: Object.fromEntries(parts.side) }),
        id,
        filepath: placeOf(filepath, options),
        ...(Array.isArray(tags) ? { tags: tags.filter((tag) => typeof tag === "string") } : {}),
        ...(typeof document._media_type === "string" ? { mediaType: document._media_type } : {}),
      };
      return { sample, notes: parts.notes };
    },
  };
}

function readValue(
  given: unknown,
  type: string | undefined,
): { kind: Kind; value: unknown; rest: Document; exact: boolean } {
  const plain = { rest: {}, exact: true };
  if (isDocument(given)) {
    const label = readLabel(given);
    if (label !== null) return { kind: "label", value: label.label, rest: label.rest, exact: true };
    const vector = type === "ArrayField" ? null : readVector(given);
    if (vector !== null) return { kind: "vector", value: vector.numbers, rest: {}, exact: vector.exact };
  }
  const value = toKept(given);
  if (Array.isArray(value)) return { ...plain, kind: "list", value };
  return { ...plain, kind: typeof value as Kind, value };
}

/** A list of numbers in an array of one dimension. */
function readVector(given: Document): { numbers: Float32Array; exact: boolean } | null {
  const array = readArray(given);
  return array === null || array.shape.length !== 1 || array.data.length === 0 ? null : toFloat32(array);
}

/** Masks and the like lie in `fields/`, and are named relative to the export. */
function withPlaces(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((one) => withPlaces(one, folder));
  if (typeof value === "string")
    return /^fields[\\/]/.test(value) ? join(folder, ...value.split(/[\\/]/)) : value;
  if (!isDocument(value) || extendedKind(value) !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withPlaces(inner, folder)]));
}

/** Days come as midnights: without a time of day they can be written back as days. */
function withDay(given: unknown, type: string | undefined): unknown {
  if (type !== "DateField" || extendedKind(given) !== "date") return given;
  const { $date: time } = toKept(given) as Document;
  return typeof time === "string" ? { $date: time.slice(0, 10) } : given;
}

/** The kind our field has for one of FiftyOne's types; undefined where the value decides. */
function expectedKind(type: string | undefined): string | undefined {
  const kinds: Readonly<Record<string, string>> = {
    StringField: "string",
    IntField: "number",
    FloatField: "number",
    FrameNumberField: "number",
    BooleanField: "boolean",
    ListField: "list",
    DictField: "object",
    DateField: "object",
    DateTimeField: "object",
    ObjectIdField: "object",
    ArrayField: "object",
    VectorField: "vector",
  };
  return type === undefined || !Object.hasOwn(kinds, type) ? undefined : kinds[type];
}

/** Labels of a cloned field have the ids of the first: ours are unique in a data set. */
function withUniqueIds(label: LabelInput, seen: Set<string>): { label: LabelInput; renamed: boolean } {
  let renamed = false;
  const unique = <One extends { readonly id?: string }>(one: One): One => {
    if (one.id === undefined || !seen.has(one.id)) {
      if (one.id !== undefined) seen.add(one.id);
      return one;
    }
    renamed = true;
    return { ...one, id: newId() };
  };
  const changed =
    label._cls === "Detections" ? { ...label, detections: label.detections.map(unique) } : unique(label);
  return { label: changed, renamed };
}

function isLabelDocument(given: unknown): boolean {
  return isDocument(given) && (given._cls === "Detections" || given._cls === "Classification");
}

function keptBeside(place: string, name: string): IoFailure {
  return {
    path: `${place}: ${name}`,
    reason: `its labels have no box, id or class that ours could take; they are kept in '${SIDE_FIELD}.${name}'`,
  };
}

// At least two letters: `C:\pictures` is a path.
const URL_START = /^[a-z][a-z0-9+.-]+:/i;

function placeOf(filepath: string, { folder, dataPath }: SampleReaderOptions): string {
  if (isAbsolute(filepath) || URL_START.test(filepath)) return filepath;
  const parts = filepath.split(/[\\/]/);
  if (dataPath === null) return join(folder, ...parts);
  return join(dataPath, ...(parts[0] === "data" ? parts.slice(1) : parts));
}
