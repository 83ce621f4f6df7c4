/** Reading views: pages, snapshots, values and counts. */

import { describe, expect, test } from "vitest";
import { newId } from "../../core/ids.ts";
import type { StoreStage } from "../../core/store/store.ts";
import { EVERYTHING, newSample } from "./helpers.ts";
import { useTwelveSamples } from "./twelve-samples.ts";

const files = useTwelveSamples();

describe("reading", () => {
  test("pages join up to the whole, for every kind of row", async () => {
    const { samples } = files.store;
    const stages: StoreStage[] = [{ stage: "shuffle", seed: 5 }];
    for (const field of [null, "boxes"]) {
      const whole = await samples.media(files.datasetId, stages, field, EVERYTHING);
      const pages = [];
      for (let offset = 0; offset < 30; offset += 7)
        pages.push(...(await samples.media(files.datasetId, stages, field, { offset, limit: 7 })));
      expect(pages).toEqual(whole);
      const snapshot = await samples.snapshot(files.datasetId, stages, field);
      expect(snapshot.size).toBe(whole.length);
      expect(await snapshot.media(EVERYTHING)).toEqual(whole);
      expect(await samples.rowIds(files.datasetId, stages, field)).toEqual(whole.map((row) => row.id));
      expect((await snapshot.rows({ offset: 5, limit: 2 })).map((row) => row.id)).toEqual(
        whole.slice(5, 7).map((row) => row.id),
      );
    }
  });

  test("a snapshot keeps its order while samples come and go", async () => {
    const { samples, datasets } = files.store;
    const { id } = await datasets.create("moving");
    await samples.add(
      id,
      ["a", "b", "c", "d"].map((name) => newSample({ id: name })),
    );
    const snapshot = await samples.snapshot(id, []);
    await samples.delete(id, ["b"]);
    await samples.add(id, [newSample({ id: "e" })]);
    expect((await snapshot.ids({ offset: 0, limit: 2 })).map((row) => row.id)).toEqual(["a"]);
    expect((await snapshot.rows({ offset: 2, limit: 9 })).map((row) => row.id)).toEqual(["c", "d"]);
    expect(snapshot.size).toBe(4);
  });

  test("values have their types; missing ones are null, lists of labels are lists", async () => {
    const { samples } = files.store;
    const values = (path: string, ...stages: StoreStage[]) =>
      samples.values(files.datasetId, [...stages, { stage: "limit", count: 4 }], path, EVERYTHING);
    expect(await values("inner.mixed")).toEqual([null, true, 3, "text"]);
    expect((await values("inner"))[1]).toEqual({ deep: -1, mixed: true });
    expect(await values("tags")).toEqual([["even"], ["odd", "x"], ["even"], ["odd", "x"]]);
    expect(await values("boxes.detections.confidence")).toEqual([[], [0.1], [0.1, 0.2], [0.1, 0.2, 0.3]]);
    expect(await values("scene.label")).toEqual([null, "in", "in", "in"]);
    expect(await values("boxes.label", { stage: "skip", count: 11 })).toEqual([null]);
    expect(await values("id")).toEqual(["s0", "s1", "s2", "s3"]);
    expect(await samples.values(files.datasetId, [], "n", { offset: 10, limit: 5 })).toEqual([10, 11]);
    await expect(values("boxes")).rejects.toMatchObject({ code: "FIELD_TYPE_MISMATCH" });
  });

  test("countValues counts rows, and lists and labels one by one", async () => {
    const count = (path: string, ...stages: StoreStage[]) =>
      files.store.samples.countValues(files.datasetId, stages, path);
    expect(await count("group")).toEqual([
      [0, 4],
      [1, 4],
      [2, 4],
    ]);
    expect(await count("tags")).toEqual([
      ["even", 6],
      ["odd", 6],
      ["x", 6],
    ]);
    expect(await count("scene.label")).toEqual([
      ["out", 6],
      ["in", 5],
      [null, 1],
    ]);
    expect(await count("inner.mixed")).toEqual([
      [null, 3],
      ["text", 3],
      [3, 3],
      [true, 3],
    ]);
    expect(await count("boxes.label", { stage: "toPatches", field: "boxes" })).toEqual(
      await count("boxes.label"),
    );
    expect(await count("n", { stage: "limit", count: 0 })).toEqual([]);
  });

  test("byId gives those that exist in the order asked, with all labels", async () => {
    const found = await files.store.samples.byId(files.datasetId, ["s3", newId(), "s1", "s3"]);
    expect(found.map((sample) => [sample.id, sample.labels.boxes?.length])).toEqual([
      ["s3", 3],
      ["s1", 1],
      ["s3", 3],
    ]);
  });
});
