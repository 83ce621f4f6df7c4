/** YOLOv5Dataset and YOLOv4Dataset: reads FiftyOne's files and the layouts people have, writes what it reads. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { ImportOptions } from "../../../core/dataset/io-port.ts";
import type { Detections } from "../../../core/dataset/labels.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { folderWith, importNew } from "../../support/imports.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const FIXTURE = join(import.meta.dirname, "../../fixtures/fiftyone/yolo");

let ns: Nearsight;
beforeAll(async () => {
  ns = await temporaryNearsight();
});

const imported = (path: string, options?: ImportOptions) => importNew(ns, path, options);

/** Classes and boxes by file name. */
async function facts(dataset: Dataset): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for await (const { filepath, tags, get } of dataset) {
    const detections = get<Detections>("ground_truth")?.detections;
    const boxes = detections?.map(({ label, boundingBox, confidence = null }) => [
      label,
      boundingBox.map((one) => one.toFixed(6)),
      confidence,
    ]);
    found[filepath.split("/").at(-1) ?? ""] = { tags, boxes: boxes ?? null };
  }
  return found;
}

const BOX = [["cat", ["0.100000", "0.100000", "0.200000", "0.400000"], null]];

test("reads FiftyOne's export, which was moved since", async () => {
  const { dataset, report } = await imported(FIXTURE);
  expect(report).toMatchObject({ format: "yolo", added: 4, failed: [] });
  const found = await facts(dataset);
  expect(Object.keys(found)).toEqual(["picture 0.png", "picture 1.png", "picture 2.png", "picture 3.png"]);
  expect(found["picture 0.png"]).toEqual({ tags: ["val"], boxes: [] });
  expect(found["picture 1.png"]).toMatchObject({ boxes: [["class 0", expect.anything(), null]] });
});

const LABEL = "0 0.2 0.3 0.2 0.4\n";

test.each([
  [
    "a map of names",
    {
      "dataset.yaml": "names: {0: cat}\ntrain: images/train\n",
      "images/train/a.jpg": "",
      "labels/train/a.txt": LABEL,
    },
    "train",
  ],
  [
    "a list of names",
    { "data.yaml": "names: [cat]\nval: images\n", "images/a.jpg": "", "labels/a.txt": LABEL },
    "val",
  ],
  [
    "a relative path",
    { "x/data.yaml": "path: ..\nnames: [cat]\nval: images\n", "images/a.jpg": "", "labels/a.txt": LABEL },
    "val",
  ],
  [
    "a list of folders",
    { "data.yaml": "names: [cat]\ntest: [images/x]\n", "images/x/a.jpg": "", "labels/x/a.txt": LABEL },
    "test",
  ],
  [
    "a list of pictures",
    {
      "data.yaml": "names: [cat]\nval: val.txt\n",
      "val.txt": "./images/a.jpg\n",
      "images/a.jpg": "",
      "labels/a.txt": LABEL,
    },
    "val",
  ],
  [
    "images below each part",
    { "data.yaml": "names: [cat]\nval: val/images\n", "val/images/a.jpg": "", "val/labels/a.txt": LABEL },
    "val",
  ],
])("reads %s", async (_, files, tag) => {
  const folder = folderWith(files);
  const { dataset, report } = await imported("x/data.yaml" in files ? join(folder, "x") : folder);
  expect(report).toMatchObject({ format: "yolo", added: 1, failed: [] });
  expect(await facts(dataset)).toEqual({ "a.jpg": { tags: [tag], boxes: BOX } });
});

test("reads version 4", async () => {
  const folder = folderWith({
    "obj.names": "cat\n",
    "images.txt": "data/a.jpg\n",
    "data/a.jpg": "",
    "data/a.txt": LABEL,
  });
  const { dataset, report } = await imported(folder);
  expect(report).toMatchObject({ format: "yolo", added: 1, failed: [] });
  expect(await facts(dataset)).toEqual({ "a.jpg": { tags: [], boxes: BOX } });
});

test("reads confidence and polygons, and numbers without names", async () => {
  const rows = "3 0.2 0.3 0.2 0.4 0.75\n1 0.1 0.1 0.3 0.1 0.3 0.5\n";
  const folder = folderWith({ "data.yaml": "val: images\n", "images/a.jpg": "", "labels/a.txt": rows });
  const { dataset } = await imported(folder);
  const [first, second] = (await dataset.first()).get<Detections>("ground_truth")?.detections ?? [];
  expect(first).toMatchObject({ label: "3", confidence: 0.75 });
  expect(second?.boundingBox.map((one) => one.toFixed(6))).toEqual([
    "0.100000",
    "0.100000",
    "0.200000",
    "0.400000",
  ]);
  expect(second?.attributes).toEqual({
    polygon: [
      [0.1, 0.1],
      [0.3, 0.1],
      [0.3, 0.5],
    ],
  });
});

