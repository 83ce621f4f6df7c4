/** Turns FiftyOne's label documents into labels of ours, attributes and all. */

import type { Attributes, DetectionInput, LabelInput } from "../../dataset/labels.ts";
import type { BoundingBox } from "../../media/input-spec.ts";
import { type Document, extendedKind, idOf, isDocument, toKept } from "./extended-json.ts";

/** A label, and the members of its document that have no place in it. */
export interface ReadLabel {
  readonly label: LabelInput;
  readonly rest: Document;
}

/** Members of a label's document that are fields of ours; all others are attributes. */
const OWN = new Set(["_id", "_cls", "label", "bounding_box", "confidence", "tags"]);

/** The label of a document, or null where ours could not say all of it. */
export function readLabel(document: Document): ReadLabel | null {
  if (document._cls === "Classification") {
    const label = readFacts(document);
    return label === null ? null : { label: { ...label, _cls: "Classification" }, rest: {} };
  }
  if (document._cls !== "Detections" || !Array.isArray(document.detections)) return null;
  const { _cls, detections: given, ...rest } = document;
  const detections = given.map(readDetection);
  if (!detections.every((one) => one !== null)) return null;
  return { label: { _cls: "Detections", detections }, rest };
}

function readDetection(document: unknown): DetectionInput | null {
  if (!isDocument(document) || document._cls !== "Detection") return null;
  const boundingBox = readBox(document.bounding_box);
  const facts = readFacts(document);
  return boundingBox === null || facts === null ? null : { ...facts, boundingBox };
}

/** What all labels have; a label without a class has the empty text. */
function readFacts(document: Document): Omit<DetectionInput, "boundingBox" | "_cls"> | null {
  const { label = "", confidence, tags } = document;
  const id = idOf(document._id);
  if ((typeof label !== "string" && label !== null) || id === null) return null;
  const isNumber = typeof confidence === "number" && Number.isFinite(confidence);
  const isTags = Array.isArray(tags) && tags.every((tag) => typeof tag === "string");
  if (!isTags && tags !== undefined && tags !== null) return null;
  const attributes = readAttributes(document, isNumber);
  return {
    id,
    label: label ?? "",
    ...(isNumber ? { confidence } : {}),
    ...(isTags && tags.length > 0 ? { tags } : {}),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
  };
}

/** A confidence of NaN stays as an attribute, which is written back in its place. */
function readAttributes(document: Document, isConfidenceKept: boolean): Attributes {
  const attributes = Object.entries(document).flatMap(([name, value]) => {
    if (value === null || value === undefined) return [];
    if (name === "confidence") return isConfidenceKept ? [] : [[name, toKept(value)] as const];
    // FiftyOne writes the attributes of its old releases always, mostly empty.
    if (name === "attributes" && isDocument(value) && Object.keys(value).length === 0) return [];
    return OWN.has(name) ? [] : [[name, toKept(value)] as const];
  });
  return Object.fromEntries(attributes) as Attributes;
}

function readBox(value: unknown): BoundingBox | null {
  if (!Array.isArray(value) || value.length !== 4) return null;
  const [left, top, width, height] = value.map((one) => (extendedKind(one) === null ? one : Number.NaN));
  const box = [left, top, width, height];
  return box.every((one) => typeof one === "number" && Number.isFinite(one))
    ? (box as unknown as BoundingBox)
    : null;
}
