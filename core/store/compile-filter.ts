/** Turns a filter into an SQL condition that is true or false, never null. */

import { sql } from "kysely";
import { NearsightError } from "../errors.ts";
import { type Comparison, type Filter, type FilterValue, MAX_FILTER_DEPTH } from "../filter.ts";
import { contains, equals, exists, isWhere, type Operand, ordered } from "./compile-operand.ts";
import { folded, includes, inNumbers, inTexts, type Sql, startsWith } from "./json-sql.ts";

/** A path that leads into the labels of a sample. */
export interface LabelPath {
  readonly kind: "labels";
  readonly field: string;
  /** Path inside one label; empty for the label itself. */
  readonly rest: string;
  /** True for a list of labels, false for one classification. */
  readonly list: boolean;
}

/** What names mean where a filter stands: on a sample, or on one label. */
export interface Scope {
  /** FIELD_NOT_FOUND, FIELD_TYPE_MISMATCH */
  resolve(path: string): Operand | LabelPath;
  /** True where a label of the field satisfies `where` (any label, without it). */
  someLabel(field: string, where: Filter | null): Sql;
  /** True where the label field is set, with labels or without. */
  labelsSet(field: string): Sql;
}

const OPERATORS = { lt: sql`<`, lte: sql`<=`, gt: sql`>`, gte: sql`>=` } as const;

/** Conditions one filter may hold. */
const MAX_CONDITIONS = 5_000;

/** Throws INVALID_FILTER for filters that are too deep or too long, or mean nothing; FIELD_NOT_FOUND. */
export function compileFilter(filter: Filter, scope: Scope): Sql<boolean> {
  const size = countConditions(filter, 0);
  if (size > MAX_CONDITIONS) {
    throw invalidFilter(
      `Expected at most ${MAX_CONDITIONS} conditions in a filter but found ${size}`,
      "Use `in` for long lists of values",
    );
  }
  return compile(filter, scope);
}

function countConditions(filter: Filter, depth: number): number {
  if (depth > MAX_FILTER_DEPTH) {
    throw invalidFilter(`Expected a filter nested at most ${MAX_FILTER_DEPTH} deep but found a deeper one`);
  }
  switch (filter.op) {
    case "and":
    case "or":
      return filter.filters.reduce((sum, part) => sum + countConditions(part, depth + 1), 0);
    case "not":
      return countConditions(filter.filter, depth + 1);
    case "labels":
      return countConditions(filter.where, depth + 1);
    default:
      return 1;
  }
}

function compile(filter: Filter, scope: Scope): Sql<boolean> {
  switch (filter.op) {
    case "and":
    case "or":
      return joined(
        filter.op,
        filter.filters.map((part) => compile(part, scope)),
      );
    case "not":
      return sql`(not ${compile(filter.filter, scope)})`;
    case "labels":
      return sql`(${scope.someLabel(filter.field, filter.where)})`;
    default:
      return condition(filter, scope);
  }
}

type Condition = Exclude<Filter, { op: "and" | "or" | "not" | "labels" }>;

function condition(filter: Condition, scope: Scope): Sql<boolean> {
  const target = scope.resolve(filter.field);
  return target.kind === "labels" ? throughLabels(filter, target, scope) : onOperand(filter, target);
}

function onOperand(filter: Condition, operand: Operand): Sql<boolean> {
  switch (filter.op) {
    case "compare":
      return compare(operand, filter.comparison, filter.value);
    case "in":
      return oneOf(operand, filter.values);
    case "exists":
      return exists(operand);
    case "contains":
      return sql`(${contains(operand, filter.value)})`;
    case "startsWith":
      return isWhere(operand, "text", (text) => startsWith(text, filter.value));
    case "matches":
      return isWhere(operand, "text", (text) => includes(folded(text), filter.value.toLowerCase()));
  }
}

