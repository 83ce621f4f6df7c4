/** Filters written as text, and filters built in code. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFilter } from "../../../core/dataset/check.ts";
import { F, not } from "../../../core/dataset/field.ts";
import { parseFilter } from "../../../core/dataset/parse-filter.ts";
import type { Filter } from "../../../core/filter.ts";

describe("parseFilter", () => {
  test.each<[string, Filter]>([
    ["confidence > 0.5", F("confidence").gt(0.5)],
    ["a=1", F("a").eq(1)],
    ["a == -1.5e3", F("a").eq(-1500)],
    ["a != null", F("a").ne(null)],
    ['a <= "x"', F("a").lte("x")],
    ["a < 'it''s'".replace("''", "\\'"), F("a").lt("it's")],
    ['text = "say \\"hi\\" \\\\ \\u00e4\\n"', F("text").eq('say "hi" \\ ä\n')],
    ["a >= 0 AND b = true", F("a").gte(0).and(F("b").eq(true))],
    [
      "a exists or not b exists",
      F("a")
        .exists()
        .or(not(F("b").exists())),
    ],
    ['tags contains "train"', F("tags").contains("train")],
    ['label in ["cat", "dog"]', F("label").in(["cat", "dog"])],
    ["n in (1, 2,3)", F("n").in([1, 2, 3])],
    ["n not in []", not(F("n").in([]))],
    ['path startsWith "/a" and path matches "jpg"', F("path").startsWith("/a").and(F("path").matches("jpg"))],
    [
      'ground_truth labels (label = "dog" and confidence > 0.9)',
      F("ground_truth").labels(F("label").eq("dog").and(F("confidence").gt(0.9))),
    ],
    ["metadata.width = 640", F("metadata.width").eq(640)],
    ["`my field, with 'signs'` exists", F("my field, with 'signs'").exists()],
    ["`not` = false", F("not").eq(false)],
    ["größe > 1", F("größe").gt(1)],
    ['  {"op":"exists","field":"a"} ', F("a").exists()],
  ])("%s", (text, expected) => {
    expect(parseFilter(text)).toEqual({ ...expected });
  });

  test("and binds closer than or, parentheses closest", () => {
    const [a, b, c] = [F("a").exists(), F("b").exists(), F("c").exists()];
    expect(parseFilter("a exists or b exists and c exists")).toEqual({
      op: "or",
      filters: [a, { op: "and", filters: [b, c] }],
    });
    expect(parseFilter("(a exists or b exists) and c exists")).toEqual({
      op: "and",
      filters: [{ op: "or", filters: [a, b] }, c],
    });
    expect(parseFilter("not (a exists and b exists)")).toEqual({
      op: "not",
      filter: { op: "and", filters: [a, b] },
    });
  });

  test.each([
    ["", 1, "a field name"],
    ["   ", 1, "a field name"],
    ["confidence >", 13, "a quoted text"],
    ["confidence > cat", 14, "a quoted text"],
    ["confidence 0.5", 12, "a comparison"],
    ["a = 1 b = 2", 7, "`and`, `or` or the end"],
    ["(a = 1", 7, "`)`"],
    ["a in 1", 6, "`[`"],
    ["a in [1 2]", 9, "`,`"],
    ["a in [1,]", 9, "a quoted text"],
    ["a startsWith 1", 14, "a quoted text"],
    ["a = 'open", 5, "a field, a value or a sign"],
    ["a = 1; drop", 6, "a field, a value or a sign"],
    ["a labels b = 1", 10, "`(`"],
    ["and and", 1, ""],
    ['a = "\\q"', 5, "a quoted text"],
    ["a = 12abc", 5, "a field, a value or a sign"],
  ])("%j fails at character %i", (text, position, expected) => {
    const error = failure(() => parseFilter(text));
    expect(error.code).toBe("INVALID_FILTER");
    if (expected !== "") {
      expect(error.message).toContain(`at character ${position} `);
      expect(error.message).toContain(expected);
    }
    expect(error.hint).toBeTruthy();
  });

  test("hostile depth is refused, not followed", () => {
    for (const text of [
      `${"(".repeat(100_000)}a exists`,
      `${"not ".repeat(100_000)}a exists`,
      `${'{"op":"not","filter":'.repeat(20_000)}{"op":"exists","field":"a"}${"}".repeat(20_000)}`,
    ]) {
      expect(failure(() => parseFilter(text)).code).toBe("INVALID_FILTER");
    }
    expect(failure(() => parseFilter('{"op":"exists","field":"a","more":1}')).code).toBe("INVALID_FILTER");
    expect(failure(() => parseFilter("{broken")).code).toBe("INVALID_FILTER");
    expect(failure(() => checkFilter(null)).code).toBe("INVALID_FILTER");
  });

  test("any text gives a filter or an error that says where", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            "a",
            "b.c",
            "and",
            "or",
            "not",
            "in",
            "(",
            ")",
            "[",
            "]",
            ",",
            "=",
            ">=",
            '"x"',
            "1",
            "exists",
            "labels",
            "'",
            "\\",
            "`",
            "\n",
            "true",
          ),
        ),
        (parts) => {
          try {
            checkFilter(parseFilter(parts.join(" ")));
          } catch (error) {
            expect(error).toMatchObject({ code: "INVALID_FILTER" });
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

test("a built filter is plain JSON; chains stay flat", () => {
  const filter = F("a")
    .gt(1)
    .and(F("b").lt(2))
    .and(F("c").exists(), F("d").eq(null))
    .or(F("e").in(["x"]));
  expect(JSON.parse(JSON.stringify(filter))).toEqual({
    op: "or",
    filters: [
      {
        op: "and",
        filters: [F("a").gt(1), F("b").lt(2), F("c").exists(), F("d").eq(null)].map((one) => ({ ...one })),
      },
      { op: "in", field: "e", values: ["x"] },
    ],
  });
  expect(checkFilter({ ...filter })).toEqual({ ...filter });
  expect(checkFilter(filter)).toBeTruthy();
});

function failure(work: () => unknown): { code: string; message: string; hint: string } {
  try {
    work();
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error("It was expected to fail");
}
