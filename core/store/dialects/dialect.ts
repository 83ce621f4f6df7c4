/** What databases write differently: one object for each, and expressions that wait for it. */

import {
  createQueryId,
  type Expression,
  type OperationNode,
  type OperationNodeSource,
  type QueryCompiler,
  type RawNode,
  type RootOperationNode,
} from "kysely";

/** A piece of SQL with its values. */
export type Sql<Value = unknown> = Expression<Value>;

/** A place inside a JSON column. */
export interface JsonPlace {
  readonly column: Sql;
  /** Object keys from outside in. */
  readonly keys: readonly string[];
}

/** Types that a value in a JSON column can be asked for; `boolean` is `true` or `false`. */
export type JsonType = "number" | "text" | "boolean" | "true" | "false" | "array";

/** What a member of a JSON row is written to: a text column, one of numbers, or one of JSON. */
export type MemberType = "text" | "integer" | "real" | "json";

/**
 * What a write shuts other writes out of until it has ended: a data set's samples, a run and its entries, the keys of
 * a data set's runs, or what is known of all data sets together.
 */
export type Scope =
  | { readonly dataset: string }
  | { readonly run: string }
  | { readonly runsOf: string }
  | "store";

/** A table whose rows have names, each once within its owner. */
export interface NamedTable {
  readonly table: string;
  /** Its primary key. */
  readonly key: string;
  readonly owner: string;
  readonly name: string;
}

/**
 * The SQL that differs between databases. What these pieces mean is said in `json-sql.ts`, which the rest of the
 * store uses.
 */
export interface Dialect {
  jsonText(place: JsonPlace): Sql<string>;
  jsonNumber(place: JsonPlace): Sql<number>;
  jsonString(place: JsonPlace): Sql<string>;
  jsonIs(place: JsonPlace, type: JsonType): Sql<boolean>;
  jsonExists(place: JsonPlace): Sql<boolean>;
  jsonHas(place: JsonPlace): Sql<boolean>;
  jsonContains(place: JsonPlace, value: string | number | boolean | null): Sql<boolean>;
  jsonSortKeys(place: JsonPlace): Sql[];
  jsonElements(place: JsonPlace): { readonly value: Sql<string>; readonly join: Sql };
  jsonMerged(column: Sql, change: Sql): Sql;
  jsonGroup(expression: Sql, order: Sql): Sql;
  numberAt(list: Sql, position: number): Sql<number>;
  parsed(text: Sql): Sql;
  quoted(value: Sql): Sql<string>;
  isTrue(condition: Sql): Sql<number>;
  number(value: number): Sql<number>;
  rows(list: Sql | readonly unknown[]): Sql;
  textRows(texts: readonly string[]): Sql;
  integerRows(integers: readonly number[]): Sql;
  inTexts(texts: readonly string[]): Sql;
  inNumbers(numbers: readonly number[]): Sql;
  inIntegers(integers: readonly number[]): Sql;
  member(key: string, type: MemberType): Sql;
  element(position: number, type: MemberType): Sql;
  firstOf(value: Sql): Sql;
  bytesAt(bytes: Uint8Array, length: number): Sql;
  folded(text: Sql): Sql<string>;
  startsWith(text: Sql, start: string): Sql<boolean>;
  includes(text: Sql, part: string): Sql<boolean>;
  beforeDot(text: Sql): Sql<string>;
  range(count: number | null, offset: number): Sql;
  /** See `look-up.ts`. */
  lookedUp(table: string, alias: string, condition: Sql): Sql;
  isNamed(table: NamedTable, ownerId: string, names: readonly string[]): Sql<boolean>;
  readonly joinInOrder: Sql;
  indexedBy(name: string): Sql;
}

/** An expression that is written when its query is compiled, by the dialect it is compiled for. */
interface DialectNode extends RawNode {
  readonly write: (dialect: Dialect) => Sql;
}

/** An expression that each dialect writes its own way. */
export function inDialect<Value>(write: (dialect: Dialect) => Sql<Value>): Sql<Value> {
  const node: DialectNode = { kind: "RawNode", sqlFragments: [], parameters: [], write };
  return { expressionType: undefined, toOperationNode: () => node };
}

/** What stands for the node in a dialect; null for nodes that all dialects write alike. */
export function writtenIn(dialect: Dialect, node: RawNode): OperationNode | null {
  return "write" in node ? (node as DialectNode).write(dialect).toOperationNode() : null;
}

/** SQL text with the values for its placeholders. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** Compiles queries by a compiler of Kysely's. */
export function compileWith(compiler: QueryCompiler): (query: OperationNodeSource) => Statement {
  return (query) => {
    // The store's queries are complete statements, which is all that Kysely's type of root nodes says.
    const node = query.toOperationNode() as RootOperationNode;
    const { sql, parameters } = compiler.compileQuery(node, createQueryId());
    return { sql, parameters };
  };
}