/** Texts and numbers go as one value each, however many there are: SQLite limits how deep a condition is. */
function oneOf(operand: Operand, values: readonly FilterValue[]): Sql<boolean> {
  const texts = values.filter((value) => typeof value === "string");
  const numbers = values.filter((value) => typeof value === "number");
  const rest = new Set(values.filter((value) => value === null || typeof value === "boolean"));
  const parts: Sql[] = [...rest].map((value) => equals(operand, value));
  if (texts.length > 0) parts.push(isWhere(operand, "text", (text) => sql`${text} ${inTexts(texts)}`));
  if (numbers.length > 0)
    parts.push(isWhere(operand, "number", (found) => sql`${found} ${inNumbers(numbers)}`));
  return joined("or", parts);
}

function compare(operand: Operand, comparison: Comparison, value: FilterValue): Sql<boolean> {
  if (comparison === "eq") return equals(operand, value);
  if (comparison === "ne") return sql`(not ${equals(operand, value)})`;
  if (typeof value === "string" || typeof value === "number") {
    return ordered(operand, OPERATORS[comparison], value);
  }
  throw invalidFilter(`Expected a number or a text after '${comparison}' but found ${value}`);
}

/** A condition on `ground_truth.label` and the like: on the one classification, or on a list's elements. */
function throughLabels(filter: Condition, path: LabelPath, scope: Scope): Sql<boolean> {
  if (path.rest === "") {
    if (filter.op === "exists") return sql`(${scope.labelsSet(path.field)})`;
    if (isNullTest(filter)) {
      const set = scope.labelsSet(path.field);
      return filter.comparison === "eq" ? sql`(not ${set})` : sql`(${set})`;
    }
    throw invalidFilter(
      `Field '${path.field}' holds labels, which have no single value`,
      `Filter on '${path.field}.label', or use F("${path.field}").labels(...)`,
    );
  }
  const inner = { ...filter, field: path.rest };
  if (path.list) return listCondition(inner, path, scope);
  // A sample without a label has no value: what holds for a missing value holds for it.
  return isNegative(filter)
    ? sql`(not ${scope.someLabel(path.field, opposite(inner))})`
    : sql`(${scope.someLabel(path.field, inner)})`;
}

function listCondition(filter: Condition, path: LabelPath, scope: Scope): Sql<boolean> {
  if (filter.op === "exists") return sql`(${scope.someLabel(path.field, filter)})`;
  if (filter.op === "contains") {
    const equal: Filter = { op: "compare", field: filter.field, comparison: "eq", value: filter.value };
    return sql`(${scope.someLabel(path.field, equal)})`;
  }
  throw invalidFilter(
    `Field '${path.field}.${path.rest}' is a list, with one value a label, and cannot be compared with one value`,
    `Use F("${path.field}").labels(F("${path.rest}")...), or contains`,
  );
}

function isNullTest(filter: Condition): filter is Extract<Condition, { op: "compare" }> {
  return (
    filter.op === "compare" &&
    filter.value === null &&
    (filter.comparison === "eq" || filter.comparison === "ne")
  );
}

/** True for conditions that hold where the value is missing. */
function isNegative(filter: Condition): boolean {
  if (filter.op === "in") return filter.values.includes(null);
  if (filter.op !== "compare") return false;
  return filter.comparison === "ne"
    ? filter.value !== null
    : filter.comparison === "eq" && filter.value === null;
}

function opposite(filter: Condition): Filter {
  return { op: "not", filter };
}

/** Parts joined by `and` or `or`; an empty `and` is true, an empty `or` false. */
export function joined(word: "and" | "or", parts: readonly Sql[]): Sql<boolean> {
  if (parts.length === 0) return word === "and" ? sql`(1 = 1)` : sql`(1 = 0)`;
  if (parts.length > 100) {
    // SQLite reads a long chain as a tree as deep as the chain, and refuses 1,000 levels.
    const half = Math.ceil(parts.length / 2);
    return joined(word, [joined(word, parts.slice(0, half)), joined(word, parts.slice(half))]);
  }
  return sql`(${sql.join(parts, word === "and" ? sql` and ` : sql` or `)})`;
}

function invalidFilter(message: string, hint?: string): NearsightError {
  return new NearsightError({
    code: "INVALID_FILTER",
    message,
    hint: hint ?? "See the list of conditions in core/filter.ts",
  });
}
