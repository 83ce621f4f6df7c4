/** What a field path stands for in SQL: a column, a place in a JSON column, or a list kept in rows. */

import { sql } from "kysely";
import type { FilterValue } from "../filter.ts";
import type { Dialect } from "./dialects/dialect.ts";
import {
  isTrue,
  type JsonPlace,
  jsonContains,
  jsonExists,
  jsonIs,
  jsonNumber,
  jsonString,
  jsonText,
  number,
  quoted,
  type Sql,
} from "./json-sql.ts";

export type Operand =
  | { readonly kind: "text" | "number"; readonly column: Sql }
  | {
      readonly kind: "json";
      readonly place: JsonPlace;
      /** A quicker way to ask a list than to read its JSON. */
      readonly contains?: (value: FilterValue) => Sql;
    }
  /** Something that can only be there or not, such as a vector. */
  | { readonly kind: "presence"; readonly exists: Sql };

/** True where there is a value, not null. */
export function exists(operand: Operand): Sql<boolean> {
  if (operand.kind === "presence") return operand.exists as Sql<boolean>;
  return operand.kind === "json" ? jsonExists(operand.place) : sql`(${operand.column} is not null)`;
}

/** True where the value is of a type and meets a condition; values are never converted to compare them. */
export function isWhere(
  operand: Operand,
  type: "text" | "number",
  condition: (value: Sql) => Sql,
): Sql<boolean> {
  if (operand.kind === "json") {
    const value = type === "text" ? jsonString(operand.place) : jsonNumber(operand.place);
    return sql`(${jsonIs(operand.place, type)} and ${condition(value)})`;
  }
  return operand.kind === type ? sql`(${exists(operand)} and ${condition(operand.column)})` : sql`(1 = 0)`;
}

/** True where the value equals a given one, of the same type. */
export function equals(operand: Operand, value: FilterValue): Sql<boolean> {
  if (value === null) return sql`(not ${exists(operand)})`;
  if (typeof value === "boolean") {
    return operand.kind === "json" ? jsonIs(operand.place, value ? "true" : "false") : sql`(1 = 0)`;
  }
  return ordered(operand, sql`=`, value);
}

/** True where the value stands in `operator`'s relation to a number or text. */
export function ordered(operand: Operand, operator: Sql, value: string | number): Sql<boolean> {
  return typeof value === "number"
    ? isWhere(operand, "number", (found) => sql`${found} ${operator} ${number(value)}`)
    : isWhere(operand, "text", (found) => sql`${found} ${operator} ${value}`);
}

/** True where the value is a list that holds `value`. */
export function contains(operand: Operand, value: FilterValue): Sql {
  if (operand.kind !== "json") return sql`(1 = 0)`;
  return operand.contains?.(value) ?? jsonContains(operand.place, value);
}

/** The value as JSON text, or null. */
export function asJson(operand: Operand): Sql {
  switch (operand.kind) {
    case "json":
      return jsonText(operand.place);
    case "presence":
      return quoted(isTrue(operand.exists));
    default:
      return sql`(case when ${operand.column} is null then null else ${quoted(operand.column)} end)`;
  }
}

/** What to sort by, most important first. Mixed values have one order: missing, booleans, numbers, texts, the rest. */
export function sortKeys(operand: Operand, dialect: Dialect): Sql[] {
  switch (operand.kind) {
    case "json":
      return dialect.jsonSortKeys(operand.place);
    case "presence":
      return [isTrue(operand.exists)];
    default:
      return [operand.column];
  }
}
