/** COCODetectionDataset: reads FiftyOne's files and the layouts people have, names what is wrong, writes what it reads. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { ImportOptions } from "../../../core/dataset/io-port.ts";
import type { Detection, Detections } from "../../../core/dataset/labels.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { folderWith, importNew } from "../../support/imports.ts";
import { encodePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const FIXTURE = join(import.meta.dirname, "../../fixtures/fiftyone/coco");

let ns: Nearsight;
let picture: Uint8Array;
beforeAll(async () => {
  ns = await temporaryNearsight();
  picture = await encodePicture(plainPicture(20, 10, [1, 2, 3]));
});

const imported = (path: string, options?: ImportOptions) => importNew(ns, path, options);

/** A folder with labels and pictures. */
function folderOf(labels: unknown, pictures: readonly string[], name = "labels.json"): string {
  const text = typeof labels === "string" ? labels : JSON.stringify(labels);
  return folderWith({ [name]: text, ...Object.fromEntries(pictures.map((path) => [path, picture])) });
}

const IMAGE = { id: 1, file_name: "a.png", width: 20, height: 10 };
const BOX = { id: 1, image_id: 1, category_id: 1, bbox: [2, 1, 10, 5] };
const CATEGORIES = [{ id: 1, name: "cat" }];

function labels(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { info: {}, categories: CATEGORIES, images: [IMAGE], annotations: [BOX], ...changes };
}

async function detections(dataset: Dataset): Promise<readonly Detection[]> {
  return (await dataset.first()).get<Detections>("ground_truth")?.detections ?? [];
}

test("reads FiftyOne's export with confidence and attributes", async () => {
  const { dataset, report } = await imported(FIXTURE);
  expect(report).toMatchObject({ format: "coco", added: 4, failed: [] });
  const [sample] = await dataset.page(2, 1);
  const [first, second] = sample?.get<Detections>("ground_truth")?.detections ?? [];
  expect(first).toMatchObject({ label: "class 0", confidence: 0.9 });
  // FiftyOne writes NaN as the bare word.
  expect(first?.attributes).toMatchObject({ color: "red", iscrowd: 0, blur: { $numberDouble: "NaN" } });
  expect(second?.attributes?.["segmentation"]).toHaveLength(1);
  expect(sample?.get("metadata")).toEqual({ width: 32, height: 20 });
});

test.each([
  ["annotations/instances_val2017.json", "val2017/a.png", {}],
  ["annotations/instances_train.json", "images/train/a.png", {}],
  ["_annotations.coco.json", "a.png", {}],
  ["labels.json", "data/sub/a.png", {}],
  ["x/y.json", "z/a.png", { labelsPath: "x/y.json", dataPath: "z", format: "coco" }],
])("finds %s with %s", async (labelsFile, file, options) => {
  const name = file.includes("sub") ? "sub/a.png" : "a.png";
  const folder = folderOf(labels({ images: [{ ...IMAGE, file_name: name }] }), [file], labelsFile);
  const { dataset, report } = await imported(folder, options);
  expect(report).toMatchObject({ format: "coco", added: 1, failed: [] });
  expect((await dataset.first()).filepath).toBe(join(folder, file));
  expect((await detections(dataset))[0]?.boundingBox).toEqual([0.1, 0.1, 0.5, 0.5]);
});

test("takes a file itself, and a label field", async () => {
  const folder = folderOf(labels(), ["data/a.png"]);
  const { dataset } = await imported(join(folder, "labels.json"), { labelField: "boxes" });
  expect((await dataset.first()).get<Detections>("boxes")?.detections).toHaveLength(1);
});

test("reads the size from the picture where the file has none", async () => {
  const folder = folderOf(labels({ images: [{ id: 1, file_name: "a.png" }] }), ["data/a.png"]);
  const { dataset } = await imported(folder);
  expect((await detections(dataset))[0]?.boundingBox).toEqual([0.1, 0.1, 0.5, 0.5]);
});

test("leaves out labels where the file has no list of annotations", async () => {
  const { annotations: _, ...unlabelled } = labels();
  const { dataset } = await imported(folderOf(unlabelled, ["data/a.png"]));
  expect((await dataset.first()).get("ground_truth")).toBeNull();
});

