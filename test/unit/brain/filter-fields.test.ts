/** Filter fields: which are taken, what samples have of them, and which views become conditions. */

import { beforeAll, describe, expect, it } from "vitest";
import type { FieldCondition } from "../../../core/backends/filter-fields.ts";
import {
  checkFilterFields,
  fieldKey,
  fieldsToMake,
  valuesOf,
} from "../../../core/brain/fields/filter-fields.ts";
import { pushedFilter } from "../../../core/brain/fields/pushed-filter.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F, not } from "../../../core/dataset/field.ts";
import type { Filter } from "../../../core/filter.ts";
import type { SampleRecord, StoreStage } from "../../../core/store/store.ts";
import type { FilterFieldRecord } from "../../../core/store/store-runs.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

let ns: Awaited<ReturnType<typeof temporaryNearsight>>;
let dataset: Dataset;

beforeAll(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("fields");
  await dataset.addSamples([
    {
      filepath: "a.jpg",
      ...{ name: "x", score: 1, flag: true, words: ["w"], inner: { deep: 1 } },
      ground_truth: { _cls: "Classification", label: "cat" },
      boxes: { _cls: "Detections", detections: [{ label: "dog", boundingBox: [0, 0, 1, 1] }] },
    },
  ]);
});

const server = (filterFields: boolean) => ({ name: "some", capabilities: { filterFields } }) as never;
const check = (names: unknown) => checkFilterFields(server(true), dataset, names as readonly string[]);

