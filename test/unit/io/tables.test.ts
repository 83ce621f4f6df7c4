/** JSON Lines, CSV and Parquet bring back all that they were given, whatever it holds. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { folderWith } from "../../support/imports.ts";
import { contentsOf, samplesArbitrary } from "../../support/samples.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const ns = await temporaryNearsight();
const VECTORS = ["embeddings", "other"];
let count = 0;
const name = () => `data set ${count++}`;

describe.each(["jsonl", "csv", "tsv", "parquet"])("%s", (format) => {
  test("brings back ids, paths, tags, fields, labels and vectors", async () => {
    await fc.assert(
      fc.asyncProperty(samplesArbitrary, async (samples) => {
        const dataset = await ns.createDataset(name());
        await dataset.addSamples(samples);
        const file = join(temporaryFolder(), `samples.${format}`);
        const exported = await dataset.export(file);
        expect(exported).toMatchObject({ exported: samples.length, failed: [] });
        const { dataset: copy, report } = await ns.datasetFromDir(file, { name: name() });
        expect(report).toMatchObject({ added: samples.length, failed: [] });
        expect(await contentsOf(copy, VECTORS)).toEqual(await contentsOf(dataset, VECTORS));
      }),
      { numRuns: 40 },
    );
  });

  test("a folder holds media too, and paths in it are relative", async () => {
    const media = temporaryFolder();
    for (const folder of ["a", "b"]) {
      mkdirSync(join(media, folder));
      writeFileSync(join(media, folder, "cat.jpg"), folder);
    }
    const dataset = await ns.createDataset(name());
    await dataset.addSamples([
      { filepath: join(media, "a/cat.jpg") },
      { filepath: join(media, "b/cat.jpg") },
      { filepath: join(media, "gone.jpg") },
    ]);
    const folder = join(temporaryFolder(), "export");
    const wanted = format === "tsv" ? "csv" : format;
    const report = await dataset.export(folder, { format: wanted });
    expect(report).toMatchObject({ format: wanted, exported: 2 });
    expect(report.failed).toEqual([
      { path: join(media, "gone.jpg"), reason: expect.stringContaining("No file") },
    ]);
    expect(readdirSync(join(folder, "data"))).toEqual(["cat-2.jpg", "cat.jpg"]);
    const { dataset: copy } = await ns.datasetFromDir(folder, { name: name() });
    const paths = await copy.values<string>("filepath");
    expect(paths).toEqual([join(folder, "data/cat.jpg"), join(folder, "data/cat-2.jpg")]);
    expect(paths.map((path) => readFileSync(path, "utf8"))).toEqual(["a", "b"]);
  });

  test("a single file takes no media", async () => {
    const dataset = await ns.createDataset(name());
    await dataset.addSamples([{ filepath: "cat.jpg" }]);
    const file = join(temporaryFolder(), `samples.${format}`);
    await expect(dataset.export(file, { exportMedia: "copy" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(readdirSync(join(file, ".."))).toEqual([]);
  });

  test("an export of nothing is read again as nothing", async () => {
    const dataset = await ns.createDataset(name());
    await dataset.addSamples([{ filepath: "cat.jpg", uniqueness: 0.5 }]);
    const file = join(temporaryFolder(), `samples.${format}`);
    expect(await dataset.limit(0).export(file)).toMatchObject({ exported: 0 });
    expect((await ns.datasetFromDir(file, { name: name() })).report).toMatchObject({ added: 0, failed: [] });
  });
});

describe("JSON Lines of others", () => {
  const read = async (content: string | Buffer, options = {}) => {
    const file = join(temporaryFolder(), "list.jsonl");
    writeFileSync(file, content);
    const { dataset, report } = await ns.datasetFromDir(file, { name: name(), ...options });
    return { dataset, report, file };
  };

  test("byte order mark, CRLF, empty lines and other names of the path are taken", async () => {
    const { dataset, report, file } = await read(
      '\ufeff{"file_name": "a.jpg", "score": 1, "id": 7}\r\n\r\n{"image": "/b.jpg", "embeddings": [1, 2]}',
    );
    expect(report).toMatchObject({ format: "jsonl", added: 2, failed: [] });
    expect(await dataset.values("filepath")).toEqual([join(file, "../a.jpg"), "/b.jpg"]);
    expect(await dataset.values("id")).toContain("7");
    expect(await dataset.values("embeddings")).toEqual([null, Float32Array.of(1, 2)]);
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "[1]"],
    ["no path", '{"id": "1"}'],
    ["a path that is no text", '{"filepath": 5}'],
    ["a vector that is none", '{"filepath": "b.jpg", "vectors": {"a": [1, null]}}'],
    ["tags that are none", '{"filepath": "b.jpg", "tags": "train"}'],
    ["a path with U+0000", '{"filepath": "b\\u0000.jpg"}'],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff, 0x7d])],
  ])("a line with %s is reported with its number, the others are added", async (_, bad) => {
    const good = (letter: string) => Buffer.from(`{"filepath": "${letter}.jpg"}\n`);
    const { report, file } = await read(
      Buffer.concat([good("a"), Buffer.from(bad), Buffer.from("\n"), good("c")]),
    );
    expect(report.added).toBe(2);
    expect(report.failed).toEqual([{ path: `${file}: line 2`, reason: expect.any(String) }]);
  });

  test("a bad line is thrown where failures are not to be skipped, and no data set is left", async () => {
    const wanted = name();
    await expect(read("{", { name: wanted, skipFailures: false })).rejects.toMatchObject({
      code: "MEDIA_INVALID",
      message: expect.stringContaining("line 1"),
    });
    expect(await ns.datasetExists(wanted)).toBe(false);
  });

  test("the same ids again are reported one by one", async () => {
    const { dataset, file } = await read(
      '{"id": "1", "filepath": "a.jpg"}\n{"id": "2", "filepath": "b.jpg"}\n',
    );
    writeFileSync(file, '{"id": "2", "filepath": "b.jpg"}\n{"id": "3", "filepath": "c.jpg"}\n');
    const report = await dataset.addDir(file);
    expect(report.added).toBe(1);
    expect(report.failed).toEqual([{ path: `${file}: line 1`, reason: expect.stringContaining('"2"') }]);
    expect(await dataset.values("id")).toEqual(["1", "2", "3"]);
  });

  test("names that no field can have get other signs, unless two become one", async () => {
    const { dataset, report } = await read(
      '{"filepath": "a.jpg", "meta.width": 5, "say \\"hi\\"": 1}\n{"filepath": "b.jpg", "a.b": 1, "a_b": 2}\n',
    );
    expect(report).toMatchObject({ added: 1, failed: [{ reason: "There are two fields named 'a_b'" }] });
    expect((await dataset.first()).fields).toEqual({ meta_width: 5, "say _hi_": 1 });
  });

  test("members named as parts of every object are plain fields, __proto__ is refused", async () => {
    const { dataset, report } = await read(
      '{"filepath": "a.jpg", "constructor": 1, "toString": "x"}\n{"filepath": "b.jpg", "__proto__": {"polluted": 1}}\n',
    );
    expect(report).toMatchObject({ added: 1, failed: [{ reason: expect.stringContaining("__proto__") }] });
    expect((await dataset.first()).fields).toEqual({ constructor: 1, toString: "x" });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("CSV of others", () => {
  const read = async (content: string, options = {}) => {
    const file = join(temporaryFolder(), "list.csv");
    writeFileSync(file, content);
    const { dataset, report } = await ns.datasetFromDir(file, { name: name(), ...options });
    return { dataset, report, file };
  };

  test("a column is of one kind: what is mixed is text", async () => {
    const { dataset, report } = await read(
      "filepath,code,number,flag,long\r\na.jpg,123,1.50,true,12345678901234567891\r\nb.jpg,A12,-2,false,2\r\n",
    );
    expect(report.failed).toEqual([]);
    expect(await dataset.values("code")).toEqual(["123", "A12"]);
    expect(await dataset.values("number")).toEqual([1.5, -2]);
    expect(await dataset.values("flag")).toEqual([true, false]);
    expect(await dataset.values("long")).toEqual(["12345678901234567891", "2"]);
  });

  test("missing numbers and truth values are read as Python writes them, and texts of that look stay texts", async () => {
    const { dataset } = await read(
      "filepath,loss,good,name\na.jpg,nan,True,nan\nb.jpg,-0.5,False,True\nc.jpg,,,Ann\n",
    );
    expect(await dataset.values("loss")).toEqual([null, -0.5, null]);
    expect(await dataset.values("good")).toEqual([true, false, null]);
    expect(await dataset.values("name")).toEqual(["nan", "True", "Ann"]);
    const texts = await ns.createDataset(name());
    await texts.addSamples(["True", "nan", "NaN", "FALSE"].map((text) => ({ filepath: "a.jpg", text })));
    const file = join(temporaryFolder(), "texts.csv");
    await texts.export(file);
    const { dataset: copy } = await ns.datasetFromDir(file, { name: name() });
    expect(await copy.values("text")).toEqual(["True", "nan", "NaN", "FALSE"]);
  });

  test("a path starts at the file or in the folder of media beside it, where there is such a file", async () => {
    const folder = folderWith({
      "labels.csv": "filepath\na.jpg\ndata/b.jpg\nc.jpg\ngone.jpg\n",
      "a.jpg": "",
      "data/b.jpg": "",
      "data/c.jpg": "",
    });
    const { dataset } = await ns.datasetFromDir(folder, { name: name() });
    const paths = ["a.jpg", "data/b.jpg", "data/c.jpg", "gone.jpg"].map((path) => join(folder, path));
    expect(await dataset.values("filepath")).toEqual(paths);
  });

  test("tags are split at commas, quotes and line breaks are kept, short rows lack fields", async () => {
    const { dataset } = await read('filepath,tags,note\na.jpg,"train, day","two\nlines, ""q"""\nb.jpg\n');
    expect(await dataset.values("tags")).toEqual([["train", "day"], []]);
    expect(await dataset.values("note")).toEqual(['two\nlines, "q"', null]);
  });

  test("a column named as the label field becomes labels", async () => {
    const { dataset } = await read("filepath,species\na.jpg,cat\nb.jpg,\n", { labelField: "species" });
    expect(await dataset.values("species.label")).toEqual(["cat", null]);
  });

  test("rows with too many cells are reported, quotes in the wrong place are kept", async () => {
    const { dataset, report, file } = await read(
      'filepath,note\na.jpg,1\nb.jpg,2,3\nc.jpg,"4" or 5\nd.jpg,6"\n',
    );
    expect(report.failed).toEqual([
      { path: `${file}: line 3`, reason: "The row has 3 cells but the header 2" },
    ]);
    expect(await dataset.values("note")).toEqual(["1", '"4" or 5', '6"']);
  });

  test("a quote that is never closed is reported, with what comes before added", async () => {
    const { report } = await read('filepath,note\na.jpg,1\nb.jpg,"2\nc.jpg,3\n');
    expect(report).toMatchObject({
      added: 1,
      failed: [{ reason: expect.stringContaining("Quote Not Closed") }],
    });
  });

  test.each(["", "\n\n", "filepath,filepath\na,b\n"])(
    "a file without a header is refused: %j",
    async (content) => {
      await expect(read(content)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    },
  );
});
