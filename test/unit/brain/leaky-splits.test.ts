/** Leaks between splits. */

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import { matrix } from "../../../core/matrix.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { DRIVERS, pairDistance } from "../../support/duplicates.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

let ns: Nearsight & { warnings: string[] };
let made = 0;

beforeAll(async () => {
  ns = await temporaryNearsight({ backends: DRIVERS });
});

/** Positions on a line, each with its splits. */
async function make(rows: readonly (readonly [at: number, ...tags: string[]])[]) {
  const dataset = await ns.createDataset(`leaks-${made++}`);
  const ids = await dataset.addSamples(
    rows.map(([at, ...tags], i) => ({
      filepath: `image${i}.jpg`,
      tags,
      at,
      split: tags[0] ?? null,
      folds: tags,
    })),
  );
  const vectors = matrix(Float32Array.from(rows.flatMap(([at]) => [at, 1])), 2);
  return { dataset, ids, vectors };
}

async function indexed(dataset: Dataset, vectors: ReturnType<typeof matrix>, backend = "local") {
  const embeddings = vectors as ReturnType<typeof matrix<Float32Array>>;
  return ns.computeSimilarity(dataset, { embeddings, metric: "euclidean", backend, brainKey: "images" });
}

const ROWS = [
  [0, "train"],
  [1, "train"],
  [1.5, "test"],
  [9, "test"],
  [9.2, "test"],
  [0.4, "val"],
  [20],
  [20.1, "train"],
  [30, "train", "test"],
] as const;

describe.each(DRIVERS.map((driver) => driver.name))("computeLeakySplits on '%s'", (backend) => {
  it("finds samples near one of another split, and those in two", async () => {
    const { dataset, ids, vectors } = await make(ROWS);
    const similarityIndex = await indexed(dataset, vectors, backend);
    const splits = ["train", "test", "val"];
    const leaks = await dataset.computeLeakySplits(splits, { similarityIndex, threshold: 0.55 });
    expect(leaks.thresh).toBe(0.55);
    const expected = [0, 5, 1, 2, 8].map((row) => ids[row]);
    expect(leaks.leakIds).toEqual(expected);
    expect(await leaks.leaksView().values("id")).toEqual(expected);
    expect(await leaks.noLeaksView().values("id")).toEqual([3, 4, 6, 7].map((row) => ids[row]));
    const train = leaks.splitViews["train"];
    expect(await leaks.noLeaksView(train).values("id")).toEqual([ids[7]]);
    expect(Object.keys(leaks.splitViews)).toEqual(splits);
    expect(similarityIndex.thresh).toBeNull();
  });

  it("names the leaks of one sample, nearest first", async () => {
    const { dataset, ids, vectors } = await make(ROWS);
    await indexed(dataset, vectors, backend);
    const options = { similarityIndex: "images", threshold: 0.55 };
    const leaks = await ns.computeLeakySplits(dataset, ["train", "test", "val"], options);
    const of = async (row: number) => (await leaks.leaksForSample(ids[row] ?? "")).values("id");
    expect(await of(1)).toEqual([ids[1], ids[2]]);
    expect(await of(7)).toEqual([ids[7]]);
    await leaks.findLeaks(0.7);
    expect(await of(1)).toEqual([ids[1], ids[2], ids[5]]);
    expect(await (await leaks.leaksForSample(await dataset.sample(ids[5] ?? ""))).values("id")).toEqual([
      ids[5],
      ids[0],
      ids[1],
    ]);
    await expect(leaks.leaksForSample("0123456789abcdef01234567")).rejects.toMatchObject({
      code: "ID_NOT_FOUND",
    });
  });
});

