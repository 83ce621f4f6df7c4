/** Random filters: conditions on given fields, texts and numbers, joined by `and`, `or` and `not`. */

import fc from "fast-check";
import type { Filter, FilterValue } from "../../core/filter.ts";

/** What a field is compared with: these texts and numbers, true, false and null. */
export function filterValues(
  texts: fc.Arbitrary<string>,
  numbers: fc.Arbitrary<number>,
): fc.Arbitrary<FilterValue> {
  return fc.oneof(texts, numbers, fc.boolean(), fc.constant(null));
}

/** A condition of any kind on one field. */
export function conditions(
  field: fc.Arbitrary<string>,
  texts: fc.Arbitrary<string>,
  numbers: fc.Arbitrary<number>,
): fc.Arbitrary<Filter> {
  const values = filterValues(texts, numbers);
  const compare = fc.constant("compare" as const);
  const equal = fc.constantFrom("eq" as const, "ne" as const);
  const ordered = fc.constantFrom("lt" as const, "lte" as const, "gt" as const, "gte" as const);
  return fc.oneof(
    fc.record({ op: compare, field, comparison: equal, value: values }),
    fc.record({ op: compare, field, comparison: ordered, value: fc.oneof(texts, numbers) }),
    fc.record({ op: fc.constant("in" as const), field, values: fc.array(values, { maxLength: 4 }) }),
    fc.record({ op: fc.constant("exists" as const), field }),
    fc.record({ op: fc.constant("contains" as const), field, value: values }),
    fc.record({ op: fc.constant("startsWith" as const), field, value: texts }),
    fc.record({ op: fc.constant("matches" as const), field, value: texts }),
  );
}

/** Filters of these conditions; `and` and `or` join from `fewest` to 3 parts. */
export function filters(condition: fc.Arbitrary<Filter>, fewest = 0): fc.Arbitrary<Filter> {
  return fc.letrec<{ filter: Filter }>((tie) => {
    const parts = fc.array(tie("filter"), { minLength: fewest, maxLength: 3 });
    return {
      filter: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        condition,
        fc.record({ op: fc.constant("and" as const), filters: parts }),
        fc.record({ op: fc.constant("or" as const), filters: parts }),
        fc.record({ op: fc.constant("not" as const), filter: tie("filter") }),
      ),
    };
  }).filter;
}
