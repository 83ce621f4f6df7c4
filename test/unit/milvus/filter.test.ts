/** Filters as expressions of Milvus: nothing in a text can leave its literal. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { filterExpression, valueColumn } from "../../../core/backends/milvus/filter.ts";

const filter = (texts: readonly string[], unsure: readonly string[] = []) =>
  filterExpression("pk", { condition: { op: "oneOf", key: "field0_tags", texts }, unsure });

test("a filter lets through what meets it, what has no values, and what is not sure", () => {
  const condition = {
    op: "and",
    conditions: [
      { op: "oneOf", key: "a", texts: ["x", "y"] },
      {
        op: "or",
        conditions: [
          { op: "between", key: "b", from: -1, to: 2 ** 63 },
          { op: "is", key: "c", value: true },
        ],
      },
    ],
  } as const;
  expect(filterExpression("pk", { condition, unsure: ["e1"] })).toBe(
    '((json_contains(a, "x") or json_contains(a, "y")) and ((b >= -1e+0 and b <= 9.223372036854776e+18) or (c == true)))' +
      ' or not (exists nearsight_written) or nearsight_written == false or (pk in ["e1"])',
  );
});

test("texts and ids stay inside their literals", () => {
  const texts = fc.string({
    unit: fc.constantFrom('"', "'", "\\", "\n", "\r", ")", "(", " or ", "%", "ü", "x"),
  });
  fc.assert(
    fc.property(fc.array(texts, { minLength: 1 }), fc.array(texts), (given, ids) => {
      const bare = (expression: string) => expression.replaceAll(/"(?:[^"\\\n\r]|\\["\\nr])*"/gu, "?");
      expect(bare(filter(given, ids))).toBe(
        bare(
          filter(
            given.map(() => "x"),
            ids.map(() => "x"),
          ),
        ),
      );
    }),
  );
});

test("a key that is no plain name is refused", () => {
  const key = "a) or (true";
  const work = () => filterExpression("pk", { condition: { op: "is", key, value: true }, unsure: [] });
  expect(work).toThrow("Expected a key");
  expect(() => valueColumn([{ [key]: 1 }])).toThrow("Expected a key");
});

test("values are JSON whose numbers are no integers of 64 bits", () => {
  const { data } = valueColumn([{ a: ['x"'], b: 2 ** 64, c: false }, null]).scalars.json_data;
  expect(data.map(String)).toEqual([
    '{"nearsight_written":true,"a":["x\\""],"b":1.8446744073709552e+19,"c":false}',
    '{"nearsight_written":false}',
  ]);
});
