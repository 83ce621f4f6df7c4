/** What filters mean, in plain JavaScript: the answer that the store's SQL must give, too. */

import type { Filter, FilterValue } from "../../core/filter.ts";

/** Reads a dotted path of a sample or label; null where there is nothing. */
export type Reader = (path: string) => unknown;

/** True where the filter holds for a sample and its labels, or for one label. */
export function holds(filter: Filter, read: Reader, labels: readonly Reader[]): boolean {
  switch (filter.op) {
    case "and":
      return filter.filters.every((one) => holds(one, read, labels));
    case "or":
      return filter.filters.some((one) => holds(one, read, labels));
    case "not":
      return !holds(filter.filter, read, labels);
    case "labels":
      return labels.some((label) => holds(filter.where, label, []));
    default:
      return testOne(filter, read(filter.field) ?? null);
  }
}

function testOne(filter: Exclude<Filter, { op: "and" | "or" | "not" | "labels" }>, found: unknown): boolean {
  switch (filter.op) {
    case "compare":
      return compares(filter.comparison, found, filter.value);
    case "in":
      return filter.values.some((value) => found === value);
    case "exists":
      return found !== null;
    case "contains":
      return Array.isArray(found) && found.some((one) => one === filter.value);
    case "startsWith":
      return typeof found === "string" && found.startsWith(filter.value);
    case "matches":
      return typeof found === "string" && found.toLowerCase().includes(filter.value.toLowerCase());
  }
}

function compares(comparison: string, found: unknown, value: FilterValue): boolean {
  if (comparison === "eq") return found === value;
  if (comparison === "ne") return found !== value;
  if (typeof found !== typeof value) return false;
  const order =
    typeof found === "number"
      ? found - Number(value)
      : Buffer.compare(Buffer.from(String(found)), Buffer.from(String(value)));
  return { lt: order < 0, lte: order <= 0, gt: order > 0, gte: order >= 0 }[comparison] ?? false;
}

/** Reads the members of a plain object. */
export function reader(values: Readonly<Record<string, unknown>>): Reader {
  return (path) =>
    path
      .split(".")
      .reduce<unknown>(
        (inner, key) => (isObject(inner) && Object.hasOwn(inner, key) ? inner[key] : null),
        values,
      );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
