/** Switching a brain run to an index built beside it: searches and saved views go over in one step. */

import { beforeEach, describe, expect, it } from "vitest";
import { local } from "../../../core/backends/registry.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { steppedDriver } from "../../support/crash-driver.ts";
import { referenceDriver } from "../../support/reference-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const ROWS = 12;
const old = randomVectors(ROWS, 4, 1);
const next = randomVectors(ROWS, 6, 2);
let ns: Nearsight & { home: string };
let dataset: Dataset;
let ids: string[];

beforeEach(async () => {
  ns = await temporaryNearsight({ backends: [local, referenceDriver()] });
  dataset = await ns.createDataset("switched");
  ids = await dataset.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `image${i}.jpg` })));
  await ns.computeSimilarity(dataset, { embeddings: old, brainKey: "images" });
  await ns.computeSimilarity(dataset, { embeddings: next, brainKey: "images_next", backend: "reference" });
});

const query = () => ({ id: ids[0] ?? "" });
const ranking = (brainKey: string) => dataset.sortBySimilarity(query(), { brainKey }).values<string>("id");

describe("a switched run", () => {
  it("answers with the other index, and is found under the other key", async () => {
    const [before, after] = [await ranking("images"), await ranking("images_next")];
    expect(before).not.toEqual(after);
    await dataset.saveView("near", dataset.sortBySimilarity(query(), { brainKey: "images", k: 5 }));
    const waiting = dataset.sortBySimilarity(query(), { brainKey: "images" });
    await dataset.switchBrainRun("images", "images_next");
    expect(await ranking("images")).toEqual(after);
    expect(await ranking("images_next")).toEqual(before);
    expect(await (await dataset.loadView("near")).values("id")).toEqual(after.slice(0, 5));
    expect(await waiting.values("id")).toEqual(after);
    expect((await dataset.getBrainInfo("images")).config).toMatchObject({
      method: "reference",
      dimension: 6,
    });
    expect((await dataset.getBrainInfo("images_next")).config).toMatchObject({
      method: "local",
      dimension: 4,
    });
  });

  it("goes back the same way, and the former index can be deleted", async () => {
    const before = await ranking("images");
    await dataset.switchBrainRun("images", "images_next");
    await dataset.switchBrainRun("images", "images_next");
    expect(await ranking("images")).toEqual(before);
    await dataset.switchBrainRun("images", "images_next");
    const after = await ranking("images");
    await (await dataset.loadBrainResults("images_next")).delete();
    expect(await ranking("images")).toEqual(after);
    expect(await dataset.listBrainRuns()).toEqual(["images"]);
  });

  it("is seen by another process, whose open index stays with its collection", async () => {
    const other = await temporaryNearsight({
      config: { home: ns.home },
      backends: [local, referenceDriver()],
    });
    const there = await other.loadDataset("switched");
    const index = await there.loadBrainResults("images");
    await dataset.switchBrainRun("images", "images_next");
    expect((await there.getBrainInfo("images")).config.method).toBe("reference");
    await index.reload();
    expect([index.key, index.config.method, await index.totalIndexSize()]).toEqual([
      "images_next",
      "local",
      ROWS,
    ]);
  });

  it("is one step: searches meanwhile see one index or the other", async () => {
    const known = [await ranking("images"), await ranking("images_next")];
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        if (i % 4 === 1) await dataset.switchBrainRun("images", "images_next");
        return ranking("images");
      }),
    );
    for (const answer of answers) expect(known).toContainEqual(answer);
    expect((await dataset.listBrainRuns()).sort()).toEqual(["images", "images_next"]);
  });
});

describe("a switch is refused", () => {
  const refused = (key: string, toKey: string, code: string, message: RegExp) =>
    expect(dataset.switchBrainRun(key, toKey)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });

  it("where a run is not there, or both are one", async () => {
    await refused("images", "none", "RUN_NOT_FOUND", /none/);
    await refused("none", "images", "RUN_NOT_FOUND", /none/);
    await refused("images", "images", "INVALID_ARGUMENT", /twice/);
  });

  it("where they index other things", async () => {
    await dataset.setField("objects", {
      _cls: "Detections",
      detections: [{ label: "cat", boundingBox: [0, 0, 1, 1] }],
    });
    await ns.computeSimilarity(dataset, { embeddings: false, patchesField: "objects", brainKey: "patches" });
    await refused("images", "patches", "INVALID_ARGUMENT", /'objects' patches/);
    await dataset.computeVisualization({ embeddings: old, method: "pca", brainKey: "map" });
    await refused("images", "map", "INVALID_ARGUMENT", /visualization/);
    await refused("map", "images", "INVALID_ARGUMENT", /visualization/);
  });

  it("where the other index was given up or never finished", async () => {
    await (await dataset.loadBrainResults("images_next")).cleanup();
    await refused("images", "images_next", "INVALID_ARGUMENT", /deleting/);
    await refused("images_next", "images_next", "INVALID_ARGUMENT", /twice/);
    const controller = new AbortController();
    const stopped = ns.computeSimilarity(dataset, {
      embeddings: next,
      brainKey: "stopped",
      signal: controller.signal,
      progress: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    await refused("images", "stopped", "INVALID_ARGUMENT", /cancelled/);
  });

  it("while one of them is being built, whichever it is", async () => {
    const driver = steppedDriver();
    const building = await temporaryNearsight({ config: { home: ns.home }, backends: [driver] });
    const there = await building.loadDataset("switched");
    const found: unknown[] = [];
    driver.meanwhile("before upsert", async () => {
      for (const [key, toKey] of [
        ["images", "built"],
        ["built", "images"],
      ] as const) {
        found.push(await dataset.switchBrainRun(key, toKey).catch((error) => error.code));
      }
    });
    await building.computeSimilarity(there, { embeddings: next, brainKey: "built" });
    // Neither half built nor under the hands of its builder: the first check that fails is the one told.
    expect(found).toEqual(["INVALID_ARGUMENT", "RUN_BUSY"]);
    await dataset.switchBrainRun("images", "built");
    expect((await dataset.getBrainInfo("images")).config.dimension).toBe(6);
  });
});
