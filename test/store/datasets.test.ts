/** Data sets, saved views and vectors in the store. */

import { expect, test } from "vitest";
import { matrix } from "../../core/matrix.ts";
import { EVERYTHING, newRun, newSample, useStore, withBoxes } from "./helpers.ts";
import { openAt, rowsOf } from "./places.ts";

const files = useStore();

test("a data set is found by name, renamed and deleted", async () => {
  const { datasets } = files.store;
  const made = await datasets.create("pets", { source: "zoo" });
  expect(await datasets.get("pets")).toEqual(made);
  expect(made.info).toEqual({ source: "zoo" });
  expect((await datasets.rename(made.id, "animals")).name).toBe("animals");
  expect(await datasets.get("pets")).toBeNull();
  await datasets.delete(made.id);
  expect(await datasets.get("animals")).toBeNull();
  await datasets.delete(made.id);
});

test("names are unique and listed by their bytes", async () => {
  const { datasets } = files.store;
  for (const name of ["b", "a", "B", "é"]) await datasets.create(name);
  expect((await datasets.list()).map((one) => one.name)).toEqual(["B", "a", "b", "é"]);
  await expect(datasets.create("a")).rejects.toMatchObject({ code: "DATASET_EXISTS" });
  const b = await datasets.get("b");
  await expect(datasets.rename(b?.id ?? "", "a")).rejects.toMatchObject({ code: "DATASET_EXISTS" });
  expect((await datasets.rename(b?.id ?? "", "b")).name).toBe("b");
  await expect(datasets.rename("0".repeat(24), "c")).rejects.toMatchObject({ code: "DATASET_NOT_FOUND" });
});

test("deleting a data set removes everything of it, and nothing of another", async () => {
  const { datasets, samples, vectors, views, runs, entries } = files.store;
  const [gone, kept] = [await datasets.create("gone"), await datasets.create("kept")];
  for (const dataset of [gone, kept]) {
    const sample = withBoxes(["cat"], { tags: ["x"] });
    await samples.add(dataset.id, [sample]);
    await vectors.put(dataset.id, "v", [sample.id], matrix(new Float32Array([1, 2]), 2));
    await views.save(dataset.id, "all", { version: 1, stages: [] });
    const run = await runs.create(newRun({ datasetId: dataset.id }));
    await entries.plan(run.id, [{ entryId: sample.id, sampleId: sample.id }]);
  }
  await datasets.delete(gone.id);
  for (const table of [
    "samples",
    "labels",
    "sample_tags",
    "sample_vectors",
    "saved_views",
    "runs",
    "run_entries",
  ]) {
    expect([table, await rowsOf(files.place, table)]).toEqual([table, 1]);
  }
});

test("a write into a deleted data set is refused", async () => {
  const { datasets, samples, vectors, views, runs } = files.store;
  const { id } = await datasets.create("short-lived");
  await datasets.delete(id);
  const refused = { code: "DATASET_NOT_FOUND" };
  await expect(samples.add(id, [newSample()])).rejects.toMatchObject(refused);
  await expect(vectors.put(id, "v", ["a"], matrix(new Float32Array(2), 2))).rejects.toMatchObject(refused);
  await expect(views.save(id, "v", { version: 1, stages: [] })).rejects.toMatchObject(refused);
  await expect(runs.create(newRun({ datasetId: id }))).rejects.toMatchObject(refused);
});

test("saved views come back as they were, the last one saved under a name", async () => {
  const { datasets, views } = files.store;
  const { id } = await datasets.create("with views");
  expect(await views.load(id, "a")).toBeNull();
  await views.save(id, "a", { version: 1, stages: [{ stage: "limit", count: 1 }] });
  await views.save(id, "a", { version: 1, stages: [{ stage: "limit", count: 2 }] });
  await views.save(id, "'; drop table samples; --", { version: 1, stages: [] });
  expect(await views.load(id, "a")).toEqual({ version: 1, stages: [{ stage: "limit", count: 2 }] });
  expect(await views.list(id)).toEqual(["'; drop table samples; --", "a"]);
  await views.delete(id, "a");
  await views.delete(id, "a");
  expect(await views.list(id)).toHaveLength(1);
});

test("vectors are kept bit for bit and read in the order asked", async () => {
  const { datasets, vectors } = files.store;
  const { id } = await datasets.create("with vectors");
  const data = new Float32Array([0.1, -0, 1e-40, 3.4e38, 5, 6]);
  // A view into the middle of a larger buffer: only its own part may be stored.
  const larger = new Float32Array(10);
  larger.set(data, 2);
  await vectors.put(id, "v", ["a", "b", "c"], matrix(larger.subarray(2, 8), 2));
  const { ids, vectors: read } = await vectors.get(id, "v", ["c", "missing", "a"]);
  expect(ids).toEqual(["c", "a"]);
  expect([...read.data]).toEqual([5, 6, data[0], -0]);
  await vectors.put(id, "v", ["a"], matrix(new Float32Array([9, 9]), 2));
  expect([...(await vectors.get(id, "v", ["a"])).vectors.data]).toEqual([9, 9]);
  await vectors.put(id, "v", ["a", "d", "a"], matrix(new Float32Array([1, 1, 2, 2, 3, 3]), 2));
  expect([...(await vectors.get(id, "v", ["a", "d"])).vectors.data]).toEqual([3, 3, 2, 2]);
  expect(await vectors.dimension(id, "v")).toBe(2);
  expect(await vectors.dimension(id, "w")).toBeNull();
  expect((await vectors.get(id, "w", ["a"])).vectors.shape).toEqual([0, 0]);
});

test("vectors of another dimension are refused and change nothing", async () => {
  const { datasets, vectors } = files.store;
  const { id } = await datasets.create("one dimension");
  await vectors.put(id, "v", ["a"], matrix(new Float32Array([1, 2]), 2));
  const three = matrix(new Float32Array([1, 2, 3]), 3);
  await expect(vectors.put(id, "v", ["b"], three)).rejects.toMatchObject({
    code: "DIMENSION_MISMATCH",
    details: { expected: 2, found: 3 },
  });
  expect((await vectors.get(id, "v", ["a", "b"])).ids).toEqual(["a"]);
  await expect(vectors.put(id, "v", ["a", "b"], three)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a store is opened again where it is, and used by another one at the same time", async () => {
  const other = await openAt(files.place);
  const { id } = await files.store.datasets.create("shared");
  await other.samples.add(id, [newSample()]);
  expect(await files.store.samples.count(id, [])).toBe(1);
  await other.close();
  await expect(other.samples.ids(id, [], EVERYTHING)).rejects.toMatchObject({ code: "CLOSED" });
});
