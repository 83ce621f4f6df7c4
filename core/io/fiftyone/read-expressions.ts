/** Turns MongoDB's aggregation expressions, which FiftyOne's view expressions are, into filters of ours. */

import type { Comparison, Filter, FilterValue } from "../../filter.ts";
import { isDocument } from "./extended-json.ts";

/** What the names of an expression stand on: `$` for samples, `$$this.` for labels. */
export type Prefix = "$" | "$$this." | "$$FIELD.";

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  $eq: "eq",
  $ne: "ne",
  $lt: "lt",
  $lte: "lte",
  $gt: "gt",
  $gte: "gte",
};

/** The filter that holds for the same samples or labels, or null where ours has none. */
export function readExpression(expression: unknown, prefix: Prefix): Filter | null {
  if (!isDocument(expression)) return null;
  const [entry, ...others] = Object.entries(expression);
  if (entry === undefined || others.length > 0) return null;
  const [operator, value] = entry;
  if (operator === "$and" || operator === "$or") return readJoined(operator, value, prefix);
  if (operator === "$not") return readNegation(Array.isArray(value) ? value[0] : value, prefix);
  if (operator === "$regexMatch") return readRegex(value, prefix);
  if (operator === "$in") return readIn(value, prefix);
  const comparison = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined;
  return comparison === undefined ? null : readComparison(comparison, value, prefix);
}

function readJoined(operator: "$and" | "$or", value: unknown, prefix: Prefix): Filter | null {
  if (!Array.isArray(value)) return null;
  const bounded = operator === "$and" ? readBounded(value, prefix) : null;
  if (bounded !== null) return bounded;
  const filters: Filter[] = [];
  for (const part of value) {
    const filter = readExpression(part, prefix);
    if (filter === null) return null;
    filters.push(filter);
  }
  return { op: operator === "$and" ? "and" : "or", filters };
}

/** Less than a value, and there: what our `lt` is in MongoDB, see `write-expressions.ts`. */
function readBounded(parts: readonly unknown[], prefix: Prefix): Filter | null {
  const [first, second] = parts.map((part) => (isDocument(part) ? part : {}));
  const less = first?.$lt ?? first?.$lte;
  const there = second?.$gt;
  if (parts.length !== 2 || !Array.isArray(less) || !Array.isArray(there)) return null;
  if (there[0] !== less[0] || there[1] !== null) return null;
  const field = fieldName(less[0], prefix);
  const value = filterValue(less[1]);
  if (field === null || (typeof value !== "number" && typeof value !== "string")) return null;
  return { op: "compare", field, comparison: first?.$lt === undefined ? "lte" : "lt", value };
}

function readNegation(value: unknown, prefix: Prefix): Filter | null {
  const filter = readExpression(value, prefix);
  return filter === null ? null : { op: "not", filter };
}

function readComparison(comparison: Comparison, value: unknown, prefix: Prefix): Filter | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [left, right] = value;
  if (comparison === "gt" && right === 0) {
    const labels = readSomeLabel(left);
    if (labels !== null) return labels;
  }
  const field = fieldName(left, prefix);
  const literal = filterValue(right);
  if (field === null || literal === undefined) return null;
  // Missing values come before all others, null among them, in MongoDB.
  if (literal === null) return comparison === "gt" ? { op: "exists", field } : null;
  const filter: Filter = { op: "compare", field, comparison, value: literal };
  if (comparison !== "lt" && comparison !== "lte") {
    return typeof literal === "boolean" && comparison !== "eq" && comparison !== "ne" ? null : filter;
  }
  if (typeof literal === "boolean") return null;
  return { op: "or", filters: [filter, { op: "not", filter: { op: "exists", field } }] };
}

/** The number of labels that meet a condition. */
function readSomeLabel(value: unknown): Filter | null {
  const size = isDocument(value) ? value.$size : undefined;
  const list = isDocument(size) && Array.isArray(size.$ifNull) ? size.$ifNull[0] : size;
  const found = isDocument(list) ? list.$filter : undefined;
  if (!isDocument(found) || found.as !== "this" || typeof found.input !== "string") return null;
  const field = /^\$([^$.]+)\.detections$/.exec(found.input)?.[1];
  const where = readExpression(found.cond, "$$this.");
  return field === undefined || where === null ? null : { op: "labels", field, where };
}

function readIn(value: unknown, prefix: Prefix): Filter | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [left, right] = value;
  if (Array.isArray(right)) {
    const field = fieldName(left, prefix);
    const values = right.map(filterValue).filter((one) => one !== undefined && one !== null);
    return field === null || values.length !== right.length ? null : { op: "in", field, values };
  }
  const list = isDocument(right) && Array.isArray(right.$ifNull) ? right.$ifNull[0] : right;
  const field = fieldName(list, prefix);
  const element = filterValue(left);
  return field === null || element === undefined || element === null
    ? null
    : { op: "contains", field, value: element };
}

function readRegex(value: unknown, prefix: Prefix): Filter | null {
  if (!isDocument(value) || typeof value.regex !== "string") return null;
  const field = fieldName(value.input, prefix);
  const starts = value.regex.startsWith("^");
  const text = literalOf(starts ? value.regex.slice(1) : value.regex);
  if (field === null || text === null) return null;
  if (starts) return value.options ? null : { op: "startsWith", field, value: text };
  return value.options === "i" ? { op: "matches", field, value: text } : null;
}

/** The text that a regular expression without any special sign stands for, or null. */
function literalOf(regex: string): string | null {
  const plain = regex.replaceAll(/\\([^A-Za-z0-9])/g, "");
  return /[\\^$.|?*+()[\]{}]/.test(plain) ? null : regex.replaceAll(/\\(.)/gs, "$1");
}

/** The field that `$name` or `$$this.name` names, or null. */
function fieldName(value: unknown, prefix: Prefix): string | null {
  if (typeof value !== "string" || !value.startsWith(prefix)) return null;
  const name = value.slice(prefix.length);
  // Ids are no texts in MongoDB, and dates no texts of ours.
  return name === "" || name.startsWith("$") || /(^|\.)_/.test(name) ? null : name;
}

/** A value to compare with; undefined for what is none, such as another field. */
function filterValue(value: unknown): FilterValue | undefined {
  if (typeof value === "string") return value.startsWith("$") ? undefined : value;
  return value === null || typeof value === "boolean" || typeof value === "number" ? value : undefined;
}
