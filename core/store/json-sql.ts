/** JSON columns and JSON lists in SQL: what the store says, which each database writes its own way. */

import { inDialect, type JsonPlace, type JsonType, type MemberType, type Sql } from "./dialects/dialect.ts";

export type { JsonPlace, Sql };

const NOT_IN_A_NAME = /["\\\p{Cc}]/u;

/** False for names that cannot be written in a JSON path: quotes, backslashes, control characters, broken Unicode. */
export function isFieldName(name: string): boolean {
  return name.length > 0 && name.length <= 256 && !NOT_IN_A_NAME.test(name) && name.isWellFormed();
}

/** JSON text of the value, or SQL null where it is missing. */
export function jsonText(place: JsonPlace): Sql<string> {
  return inDialect((dialect) => dialect.jsonText(place));
}

/** The number at a place; what it gives for other types is the database's affair. */
export function jsonNumber(place: JsonPlace): Sql<number> {
  return inDialect((dialect) => dialect.jsonNumber(place));
}

/** The text at a place; what it gives for other types is the database's affair. */
export function jsonString(place: JsonPlace): Sql<string> {
  return inDialect((dialect) => dialect.jsonString(place));
}

/** True where the value is of the type; false, never null, elsewhere. */
export function jsonIs(place: JsonPlace, type: JsonType): Sql<boolean> {
  return inDialect((dialect) => dialect.jsonIs(place, type));
}

/** True where the value is there and not null. */
export function jsonExists(place: JsonPlace): Sql<boolean> {
  return inDialect((dialect) => dialect.jsonExists(place));
}

/** True where the value is there, null or not. */
export function jsonHas(place: JsonPlace): Sql<boolean> {
  return inDialect((dialect) => dialect.jsonHas(place));
}

/** True where the value is a list that holds `value`. */
export function jsonContains(place: JsonPlace, value: string | number | boolean | null): Sql<boolean> {
  return inDialect((dialect) => dialect.jsonContains(place, value));
}

/** One row per element of a list, null for JSON's; anything else, missing values too, is one element. */
export function jsonElements(place: JsonPlace): { readonly value: Sql<string>; readonly join: Sql } {
  return {
    value: inDialect((dialect) => dialect.jsonElements(place).value),
    join: inDialect((dialect) => dialect.jsonElements(place).join),
  };
}

/** JSON object `column` with the members of `change` over it; null members are removed. */
export function jsonMerged(column: Sql, change: Sql): Sql {
  return inDialect((dialect) => dialect.jsonMerged(column, change));
}

/** JSON list of an expression's values in a given order. */
export function jsonGroup(expression: Sql, order: Sql): Sql {
  return inDialect((dialect) => dialect.jsonGroup(expression, order));
}

/** A number of a JSON list. */
export function numberAt(list: Sql, position: number): Sql<number> {
  return inDialect((dialect) => dialect.numberAt(list, position));
}

/** JSON text as JSON. */
export function parsed(text: Sql): Sql {
  return inDialect((dialect) => dialect.parsed(text));
}

/** A column's text or number as JSON text. */
export function quoted(value: Sql): Sql<string> {
  return inDialect((dialect) => dialect.quoted(value));
}

/** A condition as 1 or 0. */
export function isTrue(condition: Sql): Sql<number> {
  return inDialect((dialect) => dialect.isTrue(condition));
}

/** A number to compare stored numbers with. */
export function number(value: number): Sql<number> {
  return inDialect((dialect) => dialect.number(value));
}

/** A table of the objects or lists of a JSON list, as `item` with `key` (position from 0); see `member`, `element`. */
export function jsonRows(list: Sql | readonly unknown[]): Sql {
  return inDialect((dialect) => dialect.rows(list));
}

/** A table of texts, as `item` with `key` (position from 0) and `value`. */
export function textRows(texts: readonly string[]): Sql {
  return inDialect((dialect) => dialect.textRows(texts));
}

/** A table of whole numbers, as `item` with `key` (position from 0) and `value`. */
export function integerRows(integers: readonly number[]): Sql {
  return inDialect((dialect) => dialect.integerRows(integers));
}

/** `in` a list of texts, to stand after what is looked for. One value, however long the list. */
export function inTexts(texts: readonly string[]): Sql {
  return inDialect((dialect) => dialect.inTexts(texts));
}

/** `in` a list of numbers, likewise. */
export function inNumbers(numbers: readonly number[]): Sql {
  return inDialect((dialect) => dialect.inNumbers(numbers));
}

/** `in` a list of whole numbers, likewise. */
export function inIntegers(integers: readonly number[]): Sql {
  return inDialect((dialect) => dialect.inIntegers(integers));
}

/** A member of a row of `jsonRows`, for a column of the type; null where it is null or missing. */
export function member(key: string, type: MemberType = "text"): Sql {
  return inDialect((dialect) => dialect.member(key, type));
}

/** An element of a list that is a row of `jsonRows`, for a column of the type. */
export function element(position: number, type: MemberType = "text"): Sql {
  return inDialect((dialect) => dialect.element(position, type));
}

/** In a group of rows `item` that asks for `min(item.key)`: the value of that row. */
export function firstOf(value: Sql): Sql {
  return inDialect((dialect) => dialect.firstOf(value));
}

/** Of bytes in pieces of one length, the piece of the row `item`. */
export function bytesAt(bytes: Uint8Array, length: number): Sql {
  return inDialect((dialect) => dialect.bytesAt(bytes, length));
}

/** Text without differences of case (Unicode). */
export function folded(text: Sql): Sql<string> {
  return inDialect((dialect) => dialect.folded(text));
}

export function startsWith(text: Sql, start: string): Sql<boolean> {
  return inDialect((dialect) => dialect.startsWith(text, start));
}

export function includes(text: Sql, part: string): Sql<boolean> {
  return inDialect((dialect) => dialect.includes(text, part));
}

/** A text up to its first dot. */
export function beforeDot(text: Sql): Sql<string> {
  return inDialect((dialect) => dialect.beforeDot(text));
}

/** `limit` and `offset`; all that is left where there is no count. */
export function range(count: number | null, offset: number): Sql {
  return inDialect((dialect) => dialect.range(count, offset));
}

/** Joins a table to what stands before it, reading that first where the database leaves that choice to the query. */
export const joinInOrder: Sql = inDialect((dialect) => dialect.joinInOrder);

/** Reads a table by one of its indexes where the database leaves that choice to the query. */
export function indexedBy(name: string): Sql {
  return inDialect((dialect) => dialect.indexedBy(name));
}