describe("filter fields", () => {
  it("are fields of one kind each", async () => {
    const names = ["tags", "name", "score", "flag", "words", "ground_truth.label", "ground_truth.confidence"];
    const found = await check([...names, "boxes.label"]);
    expect(found?.map(({ kind }) => kind)).toEqual(
      ["texts", "text", "number", "boolean", "texts", "text", "number", "texts"], //
    );
    expect(await check(undefined)).toBeUndefined();
  });

  it.each([
    ["none", "FIELD_NOT_FOUND"],
    ["filepath", "FIELD_NOT_FOUND"],
    ["inner", "FIELD_TYPE_MISMATCH"],
    ["inner.deep", "FIELD_TYPE_MISMATCH"],
    ["ground_truth", "FIELD_TYPE_MISMATCH"],
    ["ground_truth.color", "FIELD_TYPE_MISMATCH"],
    ["boxes.confidence", "FIELD_TYPE_MISMATCH"],
  ])("are refused where '%s' is named: %s", async (name, code) => {
    await expect(check([name])).rejects.toMatchObject({ code });
  });

  it.each([[[]], [["tags", "tags"]], ["tags"], [[1]], [Array.from({ length: 33 }, (_, i) => `${i}`)]])(
    "are refused as %j",
    async (names) => {
      await expect(check(names)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    },
  );

  it("are refused by a backend that keeps none, before anything is written", async () => {
    const embeddings = [[1, 0]];
    const build = ns.computeSimilarity(dataset, { brainKey: "local", embeddings, filterFields: ["tags"] });
    await expect(build).rejects.toMatchObject({
      ...{ code: "BACKEND_NOT_SUPPORTED", message: expect.stringContaining("'local' does not") },
    });
    expect(await dataset.listBrainRuns()).toEqual([]);
    await expect(checkFilterFields(server(false), dataset, ["tags"])).rejects.toMatchObject({
      code: "BACKEND_NOT_SUPPORTED",
    });
  });

  it("are never out of date in a run without any", async () => {
    const index = await ns.computeSimilarity(dataset, { brainKey: "plain", embeddings: [[1, 0]] });
    expect(await index.updateFilterFields()).toBe(0);
    expect(index.config).not.toHaveProperty("filterFields");
    await index.delete();
  });

  it("have keys that tell them apart and are plain names", () => {
    const names = ["tags", "ground_truth.label", "größe (px)", "GRÖSSE (px)", "x".repeat(200)];
    const keys = fieldsToMake(names.map((name) => ({ name, kind: "text" }))).map(({ key }) => key);
    expect(keys.slice(0, 2)).toEqual(["field0_tags", "field1_ground_truth_label"]);
    expect(new Set(keys).size).toBe(names.length);
    for (const key of keys) expect(key).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
  });
});

describe("values", () => {
  const FIELDS: readonly FilterFieldRecord[] = [
    { name: "tags", kind: "texts" },
    { name: "name", kind: "text" },
    { name: "score", kind: "number" },
    { name: "flag", kind: "boolean" },
    { name: "words", kind: "texts" },
  ];
  const sample = (fields: Record<string, unknown>, tags: string[] = []): SampleRecord => ({
    ...{ id: "a", filepath: "a.jpg", mediaType: "image", labels: {}, labelFields: {} },
    tags,
    fields,
  });
  const values = (...given: Parameters<typeof sample>) => valuesOf(FIELDS, sample(...given));

  it("are those of the field's kind, and nothing else", () => {
    expect(values({ name: "x", score: 0, flag: false, words: ["a", 1, null, "a", "b"] }, ["t"])).toEqual({
      ...{ field0_tags: ["t"], field1_name: ["x"], field2_score: 0, field3_flag: false },
      field4_words: ["a", "b"],
    });
    expect(values({ name: 1, score: "1", flag: 1, words: [2] })).toEqual({});
  });

  it("are cut where a text is long, and not known where all together are too long or the sample is gone", () => {
    expect(values({ name: "x".repeat(5_000) })).toEqual({ field1_name: ["x".repeat(1_000)] });
    expect(values({ name: `${"x".repeat(999)}\u{1F600}` })).toEqual({
      field1_name: [`${"x".repeat(999)}\uFFFD`],
    });
    expect(
      values(
        {},
        Array.from({ length: 2_000 }, (_, i) => `tag ${i}`),
      ),
    ).toBeNull();
    expect(valuesOf(FIELDS, undefined)).toBeNull();
  });
});

describe("a view", () => {
  const FIELDS: readonly FilterFieldRecord[] = [
    { name: "tags", kind: "texts" },
    { name: "name", kind: "text" },
    { name: "score", kind: "number" },
    { name: "flag", kind: "boolean" },
    { name: "boxes.label", kind: "texts" },
  ];
  const key = (name: string) =>
    fieldKey(
      name,
      FIELDS.findIndex((field) => field.name === name),
    );
  const one = (name: string, ...texts: string[]): FieldCondition => ({ op: "oneOf", key: key(name), texts });
  const all = (...conditions: FieldCondition[]): FieldCondition => ({ op: "and", conditions });
  const pushed = (...stages: StoreStage[]) => pushedFilter(stages, FIELDS, "boxes");
  const match = (filter: Filter) => ({ stage: "match", filter }) as const;

  it.each<[string, StoreStage[], FieldCondition]>([
    [
      "tags",
      [{ stage: "matchTags", tags: ["a", "b"] }],
      { op: "or", conditions: [one("tags", "a"), one("tags", "b")] },
    ],
    [
      "all tags",
      [{ stage: "matchTags", tags: ["a", "b"], all: true }],
      all(one("tags", "a"), one("tags", "b")),
    ],
    ["texts", [match(F("name").eq("x"))], one("name", "x")],
    ["several texts", [match(F("name").in(["x", "y"]))], one("name", "x", "y")],
    ["elements", [match(F("boxes.label").contains("cat"))], one("boxes.label", "cat")],
    ["booleans", [match(F("flag").eq(false))], { op: "is", key: key("flag"), value: false }],
    [
      "patches of its rows",
      [match(F("name").eq("x")), { stage: "toPatches", field: "boxes" }],
      one("name", "x"),
    ],
  ])("of %s becomes a condition", (_, stages, condition) => {
    expect(pushed(...stages)).toEqual({ condition: all(condition) });
  });

  it("of several conditions becomes one", () => {
    const found = pushed(match(F("name").eq("x")), match(F("flag").eq(true)));
    expect(found).toEqual({ condition: all(one("name", "x"), { op: "is", key: key("flag"), value: true }) });
  });

  it.each([
    [F("score").eq(0.1), 0.1, 0.1],
    [F("score").gt(5), 5, Number.MAX_VALUE],
    [F("score").lte(-5), -Number.MAX_VALUE, -5],
    [F("score").gte(Number.MAX_VALUE), Number.MAX_VALUE, Number.MAX_VALUE],
    [F("score").eq(5e-324), 5e-324, 5e-324],
  ])("of numbers becomes a range that is no narrower, and hardly wider: %j", (filter, least, most) => {
    const found = pushed(match(filter));
    const condition =
      "condition" in found && found.condition.op === "and" ? found.condition.conditions[0] : null;
    if (condition?.op !== "between") throw new Error("Expected a range");
    const { from, to } = condition;
    expect([from <= least, to >= most, Number.isFinite(from), Number.isFinite(to)]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(least - from).toBeLessThanOrEqual(Math.abs(least) * 1e-13 + 1e-299);
    expect(to - most).toBeLessThanOrEqual(Math.abs(most) * 1e-13 + 1e-299);
  });

  it.each<[StoreStage[], string]>([
    [[], "no condition"],
    [[{ stage: "toPatches", field: "boxes" }], "no condition"],
    [[{ stage: "limit", count: 3 }], "limit is done by the store"],
    [
      [
        { stage: "matchTags", tags: ["a"] },
        { stage: "toPatches", field: "other" },
      ],
      "toPatches",
    ],
    [
      [
        { stage: "toPatches", field: "boxes" },
        { stage: "matchTags", tags: ["a"] },
      ],
      "toPatches",
    ],
    [[{ stage: "matchTags", tags: ["a"], not: true }], "matchTags with not"],
    [[{ stage: "matchTags", tags: [] }], "an empty 'or'"],
    [[match(F("filepath").eq("a"))], "'filepath' is no filter field"],
    [[match(F("name").ne("a"))], "'ne' is done"],
    [[match(not(F("name").eq("a")))], "'not' is done"],
    [[match(F("name").exists())], "'exists' is done"],
    [[match(F("name").startsWith("a"))], "'startsWith' is done"],
    [[match(F("name").gt("a"))], "'gt' of texts"],
    [[match(F("name").eq(null))], "null"],
    [[match(F("name").eq(1))], "of kind text, asked for number"],
    [[match(F("tags").eq("a"))], "of kind texts, asked for text"],
    [[match(F("name").contains("a"))], "of kind text, asked for texts"],
    [[match(F("name").in([]))], "'in' without values"],
    [[match(F("score").in([1, "a"]))], "values of several types"],
    [[match(F("tags").contains(1))], "a number in a list"],
    [[match(F("tags").contains("a\0b"))], "U+0000"],
    [[match(F("boxes").labels(F("label").eq("cat")))], "'labels' is done"],
    [[match(F("name").in(Array.from({ length: 1_001 }, (_, i) => `${i}`)))], "more than 1000 parts"],
  ])("of %j goes by ids", (stages, reason) => {
    expect(pushed(...stages)).toEqual({ reason: expect.stringContaining(reason) });
  });
});
