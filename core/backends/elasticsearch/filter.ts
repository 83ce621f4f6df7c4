/** Values of fields and conditions on them as Elasticsearch has them: an object beside the vector. */

import type { estypes } from "@elastic/elasticsearch";
import { checkedKey } from "../checks.ts";
import type { EntryFilter, FieldCondition, FieldKind, FieldValues, FilterField } from "../filter-fields.ts";
import { idsFilter, type Query } from "./reads.ts";

/** The object that holds the values. */
const OBJECT = "fields";

/** Marks the entries whose values were written. Others, such as those of other programs, have no such object. */
const WRITTEN = "nearsight_written";

const TYPES: Readonly<Record<FieldKind, "keyword" | "double" | "boolean">> = {
  text: "keyword",
  texts: "keyword",
  number: "double",
  boolean: "boolean",
};

/** The mapping of the fields; nothing where there are none. */
export function fieldsMapping(
  fields: readonly FilterField[] | undefined,
): Record<string, estypes.MappingProperty> {
  if (fields === undefined) return {};
  const properties = fields.map(({ key, kind }) => [checkedKey(key), { type: TYPES[kind] }] as const);
  return {
    [OBJECT]: {
      type: "object",
      dynamic: false,
      properties: { [WRITTEN]: { type: "boolean" }, ...Object.fromEntries(properties) },
    },
  };
}

/** The values of an entry as a part of its source. */
export function valuesSource(values: FieldValues | null | undefined): Readonly<Record<string, unknown>> {
  return values == null ? {} : { [OBJECT]: { [WRITTEN]: true, ...values } };
}

/** The filter as a query. */
export function filterQuery({ condition, unsure }: EntryFilter): Query {
  const unwritten = { bool: { must_not: [{ term: { [`${OBJECT}.${WRITTEN}`]: true } }] } };
  return anyOf([queryOf(condition), unwritten, ...(unsure.length === 0 ? [] : [idsFilter(unsure)])]);
}

function queryOf(condition: FieldCondition): Query {
  switch (condition.op) {
    case "and":
      return { bool: { filter: condition.conditions.map(queryOf) } };
    case "or":
      return anyOf(condition.conditions.map(queryOf));
    case "oneOf":
      return { terms: { [fieldOf(condition.key)]: condition.texts as string[] } };
    case "between":
      return { range: { [fieldOf(condition.key)]: { gte: condition.from, lte: condition.to } } };
    case "is":
      return { term: { [fieldOf(condition.key)]: condition.value } };
  }
}

function anyOf(should: Query[]): Query {
  return { bool: { should, minimum_should_match: 1 } };
}

function fieldOf(key: string): string {
  return `${OBJECT}.${checkedKey(key)}`;
}
