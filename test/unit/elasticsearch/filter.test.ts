/** Filters as queries of Elasticsearch: texts are values of terms, which mean nothing else. */

import { expect, test } from "vitest";
import { fieldsMapping, filterQuery, valuesSource } from "../../../core/backends/elasticsearch/filter.ts";

test("a filter lets through what meets it, what has no values, and what is not sure", () => {
  const condition = {
    op: "and",
    conditions: [
      { op: "oneOf", key: "a", texts: ['x"}', "*"] },
      {
        op: "or",
        conditions: [
          { op: "between", key: "b", from: -1, to: 2 },
          { op: "is", key: "c", value: true },
        ],
      },
    ],
  } as const;
  const any = (...should: object[]) => ({ bool: { should, minimum_should_match: 1 } });
  const either = any({ range: { "fields.b": { gte: -1, lte: 2 } } }, { term: { "fields.c": true } });
  expect(filterQuery({ condition, unsure: ["e1"] })).toEqual(
    any(
      { bool: { filter: [{ terms: { "fields.a": ['x"}', "*"] } }, either] } },
      { bool: { must_not: [{ term: { "fields.nearsight_written": true } }] } },
      { terms: { _id: ["e1"] } },
    ),
  );
});

test("values are an object of their own, which is left out where they are not known", () => {
  expect(valuesSource({ a: ["x"] })).toEqual({ fields: { nearsight_written: true, a: ["x"] } });
  expect([valuesSource(null), valuesSource(undefined), fieldsMapping(undefined)]).toEqual([{}, {}, {}]);
  expect(fieldsMapping([{ key: "a", kind: "text" }])["fields"]).toMatchObject({
    ...{ type: "object", dynamic: false },
    properties: { a: { type: "keyword" } },
  });
});

test("a key that is no plain name is refused", () => {
  const key = "a.b*";
  expect(() => fieldsMapping([{ key, kind: "text" }])).toThrow("Expected a key");
  expect(() => filterQuery({ condition: { op: "is", key, value: true }, unsure: [] })).toThrow(
    "Expected a key",
  );
});
