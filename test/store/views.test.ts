/** Views that choose: which rows a stage keeps, and the fields and filters it refuses. */

import { describe, expect, test } from "vitest";
import type { Filter } from "../../core/filter.ts";
import { EVERYTHING, newSample } from "./helpers.ts";
import { compare, label, useTwelveSamples } from "./twelve-samples.ts";

const files = useTwelveSamples();
const { numbers } = files;

describe("choosing", () => {
  test("match, matchTags, exists, select and exclude keep the data set's order", async () => {
    expect(await numbers({ stage: "match", filter: compare("n", "gt", 8) })).toEqual([9, 10, 11]);
    expect(await numbers({ stage: "match", filter: compare("inner.deep", "lt", -9) })).toEqual([10, 11]);
    expect(await numbers({ stage: "matchTags", tags: ["odd", "x"], all: true })).toEqual([1, 3, 5, 7, 9, 11]);
    expect(await numbers({ stage: "matchTags", tags: ["odd", "even"], all: true })).toEqual([]);
    expect(await numbers({ stage: "matchTags", tags: ["x"], not: true })).toEqual([0, 2, 4, 6, 8, 10]);
    expect(await numbers({ stage: "matchTags", tags: [] })).toEqual([]);
    expect(await numbers({ stage: "exists", field: "half", not: true })).toEqual([0, 4, 8]);
    expect(await numbers({ stage: "exists", field: "boxes", not: true })).toEqual([11]);
    expect(await numbers({ stage: "exists", field: "scene", not: true })).toEqual([0]);
    expect(await numbers({ stage: "exists", field: "vector" })).toEqual([1, 2]);
    expect(await numbers({ stage: "select", ids: ["s5", "s2", "s5", "none"] })).toEqual([2, 5]);
    expect(await numbers({ stage: "exclude", ids: ["s0", "s11"] })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("select ordered gives the order asked, each row once", async () => {
    expect(await numbers({ stage: "select", ids: ["s5", "s2", "none", "s5", "s9"], ordered: true })).toEqual([
      5, 2, 9,
    ]);
  });

  test("limit and skip cut what the stages before them gave", async () => {
    expect(await numbers({ stage: "skip", count: 9 })).toEqual([9, 10, 11]);
    expect(
      await numbers({ stage: "limit", count: 4 }, { stage: "skip", count: 2 }, { stage: "limit", count: 9 }),
    ).toEqual([2, 3]);
    expect(
      await numbers({ stage: "sortBy", field: "n", reverse: true }, { stage: "limit", count: 2 }),
    ).toEqual([11, 10]);
    expect(
      await numbers({ stage: "limit", count: 3 }, { stage: "sortBy", field: "n", reverse: true }),
    ).toEqual([2, 1, 0]);
    expect(await numbers({ stage: "limit", count: 0 })).toEqual([]);
  });

  test("a classification's label is a value; a list of labels is none", async () => {
    expect(await numbers({ stage: "match", filter: compare("scene.label", "eq", "out") })).toEqual([
      6, 7, 8, 9, 10, 11,
    ]);
    expect(await numbers({ stage: "match", filter: compare("scene.label", "ne", "in") })).toEqual([
      0, 6, 7, 8, 9, 10, 11,
    ]);
    expect(await numbers({ stage: "match", filter: compare("scene.label", "eq", null) })).toEqual([0]);
    const contains: Filter = { op: "contains", field: "boxes.detections.label", value: "bird" };
    expect(await numbers({ stage: "match", filter: contains })).toEqual([2, 3, 5, 7, 10]);
    await expect(
      numbers({ stage: "match", filter: compare("boxes.label", "eq", "cat") }),
    ).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
    await expect(numbers({ stage: "match", filter: compare("scene", "eq", "in") })).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
  });

  test("a field nobody has is named, with those near it", async () => {
    await expect(numbers({ stage: "match", filter: compare("grup", "eq", 1) })).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
      hint: "Did you mean group?",
    });
    await expect(numbers({ stage: "sortBy", field: "zzzzzz" })).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
    });
    await expect(numbers({ stage: "toPatches", field: "box" })).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
    });
    await expect(numbers({ stage: "toPatches", field: "n" })).rejects.toMatchObject({
      code: "FIELD_TYPE_MISMATCH",
    });
    await expect(numbers({ stage: "toPatches", field: "scene" })).rejects.toMatchObject({
      code: "FIELD_TYPE_MISMATCH",
    });
    await expect(numbers({ stage: "filterLabels", field: "n", filter: label("cat") })).rejects.toMatchObject({
      code: "FIELD_TYPE_MISMATCH",
    });
  });

  test.each(["n'", 'n"', "n'); drop table samples; --", 'inner."] = 1 --', "$", "inner.$", "n\u0000"])(
    "the field name %j does no harm",
    async (field) => {
      for (const stage of [
        { stage: "match" as const, filter: { op: "exists" as const, field } },
        { stage: "sortBy" as const, field },
        { stage: "exists" as const, field },
      ]) {
        const outcome = await numbers(stage).catch((error) => error.code);
        if (Array.isArray(outcome)) expect(field).toBe("inner.$");
        else expect(["FIELD_NOT_FOUND", "INVALID_FILTER"]).toContain(outcome);
      }
      expect(await files.store.samples.count(files.datasetId, [])).toBe(12);
    },
  );

  test("filters too deep or too long are refused, long lists are not", async () => {
    const deep = Array.from({ length: 40 }).reduce<Filter>(
      (filter) => ({ op: "not", filter }),
      compare("n", "eq", 1),
    );
    await expect(numbers({ stage: "match", filter: deep })).rejects.toMatchObject({ code: "INVALID_FILTER" });
    const wide = (length: number): Filter => ({
      op: "or",
      filters: Array.from({ length }, (_, i) => compare("n", "eq", i + 5)),
    });
    await expect(numbers({ stage: "match", filter: wide(6_000) })).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
    expect(await numbers({ stage: "match", filter: wide(4_000) })).toEqual([5, 6, 7, 8, 9, 10, 11]);
    const values = Array.from({ length: 50_000 }, (_, i) => (i % 2 === 0 ? i + 6 : `x${i}`));
    expect(await numbers({ stage: "match", filter: { op: "in", field: "n", values } })).toEqual([6, 8, 10]);
    expect(await numbers({ stage: "select", ids: [...values.map(String), "s3"] })).toEqual([3]);
  });

  test("a number is found again whatever its digits", async () => {
    const { id } = await files.store.datasets.create("numbers");
    const values = Array.from({ length: 400 }, (_, i) => Math.sin(i + 1) * 10 ** ((i % 60) - 30));
    await files.store.samples.add(
      id,
      values.map((value) => newSample({ fields: { value } })),
    );
    for (const value of values) {
      const found = await files.store.samples.values(
        id,
        [{ stage: "match", filter: compare("value", "eq", value) }],
        "value",
        EVERYTHING,
      );
      expect(found).toEqual([value]);
    }
  });
});
