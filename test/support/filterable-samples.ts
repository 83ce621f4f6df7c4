/** Samples with hostile values in their filter fields, edits of them, and conditions that servers can apply. */

import fc from "fast-check";
import type { Filter } from "../../core/filter.ts";

/** The filter fields of the tests. */
export const FILTER_FIELDS = ["tags", "name", "score", "flag", "words", "ground_truth.label", "boxes.label"];

const LONG = "long ".repeat(500);

/** More than is kept beside a vector. */
const MANY = [...Array.from({ length: 2_000 }, (_, i) => `word ${i}`), "cat"];

const texts = fc.constantFrom(
  ...["cat", "dog", "Cat", "train", "", " ", "tést", "猫", "e\u0301", "é", "\u{1F600}", "null", "true", "1"],
  ...['"', "'", "\\", '\\"', '") or (true', "%", "_", "*", "?", "\n", "\r\n", "\t", "\u0001", "{x}", "$meta"],
  ...['x"] or pk != "" or pk in ["', "exists", "not", "json_contains(field0_tags", "ü".repeat(600)],
  ...[`${LONG}a`, `${LONG}b`, `${LONG}${LONG}${LONG}${LONG}`],
);
const numbers = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2, 0.1, 0.2, 0.30000000000000004, 5e-324, 1e300, -1e300, 1e21),
  fc.constantFrom(2 ** 53, 2 ** 53 + 2, 2 ** 63, -(2 ** 63), 2 ** 64, 1.7976931348623157e308),
  fc.integer({ min: -20, max: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const orNothing = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: null, freq: 4 });

const label = (text: string) => ({ _cls: "Classification" as const, label: text });
const boxes = (labels: readonly string[]) => ({
  _cls: "Detections" as const,
  detections: labels.map((one) => ({ label: one, boundingBox: [0, 0, 1, 1] as const })),
});

/** Values of the fields of one sample. */
export const fieldValues = fc.record({
  tags: fc.uniqueArray(texts, { maxLength: 4 }),
  name: orNothing(texts),
  score: orNothing(numbers),
  flag: orNothing(fc.boolean()),
  words: orNothing(
    fc.oneof(
      { weight: 9, arbitrary: fc.array(fc.oneof(texts, fc.integer()), { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constant(MANY) },
    ),
  ),
  ground_truth: orNothing(texts.map(label)),
  boxes: orNothing(fc.array(texts, { maxLength: 3 }).map(boxes)),
});

const leaves: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({
    op: fc.constant("compare" as const),
    field: fc.constantFrom("name", "ground_truth.label"),
    comparison: fc.constant("eq" as const),
    value: texts,
  }),
  fc.record({
    op: fc.constant("compare" as const),
    field: fc.constant("score"),
    comparison: fc.constantFrom("eq" as const, "lt" as const, "lte" as const, "gt" as const, "gte" as const),
    value: numbers,
  }),
  fc.record({
    op: fc.constant("compare" as const),
    field: fc.constant("flag"),
    comparison: fc.constant("eq" as const),
    value: fc.boolean(),
  }),
  fc.record({
    op: fc.constant("in" as const),
    field: fc.constantFrom("name", "ground_truth.label"),
    values: fc.array(texts, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    op: fc.constant("in" as const),
    field: fc.constant("score"),
    values: fc.array(numbers, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    op: fc.constant("contains" as const),
    field: fc.constantFrom("tags", "words", "boxes.label"),
    value: texts,
  }),
);

/** Conditions that can be pushed to a server, and hold for some samples more often than not. */
export const pushedFilters: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2 },
    { weight: 3, arbitrary: leaves },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant("and" as const),
        filters: fc.array(tie("filter"), { minLength: 1, maxLength: 3 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constant("or" as const),
        filters: fc.array(tie("filter"), { minLength: 1, maxLength: 4 }),
      }),
    },
  ),
})).filter;

/** A write to some samples, given by their places. */
export const edits = fc.record({
  places: fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 12 }),
  edit: fc.oneof(
    texts.map((tag) => ({ tag })),
    texts.map((untag) => ({ untag })),
    fc.constantFrom("name", "score", "flag", "words", "ground_truth", "boxes").map((unset) => ({ unset })),
    orNothing(texts).map((value) => ({ set: "name" as const, value })),
    fc.constant({ set: "words" as const, value: MANY }),
    orNothing(numbers).map((value) => ({ set: "score" as const, value })),
    texts.map((text) => ({ set: "ground_truth" as const, value: label(text) })),
    fc.array(texts, { maxLength: 3 }).map((all) => ({ set: "boxes" as const, value: boxes(all) })),
  ),
});
export type Edit = typeof edits extends fc.Arbitrary<infer Value> ? Value : never;

/** Conditions that an edited sample meets since, or no longer. */
export function conditionsOn({ edit }: Edit): Filter[] {
  const contains = (field: string, value: string): Filter => ({ op: "contains", field, value });
  const equals = (field: string, value: string | number): Filter => ({
    ...{ op: "compare", field, comparison: "eq" },
    value,
  });
  if ("tag" in edit) return [contains("tags", edit.tag)];
  if ("untag" in edit) return [contains("tags", edit.untag)];
  if ("unset" in edit || edit.value === null) return [];
  switch (edit.set) {
    case "name":
    case "score":
      return [equals(edit.set, edit.value)];
    case "words":
      return [contains("words", "cat")];
    case "ground_truth":
      return [equals("ground_truth.label", edit.value.label)];
    case "boxes":
      return edit.value.detections.map((one) => contains("boxes.label", one.label));
  }
}
