/** The SQL that differs between databases: JSON access and JSON lists as rows, for SQLite. */

import { type RawBuilder, sql } from "kysely";

/** A piece of SQL with its values. */
export type Sql<Value = unknown> = RawBuilder<Value>;

/** A place inside a JSON column. */
export interface JsonPlace {
  readonly column: Sql;
  /** Object keys from outside in. */
  readonly keys: readonly string[];
}

const NOT_IN_A_NAME = /["\\\p{Cc}]/u;

/** False for names that cannot be written in a JSON path: quotes, backslashes, control characters, broken Unicode. */
export function isFieldName(name: string): boolean {
  return name.length > 0 && name.length <= 256 && !NOT_IN_A_NAME.test(name) && name.isWellFormed();
}

/** The path as a bound value: names never reach the SQL text. */
function path({ keys }: JsonPlace): Sql {
  return sql`${`$${keys.map((key) => `."${key}"`).join("")}`}`;
}

/** JSON text of the value, or SQL null where it is missing. */
export function jsonText(place: JsonPlace): Sql {
  return sql`(${place.column} -> ${path(place)})`;
}

/** The value as SQL has it: number, text, 0 or 1 for booleans, JSON text of lists and objects. */
export function jsonValue(place: JsonPlace): Sql {
  return sql`json_extract(${place.column}, ${path(place)})`;
}

const TYPE_NAMES = {
  number: ["integer", "real"],
  text: ["text"],
  boolean: ["true", "false"],
  true: ["true"],
  false: ["false"],
  array: ["array"],
} as const;

/** True where the value is of the type; false, never null, elsewhere. */
export function jsonIs(place: JsonPlace, type: keyof typeof TYPE_NAMES): Sql<boolean> {
  const names = sql.join(TYPE_NAMES[type].map((name) => sql.lit(name)));
  return sql`(coalesce(json_type(${place.column}, ${path(place)}), 'null') in (${names}))`;
}

/** True where the value is there and not null. */
export function jsonExists(place: JsonPlace): Sql<boolean> {
  return sql`(coalesce(json_type(${place.column}, ${path(place)}), 'null') <> 'null')`;
}

/** A rank by type, so that mixed values have one order: missing, booleans, numbers, texts, the rest. */
export function jsonRank(place: JsonPlace): Sql<number> {
  return sql`(case coalesce(json_type(${place.column}, ${path(place)}), 'null')
    when 'null' then 0 when 'false' then 1 when 'true' then 1 when 'integer' then 2 when 'real' then 2
    when 'text' then 3 else 4 end)`;
}

/** True where the value is a list that holds `value`. */
export function jsonContains(place: JsonPlace, value: string | number | boolean | null): Sql<boolean> {
  return sql`(${jsonIs(place, "array")} and exists (select 1 from json_each(${place.column}, ${path(place)}) as item
    where ${itemEquals(value)}))`;
}

function itemEquals(value: string | number | boolean | null): Sql {
  if (value === null) return sql`item.type = 'null'`;
  if (typeof value === "boolean") return sql`item.type = ${value ? "true" : "false"}`;
  if (typeof value === "number")
    return sql`item.type in ('integer', 'real') and item.value = ${number(value)}`;
  return sql`item.type = 'text' and item.value = ${value}`;
}

/**
 * A number to compare JSON numbers with. It goes through SQLite's own JSON reader, as stored ones do:
 * that reader rounds the last bit of about 1 number in 260 differently from JavaScript.
 */
export function number(value: number): Sql<number> {
  return sql`json_extract(${JSON.stringify([value])}, '$[0]')`;
}

/** A table of the elements of a JSON list, as `item` with `key` (position from 0) and `value`. */
export function jsonRows(list: Sql | readonly unknown[]): Sql {
  return sql`json_each(${isList(list) ? JSON.stringify(list) : list}) as item`;
}

/**
 * Joins a table to what stands before it, reading that first. SQLite keeps the written order of a cross join;
 * left to itself it cannot know how long a JSON list is, and reads the list again for every row of the table.
 */
export const joinInOrder: Sql = sql`cross join`;

/** A subquery with the elements of a list, for `in`. One value, however long the list. */
export function jsonList(list: readonly (string | number)[]): Sql {
  return sql`(select value from json_each(${JSON.stringify(list)}))`;
}

/** A member of a row of `jsonRows`. */
export function member(key: string): Sql {
  return sql`json_extract(item.value, ${`$."${key}"`})`;
}

/** An element of a list that is a row of `jsonRows`. */
export function element(position: number): Sql {
  return sql`json_extract(item.value, ${sql.lit(`$[${position}]`)})`;
}

/** JSON list of an expression's values in a given order. */
export function jsonGroup(expression: Sql, order: Sql): Sql {
  return sql`json_group_array(${expression} order by ${order})`;
}

/** JSON object `column` with the members of `change` over it; null members are removed. */
export function jsonMerged(column: Sql, change: Sql): Sql {
  return sql`(select json_group_object(part.key, json(part.text)) from (
    select old.key as key, ${column} -> old.fullkey as text from json_each(${column}) as old
      where old.key not in (select key from json_each(${change}))
    union all
    select new.key, ${change} -> new.fullkey from json_each(${change}) as new where new.type <> 'null') as part)`;
}

/** Text without differences of case (Unicode). */
export function folded(expression: Sql): Sql<string> {
  return sql`fold(${expression})`;
}

function isList(value: Sql | readonly unknown[]): value is readonly unknown[] {
  return Array.isArray(value);
}
