/** Values of fields and conditions on them as Milvus has them: JSON in the dynamic field of a collection. */

import { Buffer } from "node:buffer";
import { checkedKey } from "../checks.ts";
import type { EntryFilter, FieldCondition, FieldValue, FieldValues } from "../filter-fields.ts";
import { isOneOf, literal } from "./expression.ts";
import { DATA_TYPE } from "./wire.ts";

/** The server's name for what entries have beyond the fields of the schema. */
const DYNAMIC_FIELD = "$meta";

/**
 * True for entries whose values were written, false for those written without. Entries that other programs add have
 * no key at all; where they replace one of ours, Milvus removes its values and milvus-lite keeps them.
 */
const WRITTEN = "nearsight_written";

/** A column of values of a write; null for an entry without. */
export function valueColumn(rows: readonly (FieldValues | null)[]) {
  const data = rows.map((values) => Buffer.from(jsonOf(values)));
  return {
    type: DATA_TYPE.json,
    field_name: DYNAMIC_FIELD,
    is_dynamic: true,
    scalars: { json_data: { data } },
  };
}

function jsonOf(values: FieldValues | null): string {
  if (values === null) return `{"${WRITTEN}":false}`;
  const members = Object.entries(values).map(([key, value]) => `"${checkedKey(key)}":${jsonValue(value)}`);
  return `{${[`"${WRITTEN}":true`, ...members].join(",")}}`;
}

function jsonValue(value: FieldValue): string {
  return typeof value === "number" ? decimal(value) : JSON.stringify(value);
}

/** With an exponent, so that the server never reads an integer, of which it takes 64 bits only. */
function decimal(value: number): string {
  return value.toExponential();
}

/** The filter as an expression. */
export function filterExpression(idField: string, { condition, unsure }: EntryFilter): string {
  const parts = [`(${expressionOf(condition)})`, `not (exists ${WRITTEN})`, `${WRITTEN} == false`];
  if (unsure.length > 0) parts.push(`(${isOneOf(idField, unsure)})`);
  return parts.join(" or ");
}

function expressionOf(condition: FieldCondition): string {
  switch (condition.op) {
    case "and":
    case "or":
      return condition.conditions.map((part) => `(${expressionOf(part)})`).join(` ${condition.op} `);
    case "oneOf": {
      const key = checkedKey(condition.key);
      return condition.texts.map((text) => `json_contains(${key}, ${literal(text)})`).join(" or ");
    }
    case "between": {
      const key = checkedKey(condition.key);
      return `${key} >= ${decimal(condition.from)} and ${key} <= ${decimal(condition.to)}`;
    }
    case "is":
      return `${checkedKey(condition.key)} == ${condition.value}`;
  }
}
