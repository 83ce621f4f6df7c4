/** Data sets: made, filled, changed and read through views. */

import { resolve } from "node:path";
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { checkFilter } from "../../../core/dataset/check.ts";
import { F } from "../../../core/dataset/field.ts";
import type { Detections, Label } from "../../../core/dataset/labels.ts";
import { useDatasets } from "./helpers.ts";

const files = useDatasets();

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

let names = 0;

async function newDataset(size = 0) {
  const dataset = await files.ns.createDataset(`data set ${names++}`);
  await dataset.addSamples(Array.from({ length: size }, (_, n) => ({ filepath: `/${n}.jpg`, n })));
  return dataset;
}

function detections(...labels: string[]): Label {
  return {
    _cls: "Detections",
    detections: labels.map((label, i) => ({
      label,
      boundingBox: [0, 0, 0.5, 0.5],
      confidence: (i + 1) / 10,
    })),
  } as unknown as Label;
}

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

describe("reading", () => {
  test("rows, counts and values", async () => {
    const dataset = await newDataset(5);
    expect((await dataset.head()).map((sample) => sample.get("n"))).toEqual([0, 1, 2]);
    expect((await dataset.page(3, 9)).map((sample) => sample.get("n"))).toEqual([3, 4]);
    await dataset.setValues(
      "word",
      Object.fromEntries(
        (await dataset.values<string>("id")).map((id, i) => [id, ["b", "B", "ä", "b", "a"][i]]),
      ),
    );
    expect(await dataset.distinct("word")).toEqual(["B", "a", "b", "ä"]);
    expect(await dataset.countValues("word")).toEqual(
      new Map([
        ["b", 2],
        ["B", 1],
        ["a", 1],
        ["ä", 1],
      ]),
    );
    expect(await dataset.bounds("n")).toEqual([0, 4]);
    expect(await dataset.bounds("word")).toEqual([null, null]);
    await expect(dataset.limit(0).first()).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await expect(dataset.limit(0).last()).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await expect(dataset.sample("none")).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await expect(dataset.values("wrd")).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
      hint: "Did you mean word?",
    });
  });

  test("a loop over ten thousand samples holds one page of them", async () => {
    const dataset = await newDataset();
    await dataset.addSamples(
      (function* () {
        for (let n = 0; n < 10_000; n++) yield { filepath: `/${n}.jpg`, n, text: "x".repeat(2_000) };
      })(),
    );
    // 20 MB of text in all; a page of 500 holds 1 MB.
    const seen = new Set<unknown>();
    let largest = 0;
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for await (const sample of dataset.shuffle({ seed: 1 })) {
      seen.add(sample.get("n"));
      if (seen.size % 1_000 === 0) {
        collectGarbage();
        largest = Math.max(largest, process.memoryUsage().heapUsed - before);
      }
    }
    expect(seen.size).toBe(10_000);
    expect(largest).toBeLessThan(15e6);
    let pages = 0;
    for await (const page of dataset.ids(3_000)) pages += page.length > 0 ? 1 : 0;
    expect(pages).toBe(4);
  });

  test("a loop that is left early, and one over samples that go meanwhile", async () => {
    const dataset = await newDataset(1_200);
    for await (const sample of dataset) if (sample.get("n") === 3) break;
    const seen: unknown[] = [];
    for await (const sample of dataset) {
      if (seen.length === 0) await dataset.deleteSamples(dataset.match(F("n").gt(1_000)));
      seen.push(sample.get("n"));
    }
    expect(seen).toEqual(Array.from({ length: 1_001 }, (_, n) => n));
  });

  test("patches are rows of their own", async () => {
    const dataset = await newDataset();
    const id = await dataset.addSample({ filepath: "/a.jpg", gt: detections("cat", "dog", "cat") });
    await dataset.addSample({ filepath: "/b.jpg" });
    const patches = dataset.filterLabels("gt", F("label").eq("cat")).toPatches("gt");
    expect(patches.patchesField).toBe("gt");
    expect(await patches.count()).toBe(2);
    const second = await patches.last();
    expect(second).toMatchObject({
      sampleId: id,
      filepath: "/a.jpg",
      label: "cat",
      confidence: 0.3,
      boundingBox: [0, 0, 0.5, 0.5],
    });
    expect(second.get("confidence")).toBe(0.3);
    const pages = [];
    for await (const page of dataset.mediaPages({ patchesField: "gt", pageSize: 2 })) pages.push(page.length);
    expect(pages).toEqual([2, 1]);
    await patches.tagSamples("has cats");
    expect(await dataset.countValues("tags")).toEqual(new Map([["has cats", 1]]));
    expect(await patches.select([second]).values("id")).toEqual([second.id]);
  });
});

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
