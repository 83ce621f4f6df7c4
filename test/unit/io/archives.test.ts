/** Zip archives: what is in them is imported, what could do harm is refused, and nothing is left behind. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UNZIP_LIMITS, unzip } from "../../../core/io/unzip.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";
import { makeZip, type ZipEntry } from "../../support/zip.ts";

const ns = await temporaryNearsight();
let count = 0;
const name = () => `data set ${count++}`;

function archive(content: Buffer, file = "pictures.zip"): string {
  const path = join(temporaryFolder(), file);
  writeFileSync(path, content);
  return path;
}

const filesBeside = (path: string) => readdirSync(join(path, "..")).sort();

describe("archives are imported", () => {
  const pictures = [
    { name: "a.jpg", content: "a" },
    { name: "sub/b.jpg", content: "b", deflate: false },
  ];

  test("into a folder of their name beside them; again, from the same folder", async () => {
    const path = archive(makeZip(pictures));
    const { dataset, report } = await ns.datasetFromDir(path, { name: name() });
    expect(report).toMatchObject({ format: "directory", added: 2, failed: [] });
    expect(await dataset.values("filepath")).toEqual([
      ...[join(path, "../pictures/a.jpg"), join(path, "../pictures/sub/b.jpg")],
    ]);
    expect(readFileSync(join(path, "../pictures/sub/b.jpg"), "utf8")).toBe("b");
    const { dataset: again } = await ns.datasetFromDir(path, { name: name() });
    expect(await again.values("filepath")).toEqual(await dataset.values("filepath"));
    expect(filesBeside(path)).toEqual(["pictures", "pictures.zip"]);
  });

  test("into another folder where the first is in use, or was changed", async () => {
    const path = archive(makeZip(pictures));
    mkdirSync(join(path, "../pictures"));
    writeFileSync(join(path, "../pictures/mine.txt"), "mine");
    await ns.datasetFromDir(path, { name: name() });
    rmSync(join(path, "../pictures-2/a.jpg"));
    await ns.datasetFromDir(path, { name: name() });
    expect(filesBeside(path)).toEqual(["pictures", "pictures-2", "pictures-3", "pictures.zip"]);
    expect(readdirSync(join(path, "../pictures"))).toEqual(["mine.txt"]);
  });

  test("into the folder that is given, unless that holds something else", async () => {
    const path = archive(makeZip(pictures));
    const unpackTo = join(temporaryFolder(), "here");
    await ns.datasetFromDir(path, { name: name(), unpackTo });
    await ns.datasetFromDir(path, { name: name(), unpackTo });
    expect(filesBeside(path)).toEqual(["pictures.zip"]);
    const other = archive(makeZip([{ name: "c.jpg" }]));
    await expect(ns.datasetFromDir(other, { name: name(), unpackTo })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("by their first bytes where the name says nothing; one folder in them is stepped into", async () => {
    const path = archive(
      makeZip([
        { name: "photos/", mode: 0o040755 },
        { name: "photos/a.jpg" },
        { name: "__MACOSX/photos/._a.jpg" },
      ]),
      "download",
    );
    const { dataset, report } = await ns.datasetFromDir(path, { name: name() });
    expect(report.format).toBe("directory");
    expect(await dataset.values("filepath")).toEqual([join(path, "../download-unpacked/photos/a.jpg")]);
  });

  test("with the format in them", async () => {
    const path = archive(makeZip([{ name: "set/cat/a.jpg" }, { name: "set/dog/b.jpg" }]));
    const { dataset } = await ns.datasetFromDir(path, { name: name() });
    expect(await dataset.values("ground_truth.label")).toEqual(["cat", "dog"]);
  });

  test("names of other writing systems, and with backslashes, are kept as paths", async () => {
    const path = archive(
      makeZip([
        { name: "日本/é 🙂.jpg", content: "x" },
        { name: "win\\dows.jpg", content: "y" },
      ]),
    );
    const { dataset } = await ns.datasetFromDir(path, { name: name() });
    expect(await dataset.values("filepath")).toEqual([
      ...[join(path, "../pictures/win/dows.jpg"), join(path, "../pictures/日本/é 🙂.jpg")],
    ]);
  });

  test.each(["tree", "jsonl", "csv", "parquet"])("what is exported as %s comes back", async (format) => {
    const media = temporaryFolder();
    for (const file of ["a.jpg", "b.jpg"]) writeFileSync(join(media, file), file);
    const dataset = await ns.createDataset(name());
    const label = (text: string) => ({ _cls: "Classification" as const, label: text });
    await dataset.addSamples([
      { filepath: join(media, "a.jpg"), ground_truth: label("cat") },
      { filepath: join(media, "b.jpg"), ground_truth: label("dog") },
    ]);
    const target = join(temporaryFolder(), "export.zip");
    expect(await dataset.export(target, { format })).toMatchObject({ format, exported: 2 });
    expect(filesBeside(target)).toEqual(["export.zip"]);
    const { dataset: copy, report } = await ns.datasetFromDir(target, { name: name() });
    expect(report).toMatchObject({ format, added: 2, failed: [] });
    expect(await copy.values("ground_truth.label")).toEqual(["cat", "dog"]);
    const paths = await copy.values<string>("filepath");
    expect(paths.map((path) => readFileSync(path, "utf8"))).toEqual(["a.jpg", "b.jpg"]);
  });
});

describe("archives that could do harm are refused, and leave nothing", () => {
  const good: ZipEntry = { name: "a.jpg", content: "a" };
  test.each<[string, Buffer]>([
    ["a name that leads out", makeZip([good, { name: "../evil.jpg" }])],
    ["a name that leads out further down", makeZip([good, { name: "x/../../evil.jpg" }])],
    ["backslashes that lead out", makeZip([good, { name: "..\\..\\evil.jpg" }])],
    ["an absolute name", makeZip([good, { name: "/tmp/evil.jpg" }])],
    ["a drive letter", makeZip([good, { name: "C:\\evil.jpg" }])],
    ["a name of no length", makeZip([good, { name: "" }])],
    ["a name with a part of no length", makeZip([good, { name: "x//evil.jpg" }])],
    ["a name with U+0000", makeZip([good, { name: "evil\0.jpg" }])],
    ["a name with a line break", makeZip([good, { name: "evil\n.jpg" }])],
    ["a link", makeZip([good, { name: "evil.jpg", content: "/etc/passwd", mode: 0o120777 }])],
    ["a device", makeZip([good, { name: "evil.jpg", mode: 0o020666 }])],
    ["a pipe", makeZip([good, { name: "evil.jpg", mode: 0o010666 }])],
    ["a name twice", makeZip([good, good])],
    ["a name twice but for case", makeZip([good, { name: "A.JPG" }])],
    ["a name twice but for the form of accents", makeZip([{ name: "é.jpg" }, { name: "e\u0301.jpg" }])],
    ["a file where a folder is", makeZip([good, { name: "a.jpg/b.jpg" }])],
    ["an encrypted entry", makeZip([good, { name: "b.jpg", content: "x", flags: 0x801 }])],
    [
      "a size that is too small",
      makeZip([good, { name: "b.jpg", content: "x".repeat(99), lies: { size: 9 } }]),
    ],
    ["a size that is too large", makeZip([good, { name: "b.jpg", content: "x", lies: { size: 99 } }])],
    ["another checksum", makeZip([good, { name: "b.jpg", content: "x", lies: { crc: 1 } }])],
    ["contents past the end", makeZip([good, { name: "b.jpg", content: "x", lies: { offset: 10_000 } }])],
    ["more entries than there are", makeZip([good], { count: 2 })],
    ["a cut end", makeZip([good]).subarray(0, -10)],
    ["only a beginning", makeZip([good]).subarray(0, 20)],
    ["our own mark", makeZip([good, { name: ".nearsight-archive", content: "x" }])],
    ["a name longer than any file's", makeZip([good, { name: `${"x".repeat(300)}.jpg` }])],
    ["nothing at all", Buffer.alloc(0)],
  ])("%s", async (_, content) => {
    const path = archive(content);
    const wanted = name();
    await expect(ns.datasetFromDir(path, { name: wanted })).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    expect(filesBeside(path)).toEqual(["pictures.zip"]);
    expect(await ns.datasetExists(wanted)).toBe(false);
  });

  const zeros = Buffer.alloc(200_000);
  const small = { ...UNZIP_LIMITS, freeBytes: 1_000 };
  test.each<[string, Buffer, Partial<typeof UNZIP_LIMITS>]>([
    ["too many files", makeZip([good, { name: "b.jpg" }]), { maxEntries: 1 }],
    ["too many bytes", makeZip([{ name: "a", content: zeros }]), { maxBytes: 199_999 }],
    ["a bomb that says what it is", makeZip([{ name: "a", content: zeros }]), {}],
    ["a bomb of many files", makeZip(Array.from("abcdefgh", (file) => ({ name: file, content: zeros }))), {}],
    [
      "a bomb of files that lie over one another",
      makeZip([
        { name: "a", content: zeros },
        ...Array.from("bcdefgh", (file) => ({ name: file, content: zeros, lies: { offset: 0 } })),
      ]),
      {},
    ],
  ])("%s", async (_, content, limits) => {
    const path = archive(content);
    await expect(unzip(path, {}, { ...small, ...limits })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(filesBeside(path)).toEqual(["pictures.zip"]);
  });

  test("real bytes are counted, whatever the archive says of them", async () => {
    const path = archive(makeZip([{ name: "a", content: zeros, lies: { size: 100 } }]));
    await expect(unzip(path, {}, small)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    expect(filesBeside(path)).toEqual(["pictures.zip"]);
  });

  test("an archive whose unpacking is stopped leaves nothing", async () => {
    const path = archive(makeZip([good]));
    const signal = AbortSignal.abort();
    await expect(unzip(path, { signal })).rejects.toMatchObject({ code: "ABORTED" });
    expect(filesBeside(path)).toEqual(["pictures.zip"]);
  });
});
