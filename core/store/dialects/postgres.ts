/** PostgreSQL's way to write what databases write differently. */

import { PostgresQueryCompiler, type RawNode, sql } from "kysely";
import {
  compileWith,
  type Dialect,
  type JsonPlace,
  type JsonType,
  type MemberType,
  type Sql,
  writtenIn,
} from "./dialect.ts";

/**
 * The JSON at a place; SQL null where it is missing. Keys are bound values: names never reach the SQL text. They are
 * taken one by one because a whole path would find `0` in a list too.
 */
function at({ column, keys }: JsonPlace): Sql {
  return keys.reduce<Sql>((outer, key) => sql`(${outer} -> ${key}::text)`, sql`(${column})::jsonb`);
}

function typeOf(place: JsonPlace): Sql<string> {
  return sql`jsonb_typeof(${at(place)})`;
}

/** Texts are ordered by their bytes, whatever the database's own collation is. */
function byBytes(text: Sql): Sql<string> {
  return sql`(${text} collate "C")`;
}

/** A condition that is false where it would be null. */
function surely(condition: Sql): Sql<boolean> {
  return sql`coalesce(${condition}, false)`;
}

const TYPE_NAMES: Readonly<Record<Exclude<JsonType, "true" | "false">, string>> = {
  number: "number",
  text: "string",
  boolean: "boolean",
  array: "array",
};

const CASTS: Readonly<Record<Exclude<MemberType, "json">, Sql>> = {
  text: sql`text`,
  integer: sql`bigint`,
  real: sql`double precision`,
};

/** A part of the row `item`, named by key or position. */
function part(name: string | number, type: MemberType): Sql {
  return type === "json"
    ? sql`nullif(item.value -> ${sql.lit(name)}, 'null'::jsonb)`
    : sql`(item.value ->> ${sql.lit(name)})::${CASTS[type]}`;
}

/** A table `item` of a function's rows, numbered from 0. */
function numbered(rows: Sql): Sql {
  return sql`(select part.place - 1 as key, part.value from ${rows} with ordinality as part(value, place)) as item`;
}

function json(value: unknown): Sql {
  return sql`${JSON.stringify(value)}::jsonb`;
}

const texts = (list: readonly string[]): Sql => sql`unnest(${list}::text[])`;
const integers = (list: readonly number[]): Sql => sql`unnest(${list}::bigint[])`;

export const POSTGRES: Dialect = {
  jsonText: (place) => byBytes(sql`${at(place)}::text`),
  jsonNumber: (place) =>
    sql`(case when ${typeOf(place)} = 'number' then (${at(place)})::double precision end)`,
  jsonString: (place) => byBytes(sql`(${at(place)} #>> '{}')`),

  jsonIs: (place, type) =>
    type === "true" || type === "false"
      ? surely(sql`${at(place)} = ${json(type === "true")}`)
      : surely(sql`${typeOf(place)} = ${sql.lit(TYPE_NAMES[type])}`),

  jsonExists: (place) => surely(sql`${typeOf(place)} <> 'null'`),
  jsonHas: (place) => sql`(${at(place)} is not null)`,
  jsonContains: (place, value) =>
    surely(sql`(${typeOf(place)} = 'array' and ${at(place)} @> ${json([value])})`),

  jsonSortKeys(place) {
    const type = typeOf(place);
    const value = at(place);
    return [
      sql`(case ${type} when 'boolean' then 1 when 'number' then 2 when 'string' then 3
        when 'array' then 4 when 'object' then 4 else 0 end)`,
      sql`(case ${type} when 'number' then (${value})::double precision when 'boolean' then (${value})::boolean::int end)`,
      byBytes(sql`(case ${type} when 'string' then ${value} #>> '{}'
        when 'array' then ${value}::text when 'object' then ${value}::text end)`),
    ];
  },

  jsonElements(place) {
    const value = at(place);
    return {
      value: byBytes(sql`nullif(item.value, 'null'::jsonb)::text`),
      join: sql`cross join lateral jsonb_array_elements(
        case when ${typeOf(place)} = 'array' then ${value} else jsonb_build_array(${value}) end) as item(value)`,
    };
  },

  jsonMerged: (column, change) =>
    sql`(select coalesce(jsonb_object_agg(part.key, part.value), '{}'::jsonb)
      from jsonb_each(${column} || ${change}) as part where part.value <> 'null'::jsonb)`,

  jsonGroup: (expression, order) => sql`coalesce(jsonb_agg(${expression} order by ${order}), '[]'::jsonb)`,
  numberAt: (list, position) => sql`((${list})::jsonb ->> ${sql.lit(position)})::double precision`,
  parsed: (text) => sql`(${text})::jsonb`,
  quoted: (value) => byBytes(sql`to_jsonb(${value})::text`),
  isTrue: (condition) => sql`(${condition})::int`,
  number: (value) => sql`${value}::double precision`,
  rows: (list) => numbered(sql`jsonb_array_elements(${isList(list) ? json(list) : sql`(${list})::jsonb`})`),
  textRows: (list) => numbered(texts(list)),
  integerRows: (list) => numbered(integers(list)),
  // An array and not a subquery: that one is joined by a guess at how many rows there are, which for tables that
  // have just been filled is far too low.
  inTexts: (list) => sql`= any(${list}::text[])`,
  inNumbers: (list) => sql`= any(${list}::double precision[])`,
  inIntegers: (list) => sql`= any(${list}::bigint[])`,
  member: part,
  element: part,
  firstOf: (value) => sql`(array_agg(${value} order by item.key))[1]`,
  bytesAt: (bytes, length) =>
    sql`substring(${bytes}::bytea from (item.key * ${sql.lit(length)} + 1)::int for ${sql.lit(length)})`,
  folded: (text) => sql`fold(${text})`,
  startsWith: (text, start) => sql`starts_with(${text}, ${start}::text)`,
  includes: (text, piece) => sql`(strpos(${text}, ${piece}::text) > 0)`,
  beforeDot: (text) => sql`split_part(${text}, '.', 1)`,
  range: (count, offset) =>
    count === null ? sql`offset ${offset}::bigint` : sql`limit ${count}::bigint offset ${offset}::bigint`,
  // The offset keeps the planner from joining in another way: for an owner it has not seen yet it expects few rows, and
  // would read all of them instead of looking for one.
  lookedUp: (table, alias, condition) =>
    sql`cross join lateral (select * from ${sql.table(table)} as ${sql.id(alias)}
      where ${condition} offset 0) as ${sql.id(alias)}`,
  isNamed({ table, key, owner, name }, ownerId, names) {
    const condition = sql`found.${sql.ref(owner)} = ${ownerId} and found.${sql.ref(name)} = item.value`;
    const found = POSTGRES.lookedUp(table, "found", condition);
    return sql`(${sql.ref(key)} = any(array(select found.${sql.ref(key)} from ${POSTGRES.textRows(names)} ${found})))`;
  },
  joinInOrder: sql`join`,
  indexedBy: () => sql``,
};

class PostgresCompiler extends PostgresQueryCompiler {
  protected override visitRaw(node: RawNode): void {
    const written = writtenIn(POSTGRES, node);
    if (written === null) super.visitRaw(node);
    else this.visitNode(written);
  }
}

export const compilePostgres = compileWith(new PostgresCompiler());

function isList(value: Sql | readonly unknown[]): value is readonly unknown[] {
  return Array.isArray(value);
}
