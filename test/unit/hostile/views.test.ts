/** Views from outside: made as they say, or refused by what is wrong, however deep, long or strange they are. */

import { beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F, not } from "../../../core/dataset/field.ts";
import type { Filter } from "../../../core/filter.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

describe("views from outside", () => {
  let dataset: Dataset;
  beforeAll(async () => {
    dataset = await (await temporaryNearsight()).createDataset();
    await dataset.addSamples([{ filepath: "/a.jpg" }, { filepath: "/b.jpg" }]);
  });

  const nested = (depth: number): Filter => {
    let filter: Filter = { op: "exists", field: "filepath" };
    for (let i = 0; i < depth; i++) filter = { op: "not", filter };
    return filter;
  };
  const refusal = (json: unknown): unknown => {
    try {
      return dataset.view(json as never);
    } catch (error) {
      return error;
    }
  };

  test.each<[string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["a text", "limit"],
    ["a list", []],
    ["nothing", {}],
    ["stages that are no list", { stages: { length: 1 } }],
    ["a stage of null", { stages: [null] }],
    ["a stage of text", { stages: ["limit"] }],
    ["a stage without a name", { stages: [{}] }],
    ["a stage of another name", { stages: [{ stage: "constructor" }] }],
    ["a version of text", { version: "1", stages: [] }],
    ["version 0", { version: 0, stages: [] }],
    ["version NaN", { version: Number.NaN, stages: [] }],
    ["a newer version", { version: 2, stages: [] }],
    ["a misspelt member", { stages: [{ stage: "limit", count: 1, reversed: true }] }],
    ["a member __proto__", JSON.parse('{"stages":[{"stage":"limit","count":1,"__proto__":{"x":1}}]}')],
    [
      "a name of a distance that is __proto__",
      { stages: [{ stage: "sortBySimilarity", query: { id: "x" }, distField: "__proto__" }] },
    ],
    ["a search without a query", { stages: [{ stage: "sortBySimilarity" }] }],
    ["a search for null", { stages: [{ stage: "sortBySimilarity", query: null }] }],
    ["a bare search for a number", { stages: [{ stage: "sortBySimilarity", query: { bare: 5 } }] }],
    ["k of half", { stages: [{ stage: "sortBySimilarity", query: { id: "x" }, k: 0.5 }] }],
    ["a limit of 1e300", { stages: [{ stage: "limit", count: 1e300 }] }],
    ["half a surrogate pair", { stages: [{ stage: "select", ids: ["\ud800"] }] }],
  ])("%s is INVALID_ARGUMENT", (_, json) => {
    expect(refusal(json)).toMatchObject({ code: "INVALID_ARGUMENT", hint: expect.any(String) });
  });

  test.each<[string, unknown]>([
    ["no filter", undefined],
    ["a member __proto__", JSON.parse('{"op":"exists","field":"a","__proto__":{"op":"exists"}}')],
    ["Infinity", { op: "compare", field: "a", comparison: "lt", value: Number.POSITIVE_INFINITY }],
    ["half a surrogate pair", { op: "compare", field: "a", comparison: "eq", value: "\ud800" }],
    ["half a pair in a name", { op: "exists", field: "\udc00" }],
    ["a name without end", { op: "exists", field: "x".repeat(257) }],
    ["depth beyond the limit", nested(40)],
    ["depth beyond any stack", nested(100_000)],
  ])("a match with %s is INVALID_FILTER", (_, filter) => {
    for (const stage of [
      { stage: "match", filter },
      { stage: "filterLabels", field: "f", filter },
    ]) {
      expect(refusal({ stages: [stage] })).toMatchObject({
        code: "INVALID_FILTER",
        hint: expect.any(String),
      });
    }
    expect(() => dataset.match(filter as never)).toThrowError(
      expect.objectContaining({ code: "INVALID_FILTER" }),
    );
    expect(() => not(filter as never)).toThrowError(expect.objectContaining({ code: "INVALID_FILTER" }));
  });

  test("depth up to the limit is taken", async () => {
    expect(await dataset.match(nested(32)).count()).toBe(2);
    expect(await dataset.view({ stages: [{ stage: "match", filter: nested(31) }] }).count()).toBe(0);
  });

  test("parts that are shared do not multiply", () => {
    let filter: Filter = { op: "exists", field: "filepath" };
    for (let i = 0; i < 31; i++) filter = { op: "and", filters: [filter, filter] };
    expect(() => dataset.match(filter)).toThrowError(expect.objectContaining({ code: "INVALID_FILTER" }));
  });

  test("lists of any length are values, conditions are counted", async () => {
    const many = Array.from({ length: 200_000 }, (_, i) => `/${i}.jpg`);
    expect(await dataset.match(F("filepath").in([...many, "/b.jpg"])).count()).toBe(1);
    expect(await dataset.select([...many, ...(await dataset.values<string>("id"))]).count()).toBe(2);
    const conditions = Array.from({ length: 5_001 }, () => F("filepath").exists());
    const [first, ...rest] = conditions;
    await expect(dataset.match(first?.or(...rest) as Filter).count()).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
  });

  test("a view is what it was made of, whatever becomes of the object", async () => {
    const json = { stages: [{ stage: "match", filter: { op: "exists", field: "filepath" } }] };
    const view = dataset.view(json as never);
    Object.assign(json.stages[0]?.filter ?? {}, { field: "gone" });
    expect(await view.count()).toBe(2);
    expect(Object.prototype).not.toHaveProperty("x");
  });
});
