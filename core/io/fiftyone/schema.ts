/** Finds out FiftyOne's types of the fields that are written, sample by sample. */

import { readArray } from "./arrays.ts";
import { declareClass, declareField, type FieldDocument, isKnownClass } from "./classes.ts";
import { DAY, type Document, extendedKind, isDocument, isMongoInteger } from "./extended-json.ts";

/** Declarations of what every sample has. */
const EVERY_SAMPLE: readonly FieldDocument[] = [
  declareField("id", "ObjectId"),
  declareField("filepath", "String"),
  declareField("tags", "[String]"),
  declareField("metadata", "Metadata"),
  { ...declareField("created_at", "DateTime"), read_only: true },
  { ...declareField("last_modified_at", "DateTime"), read_only: true },
  declareField("_media_type", "String"),
  declareField("_rand", "Float"),
  declareField("_dataset_id", "ObjectId"),
];

/** Declarations of what every frame of a video has. */
const EVERY_FRAME: readonly FieldDocument[] = [
  declareField("id", "ObjectId"),
  declareField("frame_number", "FrameNumber"),
  { ...declareField("created_at", "DateTime"), read_only: true },
  { ...declareField("last_modified_at", "DateTime"), read_only: true },
  { ...declareField("_sample_id", "ObjectId"), db_field: "_sample_id" },
  declareField("_dataset_id", "ObjectId"),
];

/** What is known of the values of one field. */
interface Kind {
  type: string;
  /** Types of the attributes, by name, where the values are labels. */
  readonly attributes: Map<string, string>;
}

/** Members of labels that their classes declare: all others are attributes. */
const DECLARED_MEMBERS = new Set([
  ...["_id", "_cls", "tags", "attributes", "label", "confidence", "logits", "bounding_box", "mask"],
  ...["mask_path", "index", "points", "closed", "filled"],
]);

/** Collects the types of fields. */
export class SchemaCollector {
  readonly #kinds = new Map<string, Kind>();

  /** Takes note of a field's value, as it is written. */
  add(field: string, value: unknown): void {
    const kind = this.#kinds.get(field) ?? { type: "", attributes: new Map() };
    kind.type = common(kind.type, typeOf(value));
    for (const label of labelsIn(value)) {
      for (const [name, attribute] of Object.entries(label)) {
        if (DECLARED_MEMBERS.has(name)) continue;
        kind.attributes.set(name, common(kind.attributes.get(name) ?? "", typeOf(attribute)));
      }
    }
    this.#kinds.set(field, kind);
  }

  /** Declarations of all fields. */
  sampleFields(): FieldDocument[] {
    const found = this.fields();
    const names = new Set(found.map(({ name }) => name));
    return [...EVERY_SAMPLE.filter(({ name }) => !names.has(name)), ...found];
  }

  /** Declarations of all fields, of the frames of videos. */
  frameFields(): FieldDocument[] {
    return [...EVERY_FRAME, ...this.fields()];
  }

  /** Declarations of the fields that were added. */
  fields(): FieldDocument[] {
    return [...this.#kinds].map(([name, { type, attributes }]) => {
      const more = [...attributes].flatMap(([attribute, kind]) => declareAttribute(attribute, kind));
      return isKnownClass(type) ? declareClass(name, type, more) : declareField(name, orAny(type));
    });
  }
}

/** Attributes of one simple type are declared; FiftyOne takes all others as they come. */
function declareAttribute(name: string, type: string): FieldDocument[] {
  return /^\[?(String|Int|Float|Boolean|DateTime|Date)\]?$/.test(type) ? [declareField(name, type)] : [];
}

/** A field without any value, or with values of several types, can hold anything as a dictionary does. */
function orAny(type: string): string {
  if (type === "" || type === "mixed") return "Dict";
  return /^\[(\[.*|mixed)?\]$/.test(type) ? "List" : type;
}

function typeOf(value: unknown): string {
  if (typeof value === "string") return "String";
  if (typeof value === "boolean") return "Boolean";
  if (typeof value === "number") return isMongoInteger(value) ? "Int" : "Float";
  if (Array.isArray(value)) return `[${value.map(typeOf).reduce(common, "")}]`;
  if (!isDocument(value)) return "";
  if (isKnownClass(value._cls)) return value._cls;
  return extendedType(value) ?? "Dict";
}

function extendedType(value: Document): string | null {
  switch (extendedKind(value)) {
    case "id":
      return "ObjectId";
    case "date":
      return typeof value.$date === "string" && DAY.test(value.$date) ? "Date" : "DateTime";
    case "number":
      return "$numberLong" in value ? "Int" : "Float";
    case "binary":
      return readArray(value)?.shape.length === 1 ? "Vector" : "Array";
    default:
      return null;
  }
}

/** The type that both are of. */
function common(one: string, other: string): string {
  if (one === "" || one === other) return other;
  if (other === "") return one;
  if (isNumber(one) && isNumber(other)) return "Float";
  if (one.startsWith("[") && other.startsWith("[")) {
    return `[${common(one.slice(1, -1), other.slice(1, -1))}]`;
  }
  return one === "Vector" || one === "Array" ? "Array" : "mixed";
}

function isNumber(type: string): boolean {
  return type === "Int" || type === "Float";
}

function labelsIn(value: unknown): Document[] {
  if (!isDocument(value)) return [];
  if (value._cls === "Classification" || value._cls === "Detection") return [value];
  return value._cls === "Detections" && Array.isArray(value.detections) ? value.detections : [];
}
