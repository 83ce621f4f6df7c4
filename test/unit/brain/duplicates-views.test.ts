/** Views and plots of duplicates, on samples and on patches. */

import { beforeEach, describe, expect, it } from "vitest";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import { matrix } from "../../../core/matrix.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

/** Two groups, of three and of two, and one entry alone; the angle of each in degrees. */
const ANGLES = [0, 90, 2, 91, 5, 200];

function onCircle(angles: readonly number[]) {
  const radians = angles.map((angle) => (angle * Math.PI) / 180);
  return matrix(Float32Array.from(radians.flatMap((angle) => [Math.cos(angle), Math.sin(angle)])), 2);
}

function distance(degrees: number): number {
  return 1 - Math.cos((degrees * Math.PI) / 180);
}

const THRESH = distance(10);

let ns: Nearsight;
let dataset: Dataset;
let index: SimilarityIndex;
let ids: string[];

beforeEach(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("views");
  ids = await dataset.addSamples(ANGLES.map((angle) => ({ filepath: `image${angle}.jpg`, angle })));
  index = await ns.computeSimilarity(dataset, { embeddings: onCircle(ANGLES), brainKey: "images" });
});

const id = (row: number): string => ids[row] ?? "";

describe("duplicatesView", () => {
  it("has each kept sample with its duplicates, nearest first, the closest group first", async () => {
    await index.findDuplicates({ thresh: THRESH });
    const view = await index.duplicatesView();
    expect(await view.values("id")).toEqual([id(1), id(3), id(0), id(2), id(4)]);
    const reversed = await index.duplicatesView({ reverse: true });
    expect(await reversed.values("id")).toEqual([id(0), id(2), id(4), id(1), id(3)]);
  });

  it("sorts groups by their number of duplicates", async () => {
    await index.findDuplicates({ thresh: THRESH });
    const few = await index.duplicatesView({ sortBy: "count" });
    expect(await few.values("id")).toEqual([id(1), id(3), id(0), id(2), id(4)]);
    const many = await index.duplicatesView({ sortBy: "count", reverse: true });
    expect(await many.values("id")).toEqual([id(0), id(2), id(4), id(1), id(3)]);
    const other = index.duplicatesView({ sortBy: "size" as "count" });
    await expect(other).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("writes type, nearest sample and distance to fields", async () => {
    await index.findDuplicates({ thresh: THRESH });
    const view = await index.duplicatesView({ typeField: "kind", idField: "nearest", distField: "far" });
    expect(await view.values("kind")).toEqual(["nearest", "duplicate", "nearest", "duplicate", "duplicate"]);
    expect(await view.values("nearest")).toEqual([id(1), id(1), id(0), id(0), id(0)]);
    const expected = [0, distance(1), 0, distance(2), distance(5)].map((value) => expect.closeTo(value, 5));
    expect(await view.values("far")).toEqual(expected);
    expect(await dataset.match(F("kind").eq("duplicate")).values("id")).toEqual([id(2), id(3), id(4)]);
    expect((await dataset.sample(id(5))).get("kind")).toBeNull();
  });

  it("leaves out samples that were deleted or are not in the view any more", async () => {
    await index.findDuplicates({ thresh: THRESH });
    await dataset.deleteSamples([id(3)]);
    expect(await (await index.duplicatesView()).values("id")).toEqual([id(0), id(2), id(4)]);
    index.useView(dataset.exclude([id(0)]));
    expect(await (await index.duplicatesView()).count()).toBe(0);
  });

  it("is empty where there are no duplicates", async () => {
    await index.findDuplicates({ thresh: 0 });
    expect(await (await index.duplicatesView({ typeField: "kind" })).count()).toBe(0);
  });

  it("needs findDuplicates, which findUnique does not stand for", async () => {
    await expect(index.duplicatesView()).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      hint: expect.stringContaining("findDuplicates()"),
    });
    await index.findUnique(2);
    await expect(index.duplicatesView()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(index.neighborsMap).toBeNull();
  });
});

describe("uniqueView", () => {
  it("has the kept samples in the order of the view", async () => {
    await index.findDuplicates({ thresh: THRESH });
    expect(await index.uniqueView().values("id")).toEqual([id(0), id(1), id(5)]);
    await index.findUnique(2);
    expect(await index.uniqueView().values("id")).toEqual([id(0), id(5)]);
    index.useView(dataset.sortBy("angle", { reverse: true }));
    expect(await index.uniqueView().values("id")).toEqual([id(5), id(0)]);
  });

  it("needs a result, and results start as null", () => {
    expect([index.thresh, index.uniqueIds, index.duplicateIds, index.neighborsMap]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(() => index.uniqueView()).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});

describe("a patch index", () => {
  it("has views of patches and writes attributes of labels", async () => {
    const patches = await ns.createDataset("patches");
    const box = [0.1, 0.1, 0.2, 0.2] as const;
    await patches.addSamples(
      [ANGLES.slice(0, 4), [], ANGLES.slice(4)].map((angles, i) => ({
        filepath: `picture${i}.jpg`,
        objects: {
          _cls: "Detections" as const,
          detections: angles.map((angle) => ({
            label: `at ${angle}`,
            boundingBox: box,
            confidence: 0.5,
            attributes: { angle },
          })),
        },
      })),
    );
    const labels = await ns.computeSimilarity(patches, {
      patchesField: "objects",
      embeddings: onCircle(ANGLES),
      brainKey: "objects",
    });
    await labels.findDuplicates({ thresh: THRESH });
    const view = await labels.duplicatesView({ typeField: "kind", distField: "far" });
    expect(await view.values("label")).toEqual(["at 90", "at 91", "at 0", "at 2", "at 5"]);
    const again = patches.toPatches("objects").select(await view.values<string>("id"), { ordered: true });
    const rows = await again.head(5);
    expect(rows.map((row) => row.attributes["kind"])).toEqual([
      "nearest",
      "duplicate",
      "nearest",
      "duplicate",
      "duplicate",
    ]);
    expect(rows[1]?.attributes["far"]).toBeCloseTo(distance(1), 5);
    expect(rows.map((row) => row.confidence)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5]);
    expect(rows.map((row) => row.attributes["angle"])).toEqual([90, 91, 0, 2, 5]);
    expect(await labels.uniqueView().values("label")).toEqual(["at 0", "at 90", "at 200"]);
    labels.useView(patches.filterLabels("objects", F("label").ne("at 0")));
    await labels.findDuplicates({ thresh: THRESH });
    expect(await labels.uniqueView().values("label")).toEqual(["at 90", "at 2", "at 200"]);
  });
});

describe("plots", () => {
  const points = matrix(Float32Array.from(ANGLES.flatMap((angle) => [angle, -angle])), 2);

  it("give each point its type and each duplicate its line", async () => {
    await index.findDuplicates({ thresh: THRESH });
    const order = [5, 4, 3, 2, 1, 0];
    const visualization = {
      points: matrix(Float32Array.from([...order.flatMap((row) => [...points.row(row)]), 7, 7]), 2),
      sampleIds: [...order.map(id), "somebody-else"],
      labelIds: null,
    };
    const plot = index.visualizeDuplicates(visualization);
    expect(plot.ids).toEqual(order.map(id));
    expect(plot.types).toEqual(["unique", "duplicate", "duplicate", "duplicate", "nearest", "nearest"]);
    expect([...plot.points.row(1)]).toEqual([5, -5]);
    expect(plot.points.shape).toEqual([6, 2]);
    expect(plot.edges.toSorted(([a], [b]) => a - b)).toEqual([
      [1, 5],
      [2, 4],
      [3, 5],
    ]);
  });

  it("tell the unique ones from the others", async () => {
    await index.findUnique(2);
    const plot = index.visualizeUnique({ points, sampleIds: ids, labelIds: null });
    expect(plot.types).toEqual(["unique", "other", "other", "other", "other", "unique"]);
  });

  it("need results", () => {
    const visualization = { points, sampleIds: ids, labelIds: null };
    for (const draw of [
      () => index.visualizeDuplicates(visualization),
      () => index.visualizeUnique(visualization),
    ]) {
      expect(draw).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    }
  });

  it("count how far the nearest neighbours are", async () => {
    await index.findDuplicates({ thresh: THRESH });
    const plot = await index.plotDistances({ bins: 4, log: true });
    expect(plot.metric).toBe("cosine");
    expect([plot.thresh, plot.log]).toEqual([THRESH, true]);
    expect(plot.counts).toEqual([5, 0, 0, 1]);
    expect(plot.edges).toHaveLength(5);
    expect(plot.edges[0]).toBeCloseTo(distance(1), 5);
    expect(plot.edges[4]).toBeCloseTo(distance(109), 5);
    const whole = await index.plotDistances();
    expect(whole.counts).toHaveLength(100);
    expect(whole.counts.reduce((sum, count) => sum + count)).toBe(6);
  });

  it("have bins for one distance, and for none", async () => {
    index.useView(dataset.select([id(0), id(2)]));
    const pair = await index.plotDistances({ bins: 2 });
    expect(pair.counts).toEqual([0, 2]);
    expect(pair.edges.map((edge) => edge - distance(2))).toEqual(
      [-0.5, 0, 0.5].map((value) => expect.closeTo(value, 5)),
    );
    index.useView(dataset.select([id(0)]));
    expect(await index.plotDistances({ bins: 2 })).toMatchObject({ counts: [0, 0], edges: [0, 0.5, 1] });
  });

  it.each([0, 1.5, Number.NaN])("refuse %d bins", async (bins) => {
    await expect(index.plotDistances({ bins })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