describe("names what is wrong and reads the rest", () => {
  test.each([
    [
      "an annotation of an unknown image",
      labels({ annotations: [BOX, { ...BOX, id: 7, image_id: 9 }] }),
      "annotation 7",
    ],
    [
      "an unknown category",
      labels({ annotations: [BOX, { ...BOX, id: 7, category_id: 9 }] }),
      "annotation 7",
    ],
    [
      "a negative box",
      labels({ annotations: [BOX, { ...BOX, id: 7, bbox: [1, 1, -2, 1] }] }),
      "annotation 7",
    ],
    ["a box outside", labels({ annotations: [BOX, { ...BOX, id: 7, bbox: [50, 1, 2, 1] }] }), "annotation 7"],
    [
      "a box of three numbers",
      labels({ annotations: [BOX, { ...BOX, id: 7, bbox: [1, 1, 1] }] }),
      "annotation 7",
    ],
    [
      "a box of texts",
      labels({ annotations: [BOX, { ...BOX, id: 7, bbox: ["1", "1", "1", "1"] }] }),
      "annotation 7",
    ],
    [
      "no box",
      labels({ annotations: [BOX, { id: 7, image_id: 1, category_id: 1, caption: "a" }] }),
      "annotation 7",
    ],
    ["an annotation that is no object", labels({ annotations: [BOX, 5] }), "annotations 2"],
    ["two images of one id", labels({ images: [IMAGE, { ...IMAGE, file_name: "b.png" }] }), "images 2"],
    ["an image without a name", labels({ images: [IMAGE, { id: 2 }] }), "images 2"],
  ])("%s", async (_, content, place) => {
    const { dataset, report } = await imported(folderOf(content, ["data/a.png"]));
    expect(report.added).toBe(1);
    expect(report.failed.map(({ path }) => path)).toEqual([`labels.json: ${place}`]);
    expect(await detections(dataset)).toHaveLength(1);
  });

  test("NaN in a box", async () => {
    const text = JSON.stringify(
      labels({ annotations: [BOX, { ...BOX, id: 7, bbox: [1, 1, 1, 77] }] }),
    ).replace("77", "NaN");
    const { report } = await imported(folderOf(text, ["data/a.png"]));
    expect(report.failed).toEqual([
      { path: "labels.json: annotation 7", reason: "its bbox is not four finite numbers" },
    ]);
  });

  test("a picture that is missing", async () => {
    const images = [IMAGE, { ...IMAGE, id: 2, file_name: "gone.png" }];
    const { report } = await imported(folderOf(labels({ images }), ["data/a.png"]));
    expect(report.failed.map(({ reason }) => reason)).toEqual(["there is no such file"]);
  });

  test.each(["", "{", '{"images": [', '{"info": {}, "images": [}', "[1]", '{"info": {}} {}'])(
    "no JSON: %s",
    async (text) => {
      const adding = imported(folderOf(text, ["data/a.png"]), { format: "coco" });
      await expect(adding).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    },
  );

  test("no file of labels", async () => {
    const adding = imported(temporaryFolder(), { format: "coco" });
    await expect(adding).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
  });
});

describe("an export", () => {
  test("is read back the same", async () => {
    const { dataset } = await imported(FIXTURE);
    const target = join(temporaryFolder(), "out");
    expect(await dataset.export(target, { format: "COCODetectionDataset" })).toMatchObject({
      exported: 4,
      failed: [],
    });
    const again = await imported(target);
    expect(again.report).toMatchObject({ format: "coco", added: 4, failed: [] });
    expect(await facts(again.dataset)).toEqual(await facts(dataset));
  });

  test("numbers the classes that were given, and names what is of none", async () => {
    const { dataset } = await imported(FIXTURE);
    const target = join(temporaryFolder(), "out");
    const { failed } = await dataset.export(target, { format: "coco", classes: ["class 1", "other"] });
    // Samples have 0, 1, 2 and 3 objects; one each of classes 0 and 2 is left out.
    expect(failed).toHaveLength(4);
    // NaN is the bare word, as FiftyOne writes it.
    const text = readFileSync(join(target, "labels.json"), "utf8").replaceAll("NaN", "null");
    const { categories, annotations } = JSON.parse(text);
    expect(categories.map((one: { name: string }) => one.name)).toEqual(["class 1", "other"]);
    expect(annotations.map((one: { category_id: number }) => one.category_id)).toEqual([1, 1]);
  });

  test("keeps arrays, areas of masks and crowds", async () => {
    const array = Buffer.from(
      "eJyb7BfqGxDJyFDGUK2eklqcXKRupaBuk2ahrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RrGOpo6CrUKFAAuBhTwwR7KcAAA8UEczQ==",
    ).toString();
    const annotation = { ...BOX, area: 12.5, iscrowd: 1, embedding: array };
    const { dataset } = await imported(folderOf(labels({ annotations: [annotation] }), ["data/a.png"]));
    expect((await detections(dataset))[0]?.attributes).toMatchObject({
      embedding: { $binary: { base64: array } },
    });
    const target = join(temporaryFolder(), "out");
    await dataset.export(target, { format: "coco" });
    const [written] = JSON.parse(readFileSync(join(target, "labels.json"), "utf8")).annotations;
    expect(written).toMatchObject({ area: 12.5, iscrowd: 1, embedding: array, bbox: BOX.bbox });
  });

  test("without media names the files where they are", async () => {
    const { dataset } = await imported(FIXTURE);
    const target = join(temporaryFolder(), "out");
    await dataset.export(target, { format: "coco", exportMedia: false });
    expect(await (await imported(target)).dataset.values("filepath")).toEqual(
      await dataset.values("filepath"),
    );
  });

  test("needs one field of detections", async () => {
    const dataset = await ns.createDataset();
    const exporting = (labelField?: string) =>
      dataset.export(join(temporaryFolder(), "out"), {
        format: "coco",
        ...(labelField === undefined ? {} : { labelField }),
      });
    await expect(exporting()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(exporting("boxes")).rejects.toMatchObject({ code: "FIELD_NOT_FOUND" });
    await dataset.addSamples([{ filepath: "a.png", note: "a" }]);
    await expect(exporting("note")).rejects.toMatchObject({ code: "FIELD_TYPE_MISMATCH" });
  });
});

/** Labels without ids, boxes to six digits. */
async function facts(dataset: Dataset): Promise<unknown[]> {
  const samples: unknown[] = [];
  for await (const sample of dataset) {
    const found = sample.get<Detections>("ground_truth")?.detections ?? [];
    samples.push(
      found.map(({ id: _, boundingBox, ...rest }) => ({
        ...rest,
        box: boundingBox.map((one) => one.toFixed(6)),
      })),
    );
  }
  return samples;
}
