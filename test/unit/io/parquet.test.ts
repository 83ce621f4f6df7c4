/** Parquet files of pyarrow and pandas are read, whatever packed them; damaged ones are refused. */

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const FIXTURES = resolve(import.meta.dirname, "../../fixtures/io");
const ns = await temporaryNearsight();

const importFile = async (file: string, options = {}) => {
  const name = `data set ${(await ns.listDatasets()).length}`;
  return ns.datasetFromDir(file, { name, ...options });
};

test.each(["none", "snappy", "zstd", "gzip", "brotli"])("pyarrow's, packed with %s", async (codec) => {
  const { dataset, report } = await importFile(join(FIXTURES, `pyarrow-${codec}.parquet`));
  expect(report).toMatchObject({ format: "parquet", added: 3, failed: [] });
  const samples = await dataset.head(3);
  expect(samples.map(({ filepath }) => filepath)).toEqual([
    ...[join(FIXTURES, "a.jpg"), join(FIXTURES, "sub/b.jpg"), "/c.jpg"],
  ]);
  expect(samples.map(({ tags }) => tags)).toEqual([["train", "é,🙂"], [], []]);
  expect(samples.map(({ fields }) => fields)).toEqual([
    {
      ...{ count: "1", score: 0.1, flag: true, day: "1970-01-01T00:00:00.000Z" },
      ...{ box: { x: 1, y: [1.5] }, note: 'two\nlines, "q"' },
    },
    { score: -1e-300, flag: false, note: "" },
    // More than a number can hold: the whole column is text.
    { count: String(2n ** 60n + 1n), day: "1970-01-02T00:00:00.000Z", box: { x: 2, y: [] } },
  ]);
  for (const field of ["embeddings", "float32s", "fixed"]) {
    expect(await dataset.values(field)).toEqual([
      ...[Float32Array.of(0.5, -0, Math.fround(1e-20)), null, Float32Array.of(1, 2, 3)],
    ]);
  }
});

test("pandas'", async () => {
  const { dataset, report } = await importFile(join(FIXTURES, "pandas.parquet"));
  expect(report).toMatchObject({ added: 2, failed: [] });
  expect(await dataset.values("n")).toEqual([1, 2]);
  expect(await dataset.values("embeddings")).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)]);
});

test("more samples than one group holds come back in order, with their vectors", async () => {
  const dataset = await ns.createDataset("large");
  await dataset.addSamples(
    Array.from({ length: 9_000 }, (_, i) => ({ filepath: `/${i}.jpg`, n: i, v: Float32Array.of(i, -i) })),
  );
  const file = join(temporaryFolder(), "large.parquet");
  await dataset.export(file);
  const { dataset: copy } = await importFile(file);
  expect(await copy.values("n")).toEqual(Array.from({ length: 9_000 }, (_, i) => i));
  const vectors = await copy.values<Float32Array>("v");
  expect(vectors.every((vector, i) => vector[0] === i)).toBe(true);
});

test("damaged files are refused", async () => {
  const whole = readFileSync(join(FIXTURES, "pyarrow-snappy.parquet"));
  const folder = temporaryFolder();
  const cut = join(folder, "cut.parquet");
  for (const bytes of [
    whole.subarray(0, 3_000),
    whole.subarray(3_000),
    Buffer.alloc(0),
    Buffer.from("PAR1PAR1"),
  ]) {
    writeFileSync(cut, bytes);
    await expect(importFile(cut)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
  }
});

test("maxSamples stops early, tags are added", async () => {
  const file = join(temporaryFolder(), "some.parquet");
  copyFileSync(join(FIXTURES, "pyarrow-none.parquet"), file);
  const { dataset, report } = await importFile(file, { maxSamples: 1, tags: ["new", "train"] });
  expect(report.added).toBe(1);
  expect((await dataset.first()).tags).toEqual(["train", "é,🙂", "new"]);
});
