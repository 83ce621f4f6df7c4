/** Turns the stages of a view into a condition that a server can apply, where they are of the kind that it can. */

import type { FieldCondition } from "../../backends/filter-fields.ts";
import type { Filter, FilterValue } from "../../filter.ts";
import type { StoreStage } from "../../store/store.ts";
import type { FilterFieldRecord } from "../../store/store-runs.ts";
import { fieldKey, keptText } from "./filter-fields.ts";

/** Conditions and values of one pushed filter; servers take some thousand. */
const MOST_PARTS = 1_000;

/**
 * SQLite and JavaScript read the last bit of some numbers differently. Bounds are moved out by more than that: what
 * they let through too much is found by the store.
 */
const RELATIVE_ROOM = 1e-14;
const ABSOLUTE_ROOM = 1e-300;

/** A condition that every row of the view meets, or why there is none. */
export type PushedFilter = { readonly condition: FieldCondition } | { readonly reason: string };

/**
 * The condition of a view. It holds for every row of the view, and may hold for a few more: cut texts and rounded
 * numbers are compared generously. `patchesField` is that of the index, whose patches a last `toPatches` may give.
 */
export function pushedFilter(
  stages: readonly StoreStage[],
  fields: readonly FilterFieldRecord[],
  patchesField: string | null,
): PushedFilter {
  const last = stages.at(-1);
  const makesPatches = last?.stage === "toPatches" && last.field === patchesField;
  const conditions: FieldCondition[] = [];
  try {
    for (const stage of makesPatches ? stages.slice(0, -1) : stages) {
      conditions.push(conditionOf(filterOf(stage), new Fields(fields)));
    }
  } catch (error) {
    if (error instanceof NotPushed) return { reason: error.message };
    throw error;
  }
  if (conditions.length === 0) return { reason: "the view has no condition" };
  const condition: FieldCondition = { op: "and", conditions };
  if (partsOf(condition) > MOST_PARTS) return { reason: `the condition has more than ${MOST_PARTS} parts` };
  return { condition };
}

/** Ends the translation; its message says why. */
class NotPushed extends Error {}

/** Keys of the filter fields that may be asked for something. */
class Fields {
  readonly #fields: readonly FilterFieldRecord[];

  constructor(fields: readonly FilterFieldRecord[]) {
    this.#fields = fields;
  }

  /** The key of a field of that kind; no value of another kind is equal to, or less than, one of this. */
  key(name: string, kind: FilterFieldRecord["kind"]): string {
    const position = this.#fields.findIndex((field) => field.name === name);
    const found = this.#fields[position];
    if (found === undefined) throw new NotPushed(`'${name}' is no filter field of the index`);
    if (found.kind === kind) return fieldKey(name, position);
    throw new NotPushed(`'${name}' is a filter field of kind ${found.kind}, asked for ${kind}`);
  }
}

function filterOf(stage: StoreStage): Filter {
  if (stage.stage === "match") return stage.filter;
  if (stage.stage !== "matchTags" || stage.not) {
    throw new NotPushed(
      `${stage.stage}${"not" in stage && stage.not ? " with not" : ""} is done by the store`,
    );
  }
  const filters = stage.tags.map((value) => ({ op: "contains", field: "tags", value }) as const);
  return { op: stage.all ? "and" : "or", filters };
}

function conditionOf(filter: Filter, fields: Fields): FieldCondition {
  switch (filter.op) {
    case "and":
    case "or":
      if (filter.filters.length === 0) throw new NotPushed(`an empty '${filter.op}' is done by the store`);
      return { op: filter.op, conditions: filter.filters.map((part) => conditionOf(part, fields)) };
    case "contains":
      return oneOf(fields.key(filter.field, "texts"), [filter.value]);
    case "in":
      return isIn(filter.field, filter.values, fields);
    case "compare":
      return compared(filter, fields);
    default:
      throw new NotPushed(`'${filter.op}' is done by the store`);
  }
}

function isIn(field: string, values: readonly FilterValue[], fields: Fields): FieldCondition {
  const [first] = values;
  if (first === undefined || values.some((value) => typeof value !== typeof first)) {
    throw new NotPushed("'in' without values, or with values of several types, is done by the store");
  }
  if (typeof first === "string") return oneOf(fields.key(field, "text"), values);
  return { op: "or", conditions: values.map((value) => equal(field, value, fields)) };
}

function compared(filter: Extract<Filter, { op: "compare" }>, fields: Fields): FieldCondition {
  const { field, comparison, value } = filter;
  if (comparison === "eq") return equal(field, value, fields);
  if (comparison === "ne" || typeof value !== "number") {
    throw new NotPushed(`'${comparison}' ${comparison === "ne" ? "" : "of texts "}is done by the store`);
  }
  const isUpper = comparison === "lt" || comparison === "lte";
  const [from, to] = isUpper ? [-Number.MAX_VALUE, value] : [value, Number.MAX_VALUE];
  return between(fields.key(field, "number"), from, to);
}

function equal(field: string, value: FilterValue, fields: Fields): FieldCondition {
  if (typeof value === "string") return oneOf(fields.key(field, "text"), [value]);
  if (typeof value === "number") return between(fields.key(field, "number"), value, value);
  if (typeof value === "boolean") return { op: "is", key: fields.key(field, "boolean"), value };
  throw new NotPushed("comparison with null is done by the store");
}

function oneOf(key: string, values: readonly FilterValue[]): FieldCondition {
  const texts = values.map((value) => {
    if (typeof value !== "string") throw new NotPushed(`a ${typeof value} in a list is done by the store`);
    // Samples cannot have it, and readers of texts differ in where they end one.
    if (value.includes("\0")) throw new NotPushed("a text with U+0000 is done by the store");
    return keptText(value);
  });
  return { op: "oneOf", key, texts };
}

function between(key: string, from: number, to: number): FieldCondition {
  const room = (value: number) => Math.abs(value) * RELATIVE_ROOM + ABSOLUTE_ROOM;
  const most = Number.MAX_VALUE;
  return { op: "between", key, from: Math.max(-most, from - room(from)), to: Math.min(most, to + room(to)) };
}

function partsOf(condition: FieldCondition): number {
  if (condition.op === "oneOf") return condition.texts.length;
  if (condition.op !== "and" && condition.op !== "or") return 1;
  return condition.conditions.reduce((sum, part) => sum + partsOf(part), 0);
}