test("a picture without a file of labels has none", async () => {
  const { dataset } = await imported(
    folderWith({ "data.yaml": "names: [cat]\nval: images\n", "images/a.jpg": "" }),
  );
  expect(await facts(dataset)).toEqual({ "a.jpg": { tags: ["val"], boxes: null } });
});

describe("names what is wrong and reads the rest", () => {
  test.each([
    "9 0.2 0.3 0.2 0.4",
    "cat 0.2 0.3 0.2 0.4",
    "0 0.2 0.3",
    "0 a b c d",
    "0 NaN 0.3 0.2 0.4",
    "0 0.2 0.3 -0.2 0.4",
    "0 5 5 0.1 0.1",
    "0 1e999 0 0 0",
    "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7",
  ])("the row %s", async (row) => {
    const folder = folderWith({
      "data.yaml": "names: [cat]\nval: images\n",
      "images/a.jpg": "",
      "labels/a.txt": `${LABEL}${row}\n`,
    });
    const { dataset, report } = await imported(folder);
    expect(report.failed.map(({ path }) => path)).toEqual([`${join(folder, "labels/a.txt")}: line 2`]);
    expect(await facts(dataset)).toEqual({ "a.jpg": { tags: ["val"], boxes: BOX } });
  });

  test("pictures and folders that are missing", async () => {
    const folder = folderWith({
      "data.yaml": "names: [cat]\nval: list.txt\ntest: nothing\n",
      "list.txt": "gone.jpg\n",
    });
    expect((await imported(folder)).report.failed.map(({ path }) => path)).toEqual([
      "gone.jpg",
      join(folder, "nothing"),
    ]);
  });

  test.each([
    ["a file that is cut off", "names: [cat\nval: images"],
    [
      "a bomb of aliases",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghi"
        .split("")
        .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(",")}]`)
        .join("\n")}\nval: images`,
    ],
    ["no parts", "names: [cat]\n"],
    ["a text", "val"],
  ])("%s", async (_, yaml) => {
    const adding = imported(folderWith({ "dataset.yaml": yaml, "images/a.jpg": "" }), { format: "yolo" });
    await expect(adding).rejects.toMatchObject({ code: "MEDIA_INVALID" });
  });

  test("a folder without names", async () => {
    await expect(imported(temporaryFolder(), { format: "yolo" })).rejects.toMatchObject({
      code: "MEDIA_NOT_FOUND",
    });
  });
});

describe("an export", () => {
  test("is read back the same", async () => {
    const { dataset } = await imported(FIXTURE);
    const target = join(temporaryFolder(), "out");
    expect(await dataset.export(target, { format: "YOLOv5Dataset" })).toMatchObject({
      exported: 4,
      failed: [],
    });
    const again = await imported(target);
    expect(await facts(again.dataset)).toEqual(await facts(dataset));
  });

  test("keeps pictures apart whose names differ in the ending alone, and parts by their tags", async () => {
    const folder = folderWith({ "a.png": "1", "a.jpg": "2" });
    const dataset = await ns.createDataset();
    const boxes = (label: string) => ({
      _cls: "Detections" as const,
      detections: [{ label, boundingBox: [0, 0, 0.5, 1] as const }],
    });
    await dataset.addSamples([
      { filepath: join(folder, "a.png"), tags: ["train"], boxes: boxes("x") },
      { filepath: join(folder, "a.jpg"), tags: ["train"], boxes: boxes("y") },
    ]);
    const target = join(folder, "out");
    await dataset.export(target, { format: "yolo", classes: ["x"] });
    expect(readFileSync(join(target, "labels/train/a.txt"), "utf8")).toBe(
      "0 0.250000000 0.500000000 0.500000000 1.000000000",
    );
    expect(readFileSync(join(target, "labels/train/a-2.txt"), "utf8")).toBe("");
    expect(readFileSync(join(target, "images/train/a-2.jpg"), "utf8")).toBe("2");
  });

  test("needs the media", async () => {
    const { dataset } = await imported(FIXTURE);
    const exporting = dataset.export(join(temporaryFolder(), "out"), { format: "yolo", exportMedia: false });
    await expect(exporting).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
