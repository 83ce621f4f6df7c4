/** Data sets made of a bucket or a folder, and kept in step with it: only what differs is read again. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { local } from "../../../core/backends/local/driver.ts";
import type { BackendDriver } from "../../../core/backends/registry.ts";
import type { Dataset } from "../../../core/index.ts";
import type { BucketServer } from "../../support/bucket-server.ts";
import { colourModel } from "../../support/colour-model.ts";
import { referenceDriver } from "../../support/reference-driver.ts";
import { BRAIN_KEY, expectInStep, nearsightOn, picture, startSynced } from "../../support/synced.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const ODD_KEY = "pets/größe #1+2%/日本 🐈.png";

describe("a bucket", () => {
  let server: BucketServer;
  let dataset: Dataset;
  beforeAll(async () => {
    ({ server, dataset } = await startSynced());
    server.put("pets/a.png", picture("red"));
    server.put(ODD_KEY, picture("green"));
    server.put("pets/note.txt", "no picture");
    server.put("pets/.nearsight/thumb.png", picture("blue"));
    server.put("other/b.png", picture("blue"));
    return () => server.close();
  });

  test("becomes samples and vectors, below the folder that is named and no other", async () => {
    expect(await dataset.sync("s3://photos/pets")).toEqual({
      added: 2,
      updated: 0,
      deleted: 0,
      unchanged: 0,
      failed: [],
    });
    expect((await dataset.values<string>("filepath")).sort()).toEqual([
      "s3://photos/pets/a.png",
      `s3://photos/${ODD_KEY}`,
    ]);
    const [hit] = await dataset.sortBySimilarity({ prompt: "green" }, { k: 1, brainKey: BRAIN_KEY }).head(1);
    expect(hit?.filepath).toBe(`s3://photos/${ODD_KEY}`);
  });

  test("that has not changed is listed and not read", async () => {
    server.requests.length = 0;
    expect(await dataset.sync("s3://photos/pets")).toMatchObject({ unchanged: 2, added: 0, updated: 0 });
    expect(server.requests).toHaveLength(1);
  });

  test("with other content under a key is embedded again", async () => {
    server.put("pets/a.png", picture("blue"));
    expect(await dataset.sync("s3://photos/pets")).toMatchObject({ unchanged: 1, updated: 1 });
    const [hit] = await dataset.sortBySimilarity({ prompt: "blue" }, { k: 1, brainKey: BRAIN_KEY }).head(1);
    expect(hit?.filepath).toBe("s3://photos/pets/a.png");
  });

  test("with a picture that cannot be read reports it, and goes on", async () => {
    server.put("pets/b.png", "no picture");
    server.put("pets/c.png", picture("red"));
    const report = await dataset.sync("s3://photos/pets");
    expect(report).toMatchObject({ added: 1, unchanged: 2 });
    expect(report.failed).toEqual([
      { path: "s3://photos/pets/b.png", reason: expect.stringContaining("could not be indexed") },
    ]);
    expect((await dataset.getBrainInfo(BRAIN_KEY)).entries).toMatchObject({ indexed: 3, failed: 1 });
    server.put("pets/b.png", picture("green"));
    expect(await dataset.sync("s3://photos/pets")).toMatchObject({ updated: 1, unchanged: 3, failed: [] });
  });

  test("with a key less loses the sample, its entry and its vector", async () => {
    server.delete(ODD_KEY);
    expect(await dataset.sync("s3://photos/pets")).toMatchObject({ deleted: 1, unchanged: 3 });
    for (const key of ["pets/note.txt", "pets/.nearsight/thumb.png", "other/b.png"]) server.delete(key);
    await expectInStep(server, dataset);
  });

  test("of which nothing is found deletes nothing, unless that is said", async () => {
    for (const key of server.keys()) server.delete(key);
    await expect(dataset.sync("s3://photos/pets")).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
    expect(await dataset.count()).toBe(3);
    expect(await dataset.sync("s3://photos/pets", { allowEmpty: true })).toMatchObject({ deleted: 3 });
    await expectInStep(server, dataset);
  });

  test("that is not there is INVALID_ARGUMENT", async () => {
    await expect(dataset.sync("s3://nobody/pets")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("a bucket read as a data set", () => {
  test("gives samples with the ids that events give them", async () => {
    const { server, ns } = await startSynced();
    for (const key of ["a.png", "b/c.png", ODD_KEY]) server.put(key, picture("red"));
    const { dataset, report } = await ns.datasetFromDir("s3://photos", { name: "bucket", tags: "new" });
    expect(report).toMatchObject({ added: 3, failed: [], format: "bucket" });
    expect(await dataset.countValues("tags")).toEqual(new Map([["new", 3]]));
    expect(await dataset.addDir("s3://photos/")).toMatchObject({ added: 0, failed: [] });
    expect(await dataset.sync("s3://photos")).toMatchObject({ added: 0, unchanged: 3 });
    server.put("a.png", picture("green"));
    expect(await dataset.reconcile(server.uri("a.png"))).toBe("unchanged");
    await expect(dataset.addDir("s3://photos", { format: "coco" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const answer = await fetch(await ns.mediaUrl(server.uri("b/c.png")));
    expect(Buffer.from(await answer.arrayBuffer()).equals(picture("red"))).toBe(true);
    await expect(ns.mediaUrl("photos/cat.png")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await server.close();
  });
});

describe("a folder", () => {
  test("is followed as a bucket is, and samples that were imported from it are its own", async () => {
    const ns = await temporaryNearsight({ models: { colours: colourModel() } });
    const root = temporaryFolder();
    const write = (name: string, colour: string) => writeFileSync(join(root, name), picture(colour));
    mkdirSync(join(root, "a"));
    for (const name of ["a.png", "a/b.png", "a-b.png"]) write(name, "red");
    const { dataset } = await ns.datasetFromDir(root, { name: "folder" });
    await dataset.tagSamples("mine");
    await dataset.computeSimilarity({ brainKey: BRAIN_KEY, model: "colours" });
    expect(await dataset.sync(root)).toMatchObject({ added: 0, unchanged: 3, deleted: 0 });
    write("a/b.png", "blue");
    write("new.png", "green");
    rmSync(join(root, "a.png"));
    expect(await dataset.sync(root)).toMatchObject({ added: 1, updated: 1, deleted: 1, unchanged: 1 });
    expect(await dataset.countValues("tags")).toEqual(new Map([["mine", 2]]));
    const [hit] = await dataset.sortBySimilarity({ prompt: "blue" }, { k: 1, brainKey: BRAIN_KEY }).head(1);
    expect(hit?.filepath).toBe(join(root, "a/b.png"));
  });

  test("that is gone deletes nothing", async () => {
    const ns = await temporaryNearsight({ models: { colours: colourModel() } });
    const root = join(temporaryFolder(), "mount");
    mkdirSync(root);
    writeFileSync(join(root, "a.png"), picture("red"));
    const { dataset } = await ns.datasetFromDir(root, { name: "folder" });
    rmSync(root, { recursive: true });
    await expect(dataset.sync(root)).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
    mkdirSync(root);
    await expect(dataset.sync(root)).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
    expect(await dataset.count()).toBe(1);
  });
});

describe("the indexes of a data set", () => {
  test("are all followed: those of views have what fits the view, those of vectors are left alone", async () => {
    const { server, dataset } = await startSynced();
    server.put("a.png", picture("red"));
    await dataset.sync("s3://photos");
    const view = dataset.matchTags("never");
    await dataset.tagSamples("never");
    await view.computeSimilarity({ brainKey: "view", model: "colours" });
    const vectors = new Map((await dataset.values<string>("id")).map((id) => [id, [1, 2, 3]]));
    await dataset.computeSimilarity({ brainKey: "given", embeddings: Object.fromEntries(vectors) });
    server.put("b.png", picture("green"));
    await dataset.sync("s3://photos");
    const sizes = async () => {
      const infos = await Promise.all(["view", "given", BRAIN_KEY].map((key) => dataset.getBrainInfo(key)));
      return infos.map(({ entries }) => entries.indexed);
    };
    expect(await sizes()).toEqual([1, 1, 2]);
    expect(await dataset.sync("s3://photos")).toMatchObject({ unchanged: 2 });
    server.put("a.png", picture("blue"));
    expect(await dataset.sync("s3://photos")).toMatchObject({ updated: 1, unchanged: 1 });
    expect(await sizes()).toEqual([1, 1, 2]);
    await server.close();
  });

  test("that only one may write to at a time are waited for", async () => {
    const { server, dataset } = await startSynced({ backends: [local, withFilterFields()] });
    const request = { brainKey: "filtered", backend: "reference", model: "colours", filterFields: ["tags"] };
    await dataset.computeSimilarity(request);
    for (let i = 0; i < 8; i++) server.put(`${i}.png`, picture("red"));
    expect(await dataset.sync("s3://photos", { numWorkers: 8 })).toMatchObject({ added: 8, failed: [] });
    expect((await dataset.getBrainInfo("filtered")).entries).toMatchObject({ indexed: 8, pending: 0 });
    await server.close();
  });

  test("that cannot be written to keep the others from nothing", async () => {
    const { server, dataset, ns } = await startSynced();
    server.put("a.png", picture("red"));
    await dataset.sync("s3://photos");
    await dataset.computeSimilarity({ brainKey: "another", model: colourModel({ name: "given" }) });
    const other = await (await nearsightOn(server, { config: { home: ns.home } })).loadDataset("photos");
    for (const key of ["b.png", "c.png"]) server.put(key, picture("green"));
    const { failed } = await other.sync("s3://photos");
    expect(failed.map(({ path }) => path)).toEqual([server.uri("b.png"), server.uri("c.png")]);
    expect((await dataset.getBrainInfo(BRAIN_KEY)).entries).toMatchObject({ indexed: 3 });
    expect(await dataset.sync("s3://photos")).toMatchObject({ updated: 2, unchanged: 1, failed: [] });
    expect((await dataset.getBrainInfo("another")).entries).toMatchObject({ indexed: 3 });
    await server.close();
  });
});

/** The reference backend, which has no filter fields, as one that takes them. */
function withFilterFields(): BackendDriver {
  const driver = referenceDriver({ capabilities: { filterFields: true } });
  return {
    ...driver,
    async connect(...values) {
      const backend = await driver.connect(...values);
      return { ...backend, create: ({ filterFields: _, ...spec }) => backend.create(spec) };
    },
  };
}

test("a sync that is stopped says so, and the next one goes on", async () => {
  const { server, dataset } = await startSynced();
  for (let i = 0; i < 20; i++) server.put(`${i}.png`, picture("red"));
  const stop = new AbortController();
  const stopping = dataset.sync("s3://photos", { signal: stop.signal, progress: () => stop.abort() });
  await expect(stopping).rejects.toMatchObject({ code: "ABORTED" });
  await dataset.sync("s3://photos");
  await expectInStep(server, dataset);
  await server.close();
});

test("two installations of one store sync at the same time without doing anything twice", async () => {
  const { server, dataset, ns } = await startSynced();
  const other = await nearsightOn(server, { config: { home: ns.home } });
  for (let i = 0; i < 12; i++) server.put(`${i}.png`, picture(["red", "green", "blue"][i % 3] ?? "red"));
  const reports = await Promise.all([
    dataset.sync("s3://photos"),
    (await other.loadDataset("photos")).sync("s3://photos"),
  ]);
  expect(reports.map(({ added }) => added).reduce((a, b) => a + b)).toBe(12);
  await expectInStep(server, dataset);
  await server.close();
});
