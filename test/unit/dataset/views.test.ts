/** Views of data sets: made at once, written as JSON, refused where they make no sense, kept by name. */

import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { checkFilter } from "../../../core/dataset/check.ts";
import { F } from "../../../core/dataset/field.ts";
import { useDatasets } from "./helpers.ts";

const { newDataset } = useDatasets();

describe("views", () => {
  test("a view is made at once, frozen, and does not feel later changes of what it was made of", async () => {
    const dataset = await newDataset(3);
    const tags = ["a"];
    const view = dataset.matchTags(tags).limit(2);
    tags.push("b");
    expect(view.toJSON()).toEqual({
      version: 1,
      stages: [
        { stage: "matchTags", tags: ["a"] },
        { stage: "limit", count: 2 },
      ],
    });
    expect(() => Object.assign(view.stages[0] ?? {}, { all: true })).toThrow(TypeError);
    expect(dataset.stages).toEqual([]);
    expect(inspect(view)).toBe(
      `DatasetView '${dataset.name}'\n  matchTags {"tags":["a"]}\n  limit {"count":2}`,
    );
  });

  test("JSON makes the same view again; seeds that were not given are in it", async () => {
    const dataset = await newDataset(50);
    const view = dataset.match(F("n").gt(5)).take(7);
    const copy = dataset.view(JSON.parse(JSON.stringify(view)));
    expect(await copy.values("n")).toEqual(await view.values("n"));
    expect(await view.values("n")).toHaveLength(7);
    expect(() => dataset.view({ version: 99, stages: [] })).toThrowError(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  test.each<[string, () => unknown, string]>([
    ["a negative limit", () => -1, "INVALID_ARGUMENT"],
    ["half a row", () => 1.5, "INVALID_ARGUMENT"],
  ])("%s is refused at once", async (_, count, code) => {
    const dataset = await newDataset();
    expect(() => dataset.limit(count() as number)).toThrowError(expect.objectContaining({ code }));
    expect(() => dataset.take(count() as number)).toThrowError(expect.objectContaining({ code }));
    expect(() => dataset.match({ op: "compare", field: "a" } as never)).toThrowError(
      expect.objectContaining({ code: "INVALID_FILTER" }),
    );
    expect(() => dataset.sortBySimilarity({ wrong: 1 } as never)).toThrowError(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    expect(() => dataset.sortBySimilarity("a", { k: 0 })).toThrowError(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    expect(checkFilter({ ...F("a").exists() })).toEqual({ op: "exists", field: "a" });
  });

  test("saved views are kept by name", async () => {
    const dataset = await newDataset(10);
    const view = dataset.match(F("n").lt(4));
    await dataset.saveView("low", view);
    await expect(dataset.saveView("low", view)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await dataset.saveView("low", view.limit(2), { overwrite: true });
    expect(await (await dataset.loadView("low")).values("n")).toEqual([0, 1]);
    expect(await dataset.listSavedViews()).toEqual(["low"]);
    await dataset.deleteSavedView("low");
    await expect(dataset.loadView("low")).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
  });
});
