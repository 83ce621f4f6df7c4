/** Views sorted by similarity, against a search that ranks by place in the data set. */

import { expect, test } from "vitest";
import { F } from "../../../core/dataset/field.ts";
import { toSimilarityQuery } from "../../../core/dataset/similarity-port.ts";
import { matrix } from "../../../core/matrix.ts";
import { useDatasets } from "./helpers.ts";

const files = useDatasets();
let names = 0;

async function newDataset(size = 10) {
  const dataset = await files.ns.createDataset(`similar ${names++}`);
  const boxes = (n: number) => ({
    _cls: "Detections",
    detections: Array.from({ length: n % 3 }, (_, i) => ({
      label: i === 0 ? "cat" : "dog",
      boundingBox: [0, 0, 1, 1],
    })),
  });
  await dataset.addSamples(
    Array.from({ length: size }, (_, n) => ({
      filepath: `/${n}.jpg`,
      n,
      tags: n % 2 ? ["odd"] : ["even"],
      boxes: boxes(n),
    })),
  );
  return dataset;
}

test("the search runs once, when the view is first read", async () => {
  const dataset = await newDataset();
  files.searches.asked.length = 0;
  const view = dataset.sortBySimilarity([4.2], { k: 5, brainKey: "images" });
  expect(files.searches.asked).toHaveLength(0);
  expect(await view.values("n")).toEqual([4, 5, 3, 6, 2]);
  expect(await view.count()).toBe(5);
  expect((await view.first()).get("n")).toBe(4);
  await view.limit(2).count();
  expect(files.searches.asked).toHaveLength(1);
  expect(files.searches.asked[0]).toMatchObject({
    dataset: { id: dataset.id },
    before: [],
    patchesField: null,
    stage: { stage: "sortBySimilarity", query: { vector: [4.2] }, k: 5, brainKey: "images" },
  });
});

test("later stages keep the order; earlier ones limit the search", async () => {
  const dataset = await newDataset();
  const view = dataset.matchTags("odd").sortBySimilarity([4.2], { distField: "distance" });
  expect(await view.values("n")).toEqual([5, 3, 7, 1, 9]);
  expect(await view.match(F("n").gt(2)).skip(1).values("n")).toEqual([3, 7, 9]);
  expect(await view.match(F("distance").lt(2)).values("n")).toEqual([5, 3]);
  expect((await view.first()).distances).toEqual({ distance: expect.closeTo(0.8) });
  expect((await view.first()).get("distance")).toBeCloseTo(0.8);
  expect(await view.sortBy("n").values("n")).toEqual([1, 3, 5, 7, 9]);
  expect(await dataset.sortBySimilarity([0], { reverse: true, k: 2 }).values("n")).toEqual([9, 8]);
});

test("hits give rank, score and distance of rows still in the view", async () => {
  const dataset = await newDataset();
  const ids = await dataset.values<string>("id");
  const view = dataset.sortBySimilarity([4], { k: 3 });
  expect(await view.hits()).toEqual([
    { id: ids[4], sampleId: ids[4], rank: 1, score: 1, distance: 0 },
    { id: ids[3], sampleId: ids[3], rank: 2, score: 0.5, distance: 1 },
    { id: ids[5], sampleId: ids[5], rank: 3, score: 0.5, distance: 1 },
  ]);
  expect((await view.matchTags("odd").hits()).map((hit) => hit.rank)).toEqual([2, 3]);
  expect(await dataset.limit(1).hits()).toEqual([]);
  const nested = dataset.sortBySimilarity([4], { k: 5 }).sortBySimilarity([9], { k: 2 });
  expect((await nested.hits()).map((hit) => hit.id)).toEqual([ids[6], ids[5]]);
});

test("patches are searched as patches", async () => {
  const dataset = await newDataset();
  files.searches.asked.length = 0;
  const view = dataset.toPatches("boxes").sortBySimilarity([2], { k: 4 });
  const rows = await view.head(9);
  expect(files.searches.asked[0]?.patchesField).toBe("boxes");
  expect((await view.hits()).map((hit) => [hit.id, hit.sampleId])).toEqual(
    rows.map((row) => [row.id, row.sampleId]),
  );
  const dogs = view.match(F("label").eq("dog"));
  expect((await dogs.hits()).map((hit) => hit.id)).toEqual((await dogs.head(9)).map((row) => row.id));
});

test("a search that failed is tried again", async () => {
  const dataset = await newDataset();
  const view = dataset.sortBySimilarity([1], { k: 1 });
  const later = view.limit(1);
  files.searches.failing = true;
  await expect(later.count()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  files.searches.failing = false;
  expect(await later.values("n")).toEqual([1]);
});

test("rows deleted after the search leave the view", async () => {
  const dataset = await newDataset();
  const view = dataset.sortBySimilarity([4], { k: 3 });
  expect(await view.count()).toBe(3);
  await dataset.deleteSamples(await view.first());
  expect(await view.values("n")).toEqual([3, 5]);
});

test("a view saved with a search searches again", async () => {
  const dataset = await newDataset();
  await dataset.saveView("near", dataset.sortBySimilarity({ prompt: "a prompt" }, { k: 2 }));
  expect(await (await dataset.loadView("near")).values("n")).toEqual([0, 1]);
});

test.each([
  ["a red car", { bare: "a red car" }],
  [["a", "b"], { bare: ["a", "b"] }],
  [[1, 2], { vector: [1, 2] }],
  [new Float32Array([0.5]), { vector: [0.5] }],
  [[[1], new Float32Array([2])], { vectors: [[1], [2]] }],
  [
    matrix(new Float32Array([1, 2, 3, 4]), 2),
    {
      vectors: [
        [1, 2],
        [3, 4],
      ],
    },
  ],
  [{ id: "x" }, { id: "x" }],
  [{ image: new Uint8Array([1]) }, { image: new Uint8Array([1]) }],
])("%j as a query", (input, expected) => {
  expect(toSimilarityQuery(input as never)).toEqual(expected);
});

test.each([[[]], [[1, "a"]], [7], [null], [[[]]]])("%j is no query", (input) => {
  expect(() => toSimilarityQuery(input as never)).toThrowError(
    expect.objectContaining({ code: "INVALID_ARGUMENT" }),
  );
});
