/** Turns filters of ours into MongoDB's aggregation expressions. */

import type { Filter, FilterValue } from "../../filter.ts";
import type { FieldType } from "../../store/store.ts";
import type { Document } from "./extended-json.ts";
import type { Prefix } from "./read-expressions.ts";

/** Types of the data set's fields, by name. */
export type FieldTypes = ReadonlyMap<string, FieldType>;

/** The expression that holds for the same samples or labels, or null where MongoDB's data has no such field. */
export function writeExpression(filter: Filter, types: FieldTypes, prefix: Prefix = "$"): Document | null {
  switch (filter.op) {
    case "and":
    case "or":
      return writeJoined(filter.op, filter.filters, types, prefix);
    case "not": {
      const inner = writeExpression(filter.filter, types, prefix);
      return inner === null ? null : { $not: inner };
    }
    case "labels":
      return writeSomeLabel(filter.field, filter.where, types);
    default: {
      const field = fieldPath(filter.field, types, prefix);
      return field === null ? null : writeCondition(filter, field);
    }
  }
}

type Condition = Exclude<Filter, { op: "and" | "or" | "not" | "labels" }>;

function writeCondition(filter: Condition, field: string): Document | null {
  switch (filter.op) {
    case "compare":
      return writeComparison(filter, field);
    case "in": {
      const values = filter.values.filter((value) => value !== null);
      const listed = { $in: [field, values] };
      return values.length === filter.values.length ? listed : { $or: [listed, missing(field)] };
    }
    case "exists":
      return there(field);
    case "contains":
      return isName(filter.value) ? null : { $in: [filter.value, { $ifNull: [field, []] }] };
    case "startsWith":
      return { $regexMatch: { input: field, regex: `^${escaped(filter.value)}`, options: null } };
    case "matches":
      return { $regexMatch: { input: field, regex: escaped(filter.value), options: "i" } };
  }
}

function writeComparison(filter: Extract<Filter, { op: "compare" }>, field: string): Document | null {
  const { comparison, value } = filter;
  if (isName(value)) return null;
  if (value === null) return comparison === "eq" ? missing(field) : there(field);
  const compared = { [`$${comparison}`]: [field, value] };
  // Missing values come before all others in MongoDB; ours are never less than a value.
  return comparison === "lt" || comparison === "lte" ? { $and: [compared, there(field)] } : compared;
}

function writeJoined(
  op: "and" | "or",
  filters: readonly Filter[],
  types: FieldTypes,
  prefix: Prefix,
): Document | null {
  const parts = filters.map((filter) => writeExpression(filter, types, prefix));
  return parts.every((part) => part !== null) ? { [`$${op}`]: parts } : null;
}

function writeSomeLabel(field: string, where: Filter, types: FieldTypes): Document | null {
  if (types.get(field) !== "detections") return null;
  const cond = writeExpression(where, types, "$$this.");
  if (cond === null) return null;
  const found = { $filter: { input: `$${field}.detections`, as: "this", cond } };
  return { $gt: [{ $size: { $ifNull: [found, []] } }, 0] };
}

/** Where MongoDB has the field that a path of ours names, or null. */
export function fieldPath(path: string, types: FieldTypes, prefix: Prefix): string | null {
  const [name = "", ...keys] = path.split(".");
  if (prefix !== "$") return labelPath(path, prefix);
  const type = types.get(name);
  if (type === undefined) return path === "tags" || path === "filepath" ? `$${path}` : null;
  if (type !== "detections" && type !== "classification") return `$${path}`;
  if (keys.length === 0) return `$${name}`;
  const rest = keys[0] === "detections" && type === "detections" ? keys.slice(1) : keys;
  return labelPath(rest.join("."), type === "detections" ? `$${name}.detections.` : `$${name}.`);
}

function labelPath(path: string, prefix: string): string | null {
  // Ids are no texts in MongoDB, and areas are not stored.
  if (path === "" || path === "id" || path === "area") return null;
  return prefix + (path === "boundingBox" ? "bounding_box" : path);
}

function there(field: string): Document {
  return { $gt: [field, null] };
}

function missing(field: string): Document {
  return { $not: there(field) };
}

/** Texts that MongoDB would take for the name of a field. */
function isName(value: FilterValue): boolean {
  return typeof value === "string" && value.startsWith("$");
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, "\\$&");
}
