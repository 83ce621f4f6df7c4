/** SQLite's way to write what databases write differently. */

import { type RawNode, SqliteQueryCompiler, sql } from "kysely";
import { compileWith, type Dialect, type JsonPlace, type Sql, writtenIn } from "./dialect.ts";

/** The path as a bound value: names never reach the SQL text. */
function path({ keys }: JsonPlace): Sql {
  return sql`${`$${keys.map((key) => `."${key}"`).join("")}`}`;
}

function typeOf(place: JsonPlace): Sql {
  return sql`json_type(${place.column}, ${path(place)})`;
}

/** The value as SQL has it: number, text, 0 or 1 for booleans, JSON text of lists and objects. */
function extracted<Value>(place: JsonPlace): Sql<Value> {
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

function itemEquals(value: string | number | boolean | null): Sql {
  if (value === null) return sql`item.type = 'null'`;
  if (typeof value === "boolean") return sql`item.type = ${value ? "true" : "false"}`;
  if (typeof value === "number")
    return sql`item.type in ('integer', 'real') and item.value = ${SQLITE.number(value)}`;
  return sql`item.type = 'text' and item.value = ${value}`;
}

function each(list: readonly unknown[]): Sql {
  return sql`json_each(${JSON.stringify(list)}) as item`;
}

function inList(list: readonly unknown[]): Sql {
  return sql`in (select value from json_each(${JSON.stringify(list)}))`;
}

export const SQLITE: Dialect = {
  jsonText: (place) => sql`(${place.column} -> ${path(place)})`,
  jsonNumber: extracted,
  jsonString: extracted,

  jsonIs(place, type) {
    const names = sql.join(TYPE_NAMES[type].map((name) => sql.lit(name)));
    return sql`(coalesce(${typeOf(place)}, 'null') in (${names}))`;
  },

  jsonExists: (place) => sql`(coalesce(${typeOf(place)}, 'null') <> 'null')`,
  jsonHas: (place) => sql`(${typeOf(place)} is not null)`,

  jsonContains: (place, value) =>
    sql`(${SQLITE.jsonIs(place, "array")} and exists (select 1
      from json_each(${place.column}, ${path(place)}) as item where ${itemEquals(value)}))`,

  jsonSortKeys(place) {
    const rank = sql`(case coalesce(${typeOf(place)}, 'null')
      when 'null' then 0 when 'false' then 1 when 'true' then 1 when 'integer' then 2 when 'real' then 2
      when 'text' then 3 else 4 end)`;
    return [rank, extracted(place)];
  },

  jsonElements(place) {
    const whole = SQLITE.jsonText(place);
    const elements = sql`case when substr(coalesce(${whole}, 'null'), 1, 1) = '['
      then ${whole} else '[' || coalesce(${whole}, 'null') || ']' end`;
    return {
      value: sql`nullif((${elements}) -> item.fullkey, 'null')`,
      join: sql`join json_each(${elements}) as item`,
    };
  },

  jsonMerged: (column, change) =>
    sql`(select json_group_object(part.key, json(part.text)) from (
      select old.key as key, ${column} -> old.fullkey as text from json_each(${column}) as old
        where old.key not in (select key from json_each(${change}))
      union all
      select new.key, ${change} -> new.fullkey from json_each(${change}) as new where new.type <> 'null') as part)`,

  jsonGroup: (expression, order) => sql`json_group_array(${expression} order by ${order})`,
  numberAt: (list, position) => sql`json_extract(${list}, ${sql.lit(`$[${position}]`)})`,
  parsed: (text) => sql`json(${text})`,
  quoted: (value) => sql`json_quote(${value})`,
  isTrue: (condition) => sql`${condition}`,

  // SQLite's JSON reader rounds the last bit of about 1 number in 260 differently from JavaScript: what is
  // compared with stored numbers goes through that reader too.
  number: (value) => sql`json_extract(${JSON.stringify([value])}, '$[0]')`,

  rows: (list) => (isList(list) ? each(list) : sql`json_each(${list}) as item`),
  textRows: each,
  integerRows: each,
  inTexts: inList,
  inNumbers: inList,
  inIntegers: inList,
  member: (key) => sql`json_extract(item.value, ${`$."${key}"`})`,
  element: (position) => sql`json_extract(item.value, ${sql.lit(`$[${position}]`)})`,
  // Beside min() SQLite gives other columns of the row that has it: https://sqlite.org/lang_select.html#bareagg
  firstOf: (value) => value,
  bytesAt: (bytes, length) => sql`substr(${bytes}, item.key * ${length} + 1, ${length})`,
  folded: (text) => sql`fold(${text})`,
  startsWith: (text, start) => sql`(substr(${text}, 1, length(${start})) = ${start})`,
  includes: (text, part) => sql`(instr(${text}, ${part}) > 0)`,
  beforeDot: (text) => sql`substr(${text}, 1, instr(${text} || '.', '.') - 1)`,
  // A negative limit is none, and an offset needs one.
  range: (count, offset) => sql`limit ${count ?? -1} offset ${offset}`,

  lookedUp: (table, alias, condition) =>
    sql`cross join ${sql.table(table)} as ${sql.id(alias)} on ${condition}`,
  isNamed: ({ owner, name }, ownerId, names) =>
    sql`(${sql.ref(owner)} = ${ownerId} and ${sql.ref(name)} ${inList(names)})`,
  // SQLite keeps the written order of a cross join; left to itself it cannot know how long a JSON list is, and reads
  // the list again for every row of the table.
  joinInOrder: sql`cross join`,
  indexedBy: (name) => sql`indexed by ${sql.ref(name)}`,
};

class SqliteCompiler extends SqliteQueryCompiler {
  protected override visitRaw(node: RawNode): void {
    const written = writtenIn(SQLITE, node);
    if (written === null) super.visitRaw(node);
    else this.visitNode(written);
  }
}

export const compileSqlite = compileWith(new SqliteCompiler());

function isList(value: Sql | readonly unknown[]): value is readonly unknown[] {
  return Array.isArray(value);
}
