/** Builds filters: `F("confidence").gt(0.5)` instead of JSON written by hand. */

import type { Comparison, Filter, FilterValue } from "../filter.ts";
import { checkFilter } from "./check.ts";

/** A filter that can be combined with others; as JSON it is the plain filter. */
export type Expression = Filter & {
  and(...others: readonly Filter[]): Expression;
  or(...others: readonly Filter[]): Expression;
};

/** Conditions on one field; each method gives a filter. */
export interface FieldConditions {
  /** Equal, and of the same type; `null` asks for a missing value. */
  eq(value: FilterValue): Expression;
  ne(value: FilterValue): Expression;
  lt(value: number | string): Expression;
  lte(value: number | string): Expression;
  gt(value: number | string): Expression;
  gte(value: number | string): Expression;
  in(values: readonly FilterValue[]): Expression;
  /** Set, and not null. */
  exists(): Expression;
  /** A list, such as `tags`, that holds the value. */
  contains(value: FilterValue): Expression;
  startsWith(text: string): Expression;
  /** Text that has this part anywhere, case ignored. */
  matches(text: string): Expression;
  /** At least one label of the field satisfies `where`. */
  labels(where: Filter): Expression;
}

/**
 * Names a field to filter by, with dots into objects and labels.
 *
 * @example
 * dataset.match(F("ground_truth").labels(F("label").eq("dog").and(F("confidence").gt(0.5))));
 */
export function F(field: string): FieldConditions {
  const compare = (comparison: Comparison) => (value: FilterValue) =>
    expression({ op: "compare", field, comparison, value });
  return {
    eq: compare("eq"),
    ne: compare("ne"),
    lt: compare("lt"),
    lte: compare("lte"),
    gt: compare("gt"),
    gte: compare("gte"),
    in: (values) => expression({ op: "in", field, values: [...values] }),
    exists: () => expression({ op: "exists", field }),
    contains: (value) => expression({ op: "contains", field, value }),
    startsWith: (value) => expression({ op: "startsWith", field, value }),
    matches: (value) => expression({ op: "matches", field, value }),
    labels: (where) => expression({ op: "labels", field, where: plainFilter(where) }),
  };
}

/** Holds where the filter does not. */
export function not(filter: Filter): Expression {
  return expression({ op: "not", filter: plainFilter(filter) });
}

/** The filter as plain JSON, without the methods of an expression. INVALID_FILTER */
export function plainFilter(filter: Filter): Filter {
  return checkFilter(filter);
}

// On the prototype and hidden from loops, so that an expression's members are the filter's and nothing else.
const combining: object = Object.defineProperties(
  {},
  {
    and: {
      value(this: Filter, ...others: readonly Filter[]): Expression {
        return joined("and", [this, ...others]);
      },
    },
    or: {
      value(this: Filter, ...others: readonly Filter[]): Expression {
        return joined("or", [this, ...others]);
      },
    },
  },
);

function expression(filter: Filter): Expression {
  return Object.assign(Object.create(combining), filter) as Expression;
}

/** `a.and(b).and(c)` is one list, so that long chains do not nest deep. */
function joined(op: "and" | "or", filters: readonly Filter[]): Expression {
  const flat = filters.flatMap((filter) => (filter.op === op ? filter.filters : [plainFilter(filter)]));
  return expression({ op, filters: flat });
}