describe("computeLeakySplits", () => {
  it("takes the values of a field, a list, tags, or views as splits", async () => {
    const { dataset, ids, vectors } = await make(ROWS);
    await indexed(dataset, vectors);
    const options = { similarityIndex: "images", threshold: 0.55 };
    const found = async (splits: Parameters<Dataset["computeLeakySplits"]>[0]) =>
      (await dataset.computeLeakySplits(splits, options)).leakIds;
    const withBoth = [0, 5, 1, 2, 8].map((row) => ids[row]);
    expect(await found("split")).toEqual(withBoth.slice(0, 4));
    expect(await found("folds")).toEqual(withBoth);
    expect(await found("tags")).toEqual(withBoth);
    const views = { near: dataset.match(F("at").lt(1.2)), far: dataset.match(F("at").gte(1.2)) };
    expect(await found(views)).toEqual([ids[1], ids[2]]);
  });

  it("compares only the samples it is called on", async () => {
    const { dataset, ids, vectors } = await make(ROWS);
    await indexed(dataset, vectors);
    const some = dataset.exclude([ids[5] ?? ""]);
    const options = { similarityIndex: "images", threshold: 0.55 };
    const leaks = await some.computeLeakySplits(["train", "test", "val"], options);
    expect(leaks.leakIds).toEqual([1, 2, 8].map((row) => ids[row]));
  });

  it("finds exactly the pairs within the threshold, for any splits", async () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 12 }), fc.constantFrom("a", "b", "c", ""));
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 2, maxLength: 12 }),
        fc.integer({ min: 0, max: 3 }),
        async (list, thresh) => {
          const { dataset, ids, vectors } = await make(
            list.map(([at, tag]) => (tag === "" ? [at] : [at, tag])),
          );
          await indexed(dataset, vectors);
          const options = { similarityIndex: "images", threshold: thresh };
          const leaks = await dataset.computeLeakySplits(["a", "b", "c"], options);
          const expected = ids.filter((_, i) =>
            list.some(
              ([, tag], j) =>
                list[i]?.[1] !== "" &&
                tag !== "" &&
                tag !== list[i]?.[1] &&
                pairDistance("euclidean", vectors, i, j) <= thresh,
            ),
          );
          expect([...(leaks.leakIds ?? [])].sort()).toEqual([...expected].sort());
        },
      ),
      { numRuns: 25 },
    );
  });

  it("tags leaks, and makes an index under cosine where none is given", async () => {
    const { dataset, ids } = await make(ROWS.slice(0, 4));
    const embeddings = [
      [1, 0],
      [0, 1],
      [0.01, 1],
      [-1, 0],
    ];
    const leaks = await dataset.computeLeakySplits(["train", "test"], { embeddings, brainKey: "made" });
    expect(leaks.thresh).toBe(0.2);
    expect([leaks.similarityIndex.key, leaks.similarityIndex.config.metric]).toEqual(["made", "cosine"]);
    await leaks.tagLeaks();
    expect(await dataset.matchTags("leak").values("id")).toEqual([ids[1], ids[2]]);
    await leaks.tagLeaks("both");
    expect(await dataset.matchTags("both").count()).toBe(2);
    await leaks.findLeaks(0);
    expect(leaks.leakIds).toEqual([]);
    expect(await leaks.leaksView().count()).toBe(0);
    expect(await leaks.noLeaksView().count()).toBe(4);
  });

  it("warns of samples in several splits and of those without a vector", async () => {
    const { dataset, vectors } = await make(ROWS);
    await indexed(dataset, vectors);
    await dataset.addSamples([{ filepath: "late.jpg", tags: ["train"] }]);
    ns.warnings.length = 0;
    await dataset.computeLeakySplits(["train", "test"], { similarityIndex: "images" });
    expect(ns.warnings.join()).toContain("1 samples are in several splits");
    expect(ns.warnings.join()).toContain("1 samples of the splits are not in index 'images'");
  });

  it("refuses splits it cannot make", async () => {
    const { dataset, vectors } = await make(ROWS);
    await indexed(dataset, vectors);
    const options = { similarityIndex: "images" };
    const refused = (splits: Parameters<Dataset["computeLeakySplits"]>[0]) =>
      dataset.computeLeakySplits(splits, options);
    await expect(refused([])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(refused(["train", "train"])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(refused("absent")).rejects.toMatchObject({ code: "FIELD_NOT_FOUND" });
    await dataset.setVectors("vector", await dataset.values<string>("id"), vectors as never);
    await expect(refused("vector")).rejects.toMatchObject({ code: "FIELD_TYPE_MISMATCH" });
    const other = { similarityIndex: "images", threshold: Number.NaN };
    await expect(dataset.computeLeakySplits(["train", "test"], other)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
