/** Filter fields of a run: checked, and the values that samples have of them. */

import type { Backend } from "../../backends/backend.ts";
import type { FieldKind, FieldValue, FieldValues, FilterField } from "../../backends/filter-fields.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import { NearsightError } from "../../errors.ts";
import type { FieldType, SampleRecord } from "../../store/store.ts";
import type { FilterFieldRecord } from "../../store/store-runs.ts";

/** Longer texts are cut, in values and in conditions alike: a condition then lets more through, never less. */
const MOST_CHARACTERS = 1_000;

/** Values that take more bytes are not written at all, which a server takes for an entry it knows nothing of. */
const MOST_BYTES = 8_192;

const MOST_FIELDS = 32;

const KINDS: Readonly<Partial<Record<FieldType, FieldKind>>> = {
  string: "text",
  number: "number",
  boolean: "boolean",
  list: "texts",
};

/** Checks what `filterFields` names; BACKEND_NOT_SUPPORTED, FIELD_NOT_FOUND, FIELD_TYPE_MISMATCH, INVALID_ARGUMENT. */
export async function checkFilterFields(
  backend: Backend,
  samples: SampleCollection,
  names: readonly string[] | undefined,
): Promise<readonly FilterFieldRecord[] | undefined> {
  if (names === undefined) return undefined;
  if (backend.capabilities.filterFields !== true) throw notKept(backend.name);
  const isList = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string");
  if (!isList || new Set(names).size < names.length || names.length > MOST_FIELDS) throw noNames(names);
  const types = new Map((await samples.dataset.fields()).map(({ name, type }) => [name, type]));
  return names.map((name) => ({ name, kind: kindOf(name, types) }));
}

function kindOf(name: string, types: ReadonlyMap<string, FieldType>): FieldKind {
  if (name === "tags") return "texts";
  const [field = "", ...rest] = name.split(".");
  const type = types.get(field);
  if (type === undefined) {
    throw new NearsightError({
      code: "FIELD_NOT_FOUND",
      message: `Expected the names of fields in filterFields but the data set has no field '${field}'`,
      hint: `Its fields are: ${["tags", ...types.keys()].join(", ")}`,
      details: { field },
    });
  }
  const kind = rest.length === 0 ? KINDS[type] : labelKinds(type, rest.join("."));
  if (kind !== undefined) return kind;
  throw new NearsightError({
    code: "FIELD_TYPE_MISMATCH",
    message: `Expected a field of texts, numbers or booleans in filterFields but '${name}' is part of a ${type} field`,
    hint: "Name tags, a plain field, the label or confidence of a classification, or the label of detections",
    details: { field: name, type },
  });
}

function labelKinds(type: FieldType, rest: string): FieldKind | undefined {
  if (type === "detections") return rest === "label" ? "texts" : undefined;
  if (type !== "classification") return undefined;
  return rest === "label" ? "text" : rest === "confidence" ? "number" : undefined;
}

/** The fields as a backend makes them. */
export function fieldsToMake(fields: readonly FilterFieldRecord[]): FilterField[] {
  return fields.map(({ name, kind }, position) => ({ key: fieldKey(name, position), kind }));
}

/** A key that every server takes, and that people recognise. */
export function fieldKey(name: string, position: number): string {
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .slice(0, 48);
  return `field${position}_${readable}`;
}

/** What a sample has of the fields; null for a sample that is not there, or has more than is kept. */
export function valuesOf(
  fields: readonly FilterFieldRecord[],
  sample: SampleRecord | undefined,
): FieldValues | null {
  if (sample === undefined) return null;
  const values = fields.flatMap(({ name, kind }, position): [string, FieldValue][] => {
    const value = asKind(rawValue(sample, name), kind);
    return value === null ? [] : [[fieldKey(name, position), value]];
  });
  const object = Object.fromEntries(values);
  return Buffer.byteLength(JSON.stringify(object)) > MOST_BYTES ? null : object;
}

function rawValue(sample: SampleRecord, name: string): unknown {
  if (name === "tags") return sample.tags;
  const [field = "", part] = name.split(".");
  if (part === undefined) return sample.fields[field];
  const labels = sample.labels[field] ?? [];
  return part === "confidence" ? labels[0]?.confidence : labels.map(({ label }) => label);
}

function asKind(value: unknown, kind: FieldKind): FieldValue | null {
  if (kind === "number") return typeof value === "number" ? value : null;
  if (kind === "boolean") return typeof value === "boolean" ? value : null;
  const texts = [value].flat().filter((text) => typeof text === "string");
  return texts.length === 0 ? null : [...new Set(texts.map(keptText))];
}

/** A text as it is kept and compared. */
export function keptText(text: string): string {
  return text.slice(0, MOST_CHARACTERS).toWellFormed();
}

function notKept(backend: string): NearsightError {
  return new NearsightError({
    code: "BACKEND_NOT_SUPPORTED",
    message: `Expected a backend that keeps fields beside vectors for filterFields but '${backend}' does not`,
    hint: "Leave filterFields out: views are searched by their ids; or choose milvus or elasticsearch",
    details: { backend },
  });
}

function noNames(found: unknown): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected filterFields to be 1 to ${MOST_FIELDS} different names but found ${JSON.stringify(found)}`,
    hint: 'Name fields, such as filterFields: ["tags", "ground_truth.label"]',
  });
}
