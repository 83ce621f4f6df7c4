/** VOCDetectionDataset: reads FiftyOne's files and Pascal VOC's, refuses hostile XML, writes what it reads. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { ImportOptions } from "../../../core/dataset/io-port.ts";
import type { Detections } from "../../../core/dataset/labels.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { folderWith, importNew } from "../../support/imports.ts";
import { encodePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const FIXTURE = join(import.meta.dirname, "../../fixtures/fiftyone/voc");

let ns: Nearsight;
let picture: Uint8Array;
beforeAll(async () => {
  ns = await temporaryNearsight();
  picture = await encodePicture(plainPicture(20, 10, [1, 2, 3]));
});

const imported = (path: string, options?: ImportOptions) => importNew(ns, path, options);

const OBJECT =
  "<object><name>cat</name><bndbox><xmin>2</xmin><ymin>1</ymin><xmax>12</xmax><ymax>6</ymax></bndbox></object>";
const SIZE = "<size><width>20</width><height>10</height><depth>3</depth></size>";
const xml = (inside: string) =>
  `<?xml version="1.0"?><annotation><filename>a.png</filename>${inside}</annotation>`;

async function boxes(dataset: Dataset): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const sample of dataset) {
    const detections = sample.get<Detections>("ground_truth")?.detections ?? [];
    found.push(detections.map(({ label, boundingBox, attributes }) => ({ label, boundingBox, attributes })));
  }
  return found;
}

test("reads FiftyOne's export", async () => {
  const { dataset, report } = await imported(FIXTURE);
  expect(report).toMatchObject({ format: "voc", added: 4, failed: [] });
  const [third] = await dataset.page(2, 1);
  const [detection] = third?.get<Detections>("ground_truth")?.detections ?? [];
  expect(detection).toMatchObject({
    label: "class 0",
    attributes: { color: "red", iscrowd: false, size: 0 },
  });
});

test.each([
  ["data/a.png", "labels/a.xml", xml(SIZE + OBJECT)],
  ["JPEGImages/a.png", "Annotations/a.xml", xml(SIZE + OBJECT)],
  ["data/a.png", "labels/a.xml", xml(OBJECT)],
  ["data/b.png", "labels/b.xml", `<annotation>${SIZE}${OBJECT}</annotation>`],
  ["data/a.png", "labels/a.xml", xml(`<size><width>0</width><height>0</height></size>${OBJECT}`)],
])("reads %s with %s", async (file, labels, content) => {
  const folder = folderWith({ [file]: picture, [labels]: content });
  const { dataset, report } = await imported(folder);
  expect(report).toMatchObject({ format: "voc", added: 1, failed: [] });
  expect((await dataset.first()).filepath).toBe(join(folder, file));
  expect(await boxes(dataset)).toEqual([[{ label: "cat", boundingBox: [0.1, 0.1, 0.5, 0.5] }]]);
});

test("keeps attributes, entities and parts", async () => {
  const inside =
    "<pose>Left &amp; up</pose><truncated>1</truncated><code>007</code><part><name>head</name></part>";
  const object = OBJECT.replace("</name>", " &lt;b&gt;</name>").replace("<bndbox>", `${inside}<bndbox>`);
  const { dataset } = await imported(
    folderWith({ "data/a.png": picture, "labels/a.xml": xml(SIZE + object) }),
  );
  const attributes = { pose: "Left & up", truncated: 1, code: "007", part: { name: "head" } };
  expect(await boxes(dataset)).toMatchObject([[{ label: "cat <b>", attributes }]]);
});

test("takes pictures without labels", async () => {
  const folder = folderWith({ "data/a.png": picture, "data/b.png": picture, "labels/a.xml": xml(SIZE) });
  const { dataset } = await imported(folder);
  expect(await dataset.values("ground_truth.detections.label")).toEqual([[], null]);
});

const BOMB = `<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">${[..."abcdefgh"].map((name, i) => `<!ENTITY ${name} "${`&${"xabcdefg"[i]};`.repeat(10)}">`).join("")}]>`;

describe("names what is wrong and reads the rest", () => {
  test.each([
    ["a bomb of entities", `${BOMB}<annotation><filename>&h;</filename></annotation>`],
    [
      "an external entity",
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename></annotation>',
    ],
    ["a file that is cut off", xml(SIZE + OBJECT).slice(0, 120)],
    ["a missing picture", xml(SIZE).replace("a.png", "gone.png")],
    ["another root", "<html></html>"],
    ["nothing", ""],
    ["a picture", "\x89PNG\r\n"],
    ["elements nested without end", "<a>".repeat(100_000)],
    ["a reserved name", xml("<__proto__><polluted>1</polluted></__proto__>")],
  ])("%s", async (_, content) => {
    const files = {
      "data/b.png": picture,
      "labels/b.xml": xml(SIZE + OBJECT).replace("a.png", "b.png"),
      "labels/c.xml": content,
    };
    const { report } = await imported(folderWith(files));
    expect(report.added).toBe(1);
    expect(report.failed.map(({ path }) => path)).toEqual(["c.xml"]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test.each([
    "<object></object>",
    "<object>text</object>",
    OBJECT.replace("<xmin>2</xmin>", ""),
    OBJECT.replace(">2<", ">NaN<"),
    OBJECT.replace(">12<", ">1<"),
    OBJECT.replace(">2<", ">200<").replace(">12<", ">220<"),
  ])("%s", async (object) => {
    const { dataset, report } = await imported(
      folderWith({ "data/a.png": picture, "labels/a.xml": xml(SIZE + OBJECT + object) }),
    );
    expect(report.failed.map(({ path }) => path)).toEqual(["a.xml: object 2"]);
    expect(await boxes(dataset)).toHaveLength(1);
  });

  test("folders that are missing", async () => {
    await expect(imported(temporaryFolder(), { format: "voc" })).rejects.toMatchObject({
      code: "MEDIA_NOT_FOUND",
    });
  });
});

describe("an export", () => {
  test("is read back the same", async () => {
    const { dataset } = await imported(FIXTURE);
    const target = join(temporaryFolder(), "out");
    expect(await dataset.export(target, { format: "VOCDetectionDataset" })).toMatchObject({
      exported: 4,
      failed: [],
    });
    expect(await boxes((await imported(target)).dataset)).toEqual(await boxes(dataset));
  });

  test("names attributes that XML has no place for", async () => {
    const folder = folderWith({ "a.png": picture });
    const dataset = await ns.createDataset();
    const attributes = { list: [1], "no name": 1, fine: "<&>" };
    const detections = [{ label: "<cat>", boundingBox: [0.1, 0.1, 0.5, 0.5] as const, attributes }];
    await dataset.addSamples([
      { filepath: join(folder, "a.png"), boxes: { _cls: "Detections", detections } },
    ]);
    const target = join(folder, "out");
    const { failed } = await dataset.export(target, { format: "voc" });
    expect(failed.map(({ path }) => path)).toEqual(["attribute 'list'", "attribute 'no name'"]);
    expect(readFileSync(join(target, "labels/a.xml"), "utf8")).toContain("<name>&lt;cat&gt;</name>");
    const expected = { label: "<cat>", boundingBox: [0.1, 0.1, 0.5, 0.5], attributes: { fine: "<&>" } };
    expect(await boxes((await imported(target)).dataset)).toEqual([[expected]]);
  });

  test("names labels with characters that XML cannot hold", async () => {
    const folder = folderWith({ "a.png": picture });
    const dataset = await ns.createDataset();
    const detections = [{ label: "a\u0001b", boundingBox: [0, 0, 1, 1] as const }];
    await dataset.addSamples([
      { filepath: join(folder, "a.png"), boxes: { _cls: "Detections", detections } },
    ]);
    expect(await dataset.export(join(folder, "out"), { format: "voc" })).toMatchObject({
      exported: 0,
      failed: [{}],
    });
  });

  test("without media names the files where they are", async () => {
    const { dataset } = await imported(FIXTURE);
    const target = join(temporaryFolder(), "out");
    await dataset.export(target, { format: "voc", exportMedia: false });
    expect(await (await imported(target)).dataset.values("filepath")).toEqual(
      await dataset.values("filepath"),
    );
  });
});
