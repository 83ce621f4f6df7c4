/** View stages and filters, from ours to FiftyOne's and back. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readStages } from "../../../core/io/fiftyone/read-stages.ts";
import { writeStages } from "../../../core/io/fiftyone/write-stages.ts";
import type { Stage } from "../../../core/stages.ts";
import type { FieldType } from "../../../core/store/store.ts";

const TYPES = new Map<string, FieldType>([
  ["n", "number"],
  ["note", "string"],
  ["kind", "classification"],
  ["objects", "detections"],
]);
const ID = "0123456789abcdef01234567";

function written(stages: readonly Stage[]): string[] {
  const found = writeStages(stages, TYPES);
  if ("unknown" in found) throw new Error(found.unknown);
  return found.texts;
}

const compare = (field: string, comparison: string, value: unknown) =>
  ({ op: "compare", field, comparison, value }) as never;

const FILTERS = [
  compare("n", "gt", 1),
  compare("n", "lte", 1.5),
  compare("n", "lt", 1),
  compare("note", "eq", "a"),
  compare("kind.label", "ne", "cat"),
  { op: "in", field: "note", values: ["a", "b"] },
  { op: "exists", field: "n" },
  { op: "contains", field: "tags", value: "train" },
  { op: "contains", field: "objects.detections.label", value: "cat" },
  { op: "startsWith", field: "note", value: "a.b*(c)" },
  { op: "matches", field: "note", value: "A[b]\\d" },
  { op: "labels", field: "objects", where: compare("confidence", "gte", 0.5) },
  { op: "not", filter: compare("n", "gt", 1) },
] as const;

const LABEL_FILTER = {
  op: "and",
  filters: [compare("label", "eq", "cat"), compare("confidence", "lt", 0.5)],
} as const;

const STAGES: readonly Stage[] = [
  ...FILTERS.map((filter) => ({ stage: "match", filter }) as Stage),
  {
    stage: "match",
    filter: { op: "or", filters: [FILTERS[0], FILTERS[1], { op: "and", filters: [FILTERS[3]] }] },
  },
  { stage: "matchTags", tags: ["a", "b"] },
  { stage: "matchTags", tags: ["a"], all: true, not: true },
  { stage: "filterLabels", field: "objects", filter: LABEL_FILTER },
  { stage: "filterLabels", field: "kind", filter: LABEL_FILTER, onlyMatches: false },
  { stage: "selectLabels", field: "objects", ids: [ID] },
  { stage: "select", ids: [ID], ordered: true },
  { stage: "exclude", ids: [ID] },
  { stage: "exists", field: "n" },
  { stage: "exists", field: "n", not: true },
  { stage: "sortBy", field: "n", reverse: true },
  { stage: "limit", count: 3 },
  { stage: "skip", count: 0 },
  { stage: "toPatches", field: "objects" },
  { stage: "sortBySimilarity", query: { id: ID }, k: 3, brainKey: "images" },
  { stage: "sortBySimilarity", query: { ids: [ID] }, reverse: true, brainKey: "images", distField: "d" },
  { stage: "sortBySimilarity", query: { prompt: "a cat" }, brainKey: "images" },
  { stage: "sortBySimilarity", query: { prompts: ["a cat", "a dog"] }, brainKey: "images" },
  { stage: "sortBySimilarity", query: { vector: [0.5, -2] }, brainKey: "images" },
  {
    stage: "sortBySimilarity",
    query: {
      vectors: [
        [0.5, -2],
        [1, 0],
      ],
    },
    brainKey: "images",
  },
];

describe("stages", () => {
  test.each(STAGES.map((stage) => [JSON.stringify(stage), stage] as const))(
    "%s are the same back",
    (_, stage) => {
      expect(readStages(written([stage]))).toEqual({ stages: [stage] });
    },
  );

  test.each<Stage>([
    { stage: "take", size: 3, seed: 1 },
    { stage: "shuffle", seed: 1 },
    { stage: "match", filter: { op: "labels", field: "kind", where: FILTERS[3] } },
    { stage: "match", filter: compare("unknown", "eq", 1) },
    { stage: "match", filter: compare("note", "eq", "$n") },
    { stage: "filterLabels", field: "objects", filter: { op: "in", field: "id", values: [ID] } },
    { stage: "sortBySimilarity", query: { id: ID }, maxDistance: 0.1, brainKey: "images" },
    { stage: "sortBySimilarity", query: { image: "a.jpg" }, brainKey: "images" },
    { stage: "sortBySimilarity", query: { id: ID } },
  ])("of which FiftyOne has no equivalent are named: %j", (stage) => {
    expect(writeStages([stage], TYPES)).toEqual({ unknown: `stage ${stage.stage}` });
  });

  test.each([
    ["Take", [["size", 3]]],
    ["Match", [["filter", { "kind.label": "cat" }]]],
    ["Match", [["filter", { $expr: { $gt: ["$n", "$m"] } }]]],
    ["Match", [["filter", { $expr: { $gt: [{ $size: "$objects.detections" }, 2] } }]]],
    ["Match", [["filter", { $expr: { $eq: ["$_id", ID] } }]]],
    ["Match", [["filter", { $expr: { $regexMatch: { input: "$note", regex: "a|b", options: null } } }]]],
    ["Match", [["filter", { $expr: { $regexMatch: { input: "$note", regex: "a", options: null } } }]]],
    ["Match", [["filter", null]]],
    [
      "FilterLabels",
      [
        ["field", "objects"],
        ["filter", { $gt: ["$$this.confidence", 0.5] }],
        ["trajectories", true],
      ],
    ],
    [
      "SelectLabels",
      [
        ["ids", [ID]],
        ["fields", null],
      ],
    ],
    ["SortBy", [["field_or_expr", { $size: "$objects.detections" }]]],
    ["Limit", [["limit", -1]]],
    ["SelectFields", [["field_names", ["n"]]]],
    [
      "ToPatches",
      [
        ["field", "objects"],
        ["config", { other: 1 }],
      ],
    ],
  ])("of which ours has no equivalent are named: %s %j", (name, kwargs) => {
    const text = JSON.stringify({ _cls: `fiftyone.core.stages.${name}`, kwargs });
    expect(readStages([text])).toMatchObject({ unknown: expect.stringContaining(`stage ${name}`) });
  });

  test("less than a value holds for missing ones in MongoDB", () => {
    const text = JSON.stringify({ _cls: "Match", kwargs: [["filter", { $expr: { $lt: ["$n", 1] } }]] });
    const missing = { op: "not", filter: { op: "exists", field: "n" } };
    const filter = { op: "or", filters: [compare("n", "lt", 1), missing] };
    expect(readStages([text])).toEqual({ stages: [{ stage: "match", filter }] });
  });

  test("sorting by several keys is several stages, the last key first", () => {
    const text = JSON.stringify({
      _cls: "SortBy",
      kwargs: [
        [
          "field_or_expr",
          [
            ["a", 1],
            ["b", -1],
          ],
        ],
        ["reverse", false],
      ],
    });
    const stages = [
      { stage: "sortBy", field: "b", reverse: true },
      { stage: "sortBy", field: "a" },
    ];
    expect(readStages([text])).toEqual({ stages });
  });

  test("take anything without a failure", () => {
    const json = fc.jsonValue({ maxDepth: 5 });
    const name = fc.constantFrom(
      "Match",
      "MatchTags",
      "MatchLabels",
      "FilterLabels",
      "SelectLabels",
      "SortBy",
      "SortBySimilarity",
      "Limit",
    );
    const option = fc.constantFrom(
      "filter",
      "field",
      "fields",
      "ids",
      "labels",
      "tags",
      "field_or_expr",
      "query",
      "limit",
      "k",
    );
    const kwargs = fc.array(fc.tuple(option, json), { maxLength: 4 });
    fc.assert(
      fc.property(name, fc.oneof(kwargs, json), (stage, options) => {
        const found = readStages([
          JSON.stringify({ _cls: `fiftyone.core.stages.${stage}`, kwargs: options }),
        ]);
        expect("stages" in found || "unknown" in found).toBe(true);
      }),
    );
  });
});
