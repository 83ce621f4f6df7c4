/** Folders of pictures: plain ones and those with a folder for each class. */

import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../../core/media/image.ts";
import { hostileText } from "../../support/samples.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const ns = await temporaryNearsight();
let count = 0;
const name = () => `data set ${count++}`;

/** A folder with these files, each holding its own name. */
function folderOf(...files: string[]): string {
  const folder = temporaryFolder();
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), file);
  }
  return folder;
}

const filesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

describe("detection", () => {
  test.each<[string, string[]]>([
    ["directory", ["a.jpg", "b/c.png"]],
    ["directory", ["only/a.jpg"]],
    ["directory", ["2023/may/a.jpg", "2024/june/b.jpg"]],
    ["tree", ["cat/a.jpg", "dog/b.jpg", "README.txt"]],
    ["jsonl", ["samples.jsonl", "data/a.jpg"]],
    ["csv", ["labels.csv", "data/a.jpg"]],
    ["parquet", ["samples.parquet", "a.jpg"]],
    ["npy", ["embeddings.npy"]],
  ])("%s: %j", async (format, files) => {
    const { detectFormat } = await import("../../../core/io/formats.ts");
    expect((await detectFormat(folderOf(...files)))?.name).toBe(format);
  });

  test("a folder without anything to import is refused, and so is one that is not there", async () => {
    const dataset = await ns.createDataset(name());
    await expect(dataset.addDir(folderOf("notes.txt"))).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    await expect(dataset.addDir("absent")).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
    expect(await dataset.count()).toBe(0);
  });

  test("formats go by FiftyOne's names too, however written; unknown ones list the known", async () => {
    const folder = folderOf("cat/a.jpg");
    const report = await (await ns.createDataset(name())).addDir(folder, {
      format: "imageclassificationdirectorytree",
    });
    expect(report.format).toBe("tree");
    await expect(ns.datasetFromDir(folder, { format: "__proto__" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      hint: expect.stringContaining("tree"),
    });
  });

  test.each([-1, 1.5, Number.NaN])("maxSamples of %d is refused", async (maxSamples) => {
    await expect(ns.datasetFromDir(folderOf("a.jpg"), { maxSamples })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("directory", () => {
  test("all pictures below the folder are added in order; a single picture is one sample", async () => {
    const folder = folderOf("b.jpg", "a/z.PNG", ".hidden/c.jpg", "notes.txt");
    const dataset = await ns.createDataset(name());
    const report = await dataset.addDir(folder, { tags: "new" });
    expect(report).toEqual({
      ...{ format: "directory", added: 2, updated: 0, failed: [], savedViews: [], brainRuns: [] },
    });
    expect(await dataset.values("filepath")).toEqual([join(folder, "a/z.PNG"), join(folder, "b.jpg")]);
    expect(await dataset.values("tags")).toEqual([["new"], ["new"]]);
    expect(await dataset.addDir(join(folder, "b.jpg"))).toMatchObject({ added: 1 });
  });

  test("an export holds a copy of each medium, or a link", async () => {
    const folder = folderOf("a/x.jpg", "b/x.jpg", "b/X.JPG");
    const dataset = await ns.createDataset(name());
    await dataset.addDir(folder);
    const copies = join(temporaryFolder(), "copies");
    const links = join(temporaryFolder(), "deep/links");
    expect(await dataset.export(copies, { format: "directory" })).toMatchObject({ exported: 3, failed: [] });
    await dataset.export(links, { format: "ImageDirectory", exportMedia: "symlink" });
    const contents = filesBelow(copies).map((file) => readFileSync(join(copies, file), "utf8"));
    expect(contents.sort()).toEqual(["a/x.jpg", "b/X.JPG", "b/x.jpg"]);
    expect(filesBelow(links)).toHaveLength(3);
    expect(readlinkSync(join(links, "x.jpg"))).toBe(join(folder, "a/x.jpg"));
  });
});

describe("tree", () => {
  test("folders are labels, _unlabeled is none, pictures outside of them are reported", async () => {
    const folder = folderOf("cat/a.jpg", "dog/old/b.jpg", "_unlabeled/c.jpg", "d.jpg");
    const { dataset, report } = await ns.datasetFromDir(folder, {
      format: "tree",
      name: name(),
      labelField: "pet",
    });
    expect(report).toMatchObject({ added: 3, failed: [{ path: join(folder, "d.jpg") }] });
    expect(await dataset.values("pet.label")).toEqual([null, "cat", "dog"]);
  });

  test("any label comes back, and none leads out of the folder", async () => {
    const media = folderOf("x.jpg");
    const labels = fc.uniqueArray(
      fc.oneof(
        hostileText,
        fc.constantFrom("..", ".", "../up", "/etc", "a\\b", "_unlabeled", "%", "%2F", "50%", "CON"),
      ),
      { minLength: 1, maxLength: 6, selector: (label) => label.normalize("NFC").toLowerCase() },
    );
    await fc.assert(
      fc.asyncProperty(labels, async (wanted) => {
        const dataset = await ns.createDataset(name());
        await dataset.addSamples(
          [null, ...wanted].map((label) => ({
            filepath: join(media, "x.jpg"),
            ...(label === null ? {} : { ground_truth: { _cls: "Classification", label } }),
          })),
        );
        const folder = join(temporaryFolder(), "tree");
        expect(await dataset.export(folder, { format: "tree", labelField: "ground_truth" })).toMatchObject({
          failed: [],
        });
        expect(readdirSync(dirname(folder))).toEqual(["tree"]);
        const { dataset: copy } = await ns.datasetFromDir(folder, { format: "tree", name: name() });
        expect((await copy.values<string | null>("ground_truth.label")).sort()).toEqual(
          [null, ...wanted].sort(),
        );
      }),
      { numRuns: 30 },
    );
  });

  test("without a label field, or with two, the export says so", async () => {
    const dataset = await ns.createDataset(name());
    await dataset.addSamples([{ filepath: "a.jpg" }]);
    const target = join(temporaryFolder(), "tree");
    await expect(dataset.export(target, { format: "tree" })).rejects.toMatchObject({
      code: "FIELD_NOT_FOUND",
    });
    const label = { _cls: "Classification", label: "cat" };
    await dataset.addSamples([{ filepath: "b.jpg", one: label, two: label }]);
    await expect(dataset.export(target, { format: "tree" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      hint: expect.stringContaining("labelField"),
    });
    expect(readdirSync(dirname(target))).toEqual([]);
  });

  test("patches are cut out of their pictures", async () => {
    const dataset = await ns.loadZooDataset("quickstart", { name: name(), maxSamples: 3 });
    const field = (await dataset.fields()).find(({ type }) => type === "detections")?.name ?? "";
    const patches = dataset.toPatches(field);
    const target = join(temporaryFolder(), "patches");
    const report = await patches.export(target, { format: "tree" });
    expect(report).toMatchObject({ exported: await patches.count(), failed: [] });
    expect(filesBelow(target)).toHaveLength(await patches.count());
    const { boundingBox, filepath, label } = await patches.first();
    const whole = await decodeImage(filepath);
    const [first = ""] = readdirSync(join(target, label));
    const patch = await decodeImage(join(target, label, first));
    expect(patch.width).toBeLessThanOrEqual(Math.ceil(whole.width * (boundingBox?.[2] ?? 0)) + 1);
    await expect(patches.export(`${target}-2`, { format: "jsonl" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

const dataset = await ns.createDataset(name());
await dataset.addDir(folderOf("a.jpg", "b.jpg"));

describe("exports", () => {
  test("what is there already is kept, unless it is to be replaced", async () => {
    const target = folderOf("mine.txt");
    const options = { format: "directory" };
    await expect(dataset.export(target, options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(filesBelow(target)).toEqual(["mine.txt"]);
    await dataset.export(target, { ...options, overwrite: true });
    expect(filesBelow(target)).toEqual(["a.jpg", "b.jpg"]);
  });

  test("an empty folder is a free place", async () => {
    const target = temporaryFolder();
    await dataset.export(target, { format: "directory" });
    expect(filesBelow(target)).toEqual(["a.jpg", "b.jpg"]);
  });

  test("a folder that holds the data set's own media is never replaced", async () => {
    const [filepath = ""] = await dataset.values<string>("filepath");
    const options = { format: "directory", overwrite: true };
    await expect(dataset.export(dirname(filepath), options)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("medium"),
    });
    await expect(dataset.export(process.cwd(), options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(readFileSync(filepath, "utf8")).toBe("a.jpg");
  });

  test("an export that is stopped or fails leaves nothing, and what was there stays", async () => {
    const parent = temporaryFolder();
    const target = join(parent, "export");
    mkdirSync(target);
    writeFileSync(join(target, "old.txt"), "old");
    const stop = new AbortController();
    const stopped = {
      format: "directory",
      overwrite: true,
      signal: stop.signal,
      progress: () => stop.abort(),
    };
    await expect(dataset.export(target, stopped)).rejects.toMatchObject({ code: "ABORTED" });
    const broken = await ns.createDataset(name());
    await broken.addSamples([{ filepath: "/absent.jpg" }]);
    const strict = { format: "directory", overwrite: true, skipFailures: false };
    await expect(broken.export(target, strict)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    expect(filesBelow(parent)).toEqual(["export/old.txt"]);
  });

  test("a place that cannot be written to is named", async () => {
    const file = join(folderOf("file"), "file/inside/export.csv");
    await expect(dataset.export(file)).rejects.toMatchObject({
      code: "WRITE_FAILED",
      details: { path: file },
    });
  });

  test("progress counts samples, and nothing of the data set is changed", async () => {
    const events: number[] = [];
    const target = join(temporaryFolder(), "export.jsonl");
    await dataset.export(target, { progress: ({ done, total }) => events.push(done / total) });
    expect(events.at(-1)).toBe(1);
    expect(await dataset.count()).toBe(2);
  });
});

describe("datasetFromDir", () => {
  test("replaces a data set only once the import has succeeded", async () => {
    const wanted = name();
    const folder = folderOf("a.jpg");
    await ns.datasetFromDir(folder, { name: wanted });
    await expect(ns.datasetFromDir(folder, { name: wanted })).rejects.toMatchObject({
      code: "DATASET_EXISTS",
    });
    const bad = join(folder, "bad.jsonl");
    writeFileSync(bad, '{"filepath": "x.jpg"}\n{\n');
    const strict = { name: wanted, overwrite: true, skipFailures: false };
    await expect(ns.datasetFromDir(bad, strict)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    expect(await (await ns.loadDataset(wanted)).values("filepath")).toEqual([join(folder, "a.jpg")]);
    const { dataset } = await ns.datasetFromDir(bad, { name: wanted, overwrite: true });
    expect(await dataset.values("filepath")).toEqual([join(folder, "x.jpg")]);
    expect((await ns.listDatasets()).filter((one) => one.startsWith("replaced"))).toEqual([]);
  });

  test("an import that is stopped leaves no data set", async () => {
    const wanted = name();
    const signal = AbortSignal.abort();
    await expect(ns.datasetFromDir(folderOf("a.jpg"), { name: wanted, signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
    expect(await ns.datasetExists(wanted)).toBe(false);
  });

  test("folders that cannot be looked into are reported", async () => {
    const folder = folderOf("a.jpg");
    symlinkSync("round", join(folder, "round"));
    const { report } = await ns.datasetFromDir(folder, { name: name() });
    expect(report).toMatchObject({ added: 1, failed: [] });
  });
});
