/** What a field path stands for in SQL: a column, a place in a JSON column, or a list kept in rows. */

import { sql } from "kysely";
import type { FilterValue } from "../filter.ts";
import {
  type JsonPlace,
  jsonContains,
  jsonExists,
  jsonIs,
  jsonRank,
  jsonText,
  jsonValue,
  number,
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

/** True where the value is of the type; values are never converted to compare them. */
export function isType(operand: Operand, type: "text" | "number"): Sql<boolean> {
  if (operand.kind === "json") return jsonIs(operand.place, type);
  return operand.kind === type ? exists(operand) : sql`(1 = 0)`;
}

/** The value as SQL has it. */
export function sqlValue(operand: Operand): Sql {
  if (operand.kind === "presence") return operand.exists;
  return operand.kind === "json" ? jsonValue(operand.place) : operand.column;
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
  if (typeof value === "number") {
    return sql`(${isType(operand, "number")} and ${sqlValue(operand)} ${operator} ${number(value)})`;
  }
  return sql`(${isType(operand, "text")} and ${sqlValue(operand)} ${operator} ${value})`;
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
      return sql`json_quote(${operand.exists})`;
    default:
      return sql`(case when ${operand.column} is null then null else json_quote(${operand.column}) end)`;
  }
}

/** What to sort by, most important first. */
export function sortKeys(operand: Operand): Sql[] {
  return operand.kind === "json" ? [jsonRank(operand.place), jsonValue(operand.place)] : [sqlValue(operand)];
}
