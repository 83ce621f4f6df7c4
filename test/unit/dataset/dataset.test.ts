/** Data sets: made, named, filled and changed. */

import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { F } from "../../../core/dataset/field.ts";
import type { Detections } from "../../../core/dataset/labels.ts";
import { detections, useDatasets } from "./helpers.ts";

const files = useDatasets();
const { newDataset } = files;

describe("by name", () => {
  test("data sets are made, listed, loaded, renamed and deleted", async () => {
    const { ns } = files;
    const made = await ns.createDataset("pets");
    expect((await ns.loadDataset("pets")).id).toBe(made.id);
    expect(await ns.datasetExists("pets")).toBe(true);
    await expect(ns.createDataset("pets")).rejects.toMatchObject({ code: "DATASET_EXISTS" });
    expect((await ns.createDataset("pets", { overwrite: true })).id).not.toBe(made.id);
    const renamed = await ns.renameDataset("pets", "animals");
    expect(renamed.name).toBe("animals");
    expect(await ns.listDatasets()).toContain("animals");
    await ns.deleteDataset("animals");
    await expect(ns.loadDataset("animals")).rejects.toMatchObject({ code: "DATASET_NOT_FOUND" });
    await expect(ns.deleteDataset("animals")).rejects.toMatchObject({ code: "DATASET_NOT_FOUND" });
    const unnamed = await ns.createDataset();
    expect(unnamed.name).toMatch(/^\d{4}(\.\d\d){5}\.\d{3}$/);
  });

  test.each(["", "  ", "a\nb", "x".repeat(201)])("%j is no name", async (name) => {
    await expect(files.ns.createDataset(name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("adding samples", () => {
  test("a sample as short as can be", async () => {
    const dataset = await newDataset();
    const ids = await dataset.addSamples(Array.from({ length: 20 }, (_, i) => ({ filepath: `tmp${i}.jpg` })));
    expect(ids).toHaveLength(20);
    expect(await dataset.values("id")).toEqual(ids);
    const first = await dataset.first();
    expect(first).toEqual({
      id: ids[0],
      filepath: resolve("tmp0.jpg"),
      mediaType: "image",
      tags: [],
      fields: {},
      distances: {},
    });
    expect((await dataset.last()).id).toBe(ids[19]);
  });

  test("fields, tags, labels and vectors come back typed and frozen", async () => {
    const dataset = await newDataset();
    const id = await dataset.addSample({
      filepath: "s3://bucket/cat.wav",
      tags: ["train"],
      uniqueness: 0.25,
      taken: new Date(0),
      inner: { a: [1, null], b: undefined },
      nothing: null,
      left: undefined,
      class: { _cls: "Classification", label: "cat", confidence: 0.9 },
      ground_truth: {
        _cls: "Detections",
        detections: [
          {
            id: "d1",
            label: "cat",
            boundingBox: [0, 0.1, 0.2, 0.3],
            tags: ["t"],
            attributes: { iscrowd: 0 },
          },
        ],
      },
      embedding: new Float32Array([1, 2]),
    });
    const sample = await dataset.sample(id);
    expect(sample.filepath).toBe("s3://bucket/cat.wav");
    expect(sample.mediaType).toBe("audio");
    expect(Object.keys(sample.fields).sort()).toEqual([
      "class",
      "ground_truth",
      "inner",
      "taken",
      "uniqueness",
    ]);
    expect(sample.get("uniqueness")).toBe(0.25);
    expect(sample.get("taken")).toBe("1970-01-01T00:00:00.000Z");
    expect(sample.get("inner.a")).toEqual([1, null]);
    expect(sample.get("class.label")).toBe("cat");
    expect(sample.get("nothing")).toBeNull();
    expect(sample.get("toString")).toBeNull();
    expect(sample.get<Detections>("ground_truth")).toEqual({
      _cls: "Detections",
      detections: [
        {
          _cls: "Detection",
          id: "d1",
          label: "cat",
          boundingBox: [0, 0.1, 0.2, 0.3],
          tags: ["t"],
          attributes: { iscrowd: 0 },
        },
      ],
    });
    expect(() =>
      Object.assign(sample.get<Detections>("ground_truth")?.detections[0] ?? {}, { label: "dog" }),
    ).toThrow(TypeError);
    expect(JSON.parse(JSON.stringify(sample)).get).toBeUndefined();
    expect(await dataset.values("embedding")).toEqual([new Float32Array([1, 2])]);
    expect((await dataset.getVectors("embedding", id)).vectors.shape).toEqual([1, 2]);
    expect(await dataset.fields()).toContainEqual({ name: "embedding", type: "vector" });
    // Once a field holds vectors, plain lists of numbers are vectors too.
    await dataset.addSample({ filepath: "b.jpg", embedding: [3, 4] });
    await dataset.addSample({ filepath: "c.jpg" });
    expect(await dataset.values("embedding")).toEqual([
      new Float32Array([1, 2]),
      new Float32Array([3, 4]),
      null,
    ]);
    expect(await dataset.exists("embedding").count()).toBe(2);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["no path", { filepath: undefined }, "INVALID_ARGUMENT"],
    ["NaN", { a: Number.NaN }, "INVALID_ARGUMENT"],
    ["a function", { a: () => 1 }, "INVALID_ARGUMENT"],
    ["U+0000", { a: "x\0" }, "INVALID_ARGUMENT"],
    ["a lone surrogate", { tags: ["\uD800"] }, "INVALID_ARGUMENT"],
    ["tags that are no list", { tags: "train" }, "INVALID_ARGUMENT"],
    [
      "a box of three",
      { a: { _cls: "Detections", detections: [{ label: "x", boundingBox: [0, 0, 1] }] } },
      "INVALID_ARGUMENT",
    ],
    ["a label without a name", { a: { _cls: "Classification" } }, "INVALID_ARGUMENT"],
    ["a reserved name", { sample_id: "x" }, "INVALID_ARGUMENT"],
    ["a vector with NaN", { v: new Float32Array([Number.NaN]) }, "VECTOR_INVALID"],
    ["an empty vector", { v: new Float32Array(0) }, "VECTOR_INVALID"],
    ["a vector of another length", { known: new Float32Array(3) }, "DIMENSION_MISMATCH"],
  ])("%s is refused and nothing is written", async (_, change, code) => {
    const dataset = await newDataset();
    await dataset.addSample({ filepath: "a.jpg", known: new Float32Array(2) });
    await expect(
      dataset.addSamples([{ filepath: "b.jpg" }, { filepath: "c.jpg", ...change } as never]),
    ).rejects.toMatchObject({ code });
    expect(await dataset.count()).toBe(1);
  });

  test("values nested without end are refused", async () => {
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    const dataset = await newDataset();
    await expect(dataset.addSample({ filepath: "a.jpg", loop })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("a stream of samples is added in chunks, in order", async () => {
    const dataset = await newDataset();
    async function* stream() {
      for (let n = 0; n < 2_500; n++) yield { filepath: `/${n}.jpg`, n };
    }
    const ids = await dataset.addSamples(stream());
    expect(await dataset.values("n")).toEqual(Array.from({ length: 2_500 }, (_, n) => n));
    expect(await dataset.values("id")).toEqual(ids);
  });
});

describe("changing samples", () => {
  test("samples are deleted by id, by object and by view", async () => {
    const dataset = await newDataset(10);
    const [first, second, ...rest] = await dataset.head(4);
    expect(await dataset.deleteSamples(first?.id ?? "")).toBe(1);
    expect(await dataset.deleteSamples([second ?? "", ...rest])).toBe(3);
    expect(await dataset.deleteSamples(dataset.take(2, { seed: 1 }))).toBe(2);
    expect(await dataset.deleteSamples("unknown")).toBe(0);
    expect(await dataset.count()).toBe(4);
  });

  test("deleting a view larger than one chunk deletes all of it", async () => {
    const dataset = await newDataset(2_300);
    expect(await dataset.deleteSamples(dataset.match(F("n").gte(100)))).toBe(2_200);
    expect(await dataset.count()).toBe(100);
  });

  test("views are tagged and untagged, also by the tag itself", async () => {
    const dataset = await newDataset(6);
    await dataset.match(F("n").gt(3)).tagSamples(["high", "x"]);
    expect(await dataset.countValues("tags")).toEqual(
      new Map([
        ["high", 2],
        ["x", 2],
      ]),
    );
    await dataset.matchTags("high").untagSamples("high");
    expect(await dataset.countValues("tags")).toEqual(new Map([["x", 2]]));
  });

  test("fields are set for all, or by id; null unsets", async () => {
    const dataset = await newDataset(3);
    const [a = "", b = ""] = await dataset.values<string>("id");
    await dataset.setField("split", "train");
    await dataset.setValues("split", { [b]: "test" });
    await dataset.limit(1).setField("split", null);
    expect(await dataset.values("split")).toEqual([null, "test", "train"]);
    await dataset.setValues("boxes", new Map([[a, detections("cat", "dog")]]));
    expect(await dataset.values("boxes.label")).toEqual([["cat", "dog"], null, null]);
    await dataset.setValues("boxes", { [a]: null });
    expect(await dataset.exists("boxes").count()).toBe(0);
    await dataset.setValues("v", { [a]: new Float32Array([1, 2]) });
    await dataset.setVectors("v", [b], [[3, 4]]);
    expect(await dataset.values("v")).toEqual([new Float32Array([1, 2]), new Float32Array([3, 4]), null]);
    await expect(dataset.setValues("split", { [a]: 1 })).rejects.toMatchObject({
      code: "FIELD_TYPE_MISMATCH",
    });
    await expect(dataset.setValues("split", { none: "x" })).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await expect(dataset.setVectors("v", a, [[1, 2, 3]])).rejects.toMatchObject({
      code: "DIMENSION_MISMATCH",
    });
    await expect(dataset.setVectors("v", a, [[1, Number.NaN]])).rejects.toMatchObject({
      code: "VECTOR_INVALID",
    });
  });
});
