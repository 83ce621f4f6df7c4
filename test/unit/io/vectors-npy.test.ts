/** Vectors go to a .npy file with the ids of their samples, and come back to these samples. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { readNpy, writeNpy } from "../../../core/io/npy.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const ns = await temporaryNearsight();
let count = 0;
const name = () => `data set ${count++}`;
const samples = (ids: readonly string[]) => ids.map((id) => ({ id, filepath: `/${id}.jpg` }));

test("vectors are written with ids, and given back by them in any order", async () => {
  const dataset = await ns.createDataset(name());
  const ids = Array.from({ length: 2_500 }, (_, i) => `id ${i}`);
  await dataset.addSamples(samples(ids).map((one, i) => ({ ...one, v: Float32Array.of(i, -0, 1e-20) })));
  await dataset.addSamples([{ id: "without", filepath: "/without.jpg" }]);
  const file = join(temporaryFolder(), "vectors.npy");
  const report = await dataset.export(file);
  expect(report).toMatchObject({ format: "npy", exported: 2_500, failed: [{ path: "/without.jpg" }] });
  expect(readdirSync(join(file, ".."))).toEqual(["vectors.ids.json", "vectors.npy"]);
  expect(readNpy(readFileSync(file))).toMatchObject({ dtype: "float32", shape: [2_500, 3] });
  const other = await ns.createDataset(name());
  await other.addSamples(samples([...ids].reverse()));
  const added = await other.addDir(file, { embeddingsField: "v" });
  expect(added).toMatchObject({ format: "npy", added: 0, updated: 2_500, failed: [] });
  expect(await other.values("v")).toEqual((await dataset.values("v")).slice(0, -1).reverse());
});

test("an export does not replace ids that lie there", async () => {
  const dataset = await ns.createDataset(name());
  await dataset.addSamples([{ filepath: "/a.jpg", v: Float32Array.of(1) }]);
  const folder = temporaryFolder();
  writeFileSync(join(folder, "vectors.ids.json"), "mine");
  await expect(dataset.export(join(folder, "vectors.npy"))).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(readdirSync(folder)).toEqual(["vectors.ids.json"]);
  expect(readFileSync(join(folder, "vectors.ids.json"), "utf8")).toBe("mine");
});

test("NumPy's files of any type and order are taken, in the order of the samples where there are no ids", async () => {
  const fixtures = resolve(import.meta.dirname, "../../fixtures/io");
  for (const [file, first] of [
    ["fortran", 0],
    ["big-f8", -1],
    ["little-f2", -1],
    ["u1", 0],
    ["little-i8", -1],
  ] as const) {
    const dataset = await ns.createDataset(name());
    await dataset.addSamples(samples(["a", "b"]));
    expect(await dataset.addDir(join(fixtures, `${file}.npy`))).toMatchObject({ updated: 2 });
    expect(await dataset.values("embeddings")).toEqual([
      ...[Float32Array.of(first, first + 1, first + 2), Float32Array.of(first + 3, first + 4, first + 5)],
    ]);
  }
});

test.each([
  ["vectors.ids.txt", "b\r\na\r\n"],
  ["ids.json", '["b", "a"]'],
  ["ids.txt", "b\na"],
])("ids are found in %s", async (idFile, content) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "vectors.npy"), writeNpy({ data: Float32Array.of(1, 2), shape: [2, 1] }));
  writeFileSync(join(folder, idFile), content);
  const dataset = await ns.createDataset(name());
  await dataset.addSamples(samples(["a", "b"]));
  await dataset.addDir(join(folder, "vectors.npy"));
  expect(await dataset.values("embeddings")).toEqual([Float32Array.of(2), Float32Array.of(1)]);
});

test("vectors of no sample, and those with NaN, are reported; the others are kept", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "vectors.npy");
  writeFileSync(file, writeNpy({ data: Float32Array.of(1, Number.NaN, 3), shape: [3, 1] }));
  writeFileSync(join(folder, "ids.json"), '["gone", "b", "a"]');
  const dataset = await ns.createDataset(name());
  await dataset.addSamples(samples(["a", "b"]));
  const report = await dataset.addDir(file);
  expect(report.updated).toBe(1);
  expect(report.failed.map(({ path }) => path)).toEqual([`${file}: row 0`, `${file}: row 1`]);
  expect(await dataset.values("embeddings")).toEqual([Float32Array.of(3), null]);
});

test.each<[string, Uint8Array, string, string]>([
  ["one dimension", writeNpy({ data: Float32Array.of(1, 2) }), '["a", "b"]', "VECTOR_INVALID"],
  [
    "no numbers in a row",
    writeNpy({ data: new Float32Array(0), shape: [2, 0] }),
    '["a", "b"]',
    "VECTOR_INVALID",
  ],
  [
    "another number of ids",
    writeNpy({ data: Float32Array.of(1, 2), shape: [2, 1] }),
    '["a"]',
    "DIMENSION_MISMATCH",
  ],
  ["ids that are no list", writeNpy({ data: Float32Array.of(1), shape: [1, 1] }), "{", "MEDIA_INVALID"],
  [
    "a file that ends early",
    writeNpy({ data: Float32Array.of(1, 2), shape: [2, 1] }).subarray(0, -1),
    '["a", "b"]',
    "VECTOR_INVALID",
  ],
])("%s is refused, and no vector is kept", async (_, bytes, ids, code) => {
  const folder = join(temporaryFolder(), "set");
  mkdirSync(folder);
  writeFileSync(join(folder, "embeddings.npy"), bytes);
  writeFileSync(join(folder, "ids.json"), ids);
  const dataset = await ns.createDataset(name());
  await dataset.addSamples(samples(["a", "b"]));
  await expect(dataset.addDir(folder)).rejects.toMatchObject({ code });
  expect(await dataset.fields()).toEqual([]);
});
