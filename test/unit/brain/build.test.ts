/** Building runs: embedding, resuming, partial results and their reports. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeEach, describe, expect, it } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { EmbeddingModel } from "../../../core/models/model.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

let ns: Nearsight & { home: string; warnings: string[] };
let dataset: Dataset;
let ids: string[];
let folder: string;

/** Plain pictures: the first half reddish, the second bluish, each a little different. */
async function drawPictures(count: number): Promise<string[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const path = join(folder, `picture${i}.png`);
      const background = i < count / 2 ? { r: 200 + i, g: 10, b: 10 } : { r: 10, g: 10, b: 200 + i };
      await sharp({ create: { width: 40, height: 30, channels: 3, background } })
        .png()
        .toFile(path);
      return path;
    }),
  );
}

beforeEach(async () => {
  folder = temporaryFolder();
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("build");
  ids = await dataset.addSamples((await drawPictures(30)).map((filepath) => ({ filepath })));
});

/** A model that calls back before each batch. */
function watched(before: (call: number) => void): EmbeddingModel & { items: () => number } {
  const inner = colourModel();
  let calls = 0;
  let items = 0;
  return {
    ...inner,
    items: () => items,
    async embed(batch, options) {
      before(calls++);
      items += batch.shape[0] ?? 0;
      return inner.embed(batch, options);
    },
  };
}

describe("building from pictures", () => {
  it("indexes every picture and finds alike ones by id, image and prompt", async () => {
    const events: number[] = [];
    const index = await ns.computeSimilarity(dataset, {
      model: colourModel(),
      brainKey: "images",
      batchSize: 4,
      progress: (event) => events.push(event.done),
    });
    expect(await index.totalIndexSize()).toBe(30);
    expect(events.at(-1)).toBe(30);
    const reds = new Set(ids.slice(0, 15));
    const near = await dataset.sortBySimilarity({ id: ids[0] ?? "" }, { k: 15 }).values("id");
    expect(new Set(near)).toEqual(reds);
    const byImage = dataset.sortBySimilarity({ image: join(folder, "picture20.png") }, { k: 1 });
    expect(await byImage.values("id")).toEqual([ids[20]]);
    const models = await ns.computeSimilarity(dataset, {
      embeddings: false,
      model: colourModel(),
      brainKey: "empty",
    });
    expect(models.supportsPrompts).toBe(true);
  });

  it("names the index's model again for prompts in another process by name", async () => {
    const model = colourModel();
    const second = await temporaryNearsight({ config: { home: ns.home }, models: { colours: model } });
    await ns.computeSimilarity(dataset, { model, brainKey: "images" });
    const same = await second.loadDataset("build");
    const view = same.sortBySimilarity({ prompt: "something blue" }, { k: 15 });
    expect(new Set(await view.values("id"))).toEqual(new Set(ids.slice(15)));
    expect(await same.sortBySimilarity("something red", { k: 1 }).count()).toBe(1);
    const changed = await temporaryNearsight({
      config: { home: ns.home },
      models: { colours: colourModel({ version: "2" }) },
    });
    const refused = (await changed.loadDataset("build")).sortBySimilarity({ prompt: "blue" }).count();
    await expect(refused).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
  });

  it("keeps vectors in a field, from which a second run is made without a model", async () => {
    const model = watched(() => {});
    await ns.computeSimilarity(dataset, { model, brainKey: "images", embeddingsField: "colours" });
    const second = await ns.computeSimilarity(dataset, { embeddings: "colours", brainKey: "field" });
    expect(model.items()).toBe(30);
    const [a, b] = await Promise.all(
      ["images", "field"].map(async (key) => (await dataset.loadBrainResults(key)).getEmbeddings()),
    );
    expect(b?.embeddings.data).toEqual(a?.embeddings.data);
    expect((await dataset.getBrainInfo("field")).config.embeddingsField).toBe("colours");
    expect(await second.totalIndexSize()).toBe(30);
  });

  it("fills a named field with a model where vectors are missing", async () => {
    const model = watched(() => {});
    await dataset.limit(10).computeEmbeddings(model, { embeddingsField: "colours" });
    const index = await ns.computeSimilarity(dataset, { embeddings: "colours", model, brainKey: "images" });
    expect(await index.totalIndexSize()).toBe(30);
    expect((await dataset.values("colours")).every((vector) => vector instanceof Float32Array)).toBe(true);
    expect(model.items()).toBe(30);
  });

  it("embeds only the regions of roiField, several as their mean, whole pictures where there is none", async () => {
    const halves = join(folder, "halves.png");
    const blue = await sharp({ create: { width: 20, height: 40, channels: 3, background: "blue" } })
      .png()
      .toBuffer();
    await sharp({ create: { width: 40, height: 40, channels: 3, background: "red" } })
      .composite([{ input: blue, left: 20, top: 0 }])
      .png()
      .toFile(halves);
    const box = (left: number) => ({ label: "half", boundingBox: [left, 0, 0.5, 1] as const });
    const regions = (...lefts: number[]) => ({ _cls: "Detections" as const, detections: lefts.map(box) });
    const parts = await ns.createDataset("regions");
    const [left, right, both, none] = await parts.addSamples([
      { filepath: halves, region: regions(0) },
      { filepath: halves, region: regions(0.5) },
      { filepath: halves, region: regions(0, 0.5) },
      { filepath: halves },
    ]);
    const index = await ns.computeSimilarity(parts, {
      model: colourModel(),
      roiField: "region",
      brainKey: "regions",
    });
    const { embeddings, sampleIds } = await index.getEmbeddings();
    expect(sampleIds).toEqual([left, right, both, none]);
    const colour = (row: number, cell: number) =>
      [...embeddings.row(row)].slice(cell * 3, cell * 3 + 3).map((value) => value - 0.1);
    expect(colour(0, 0)).toEqual([1, 0, 0].map((value) => expect.closeTo(value, 2)));
    expect(colour(1, 0)).toEqual([0, 0, 1].map((value) => expect.closeTo(value, 2)));
    expect(colour(2, 0)).toEqual([0.5, 0, 0.5].map((value) => expect.closeTo(value, 2)));
    expect(colour(3, 0)).toEqual([1, 0, 0].map((value) => expect.closeTo(value, 2)));
    expect(colour(3, 3)).toEqual([0, 0, 1].map((value) => expect.closeTo(value, 2)));
  });

  it("computeEmbeddings gives vectors in the view's order and writes nothing to an index", async () => {
    const model = colourModel();
    const view = dataset.select([ids[3] ?? "", ids[1] ?? ""], { ordered: true });
    const { embeddings, sampleIds } = await view.computeEmbeddings(model);
    expect(sampleIds).toEqual([ids[3], ids[1]]);
    expect(embeddings.shape).toEqual([2, 48]);
    expect(await dataset.listBrainRuns()).toEqual([]);
  });
});

describe("an index without entries", () => {
  it("has size 0, finds nothing, and takes vectors later", async () => {
    const empty = await ns.createDataset("empty");
    const index = await ns.computeSimilarity(empty, { model: colourModel(), brainKey: "images" });
    expect(await index.totalIndexSize()).toBe(0);
    expect(await empty.sortBySimilarity({ prompt: "red" }, { k: 3 }).count()).toBe(0);
    const [id = ""] = await empty.addSamples([{ filepath: join(folder, "picture0.png") }]);
    expect(await index.addMissing()).toEqual({ added: 1, failed: [] });
    expect(await empty.sortBySimilarity({ prompt: "red" }, { k: 3 }).values("id")).toEqual([id]);
  });
});

describe("failures", () => {
  it("one broken picture is reported, the others are indexed, and a rerun tries it again", async () => {
    const path = join(folder, "picture7.png");
    writeFileSync(path, "no picture");
    const model = colourModel();
    const index = await ns.computeSimilarity(dataset, { model, brainKey: "images" });
    expect(await index.totalIndexSize()).toBe(29);
    const info = await dataset.getBrainInfo("images");
    expect(info).toMatchObject({ state: "partial", entries: { indexed: 29, failed: 1 } });
    expect(info.reason).toBeTruthy();
    await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
      .png()
      .toFile(path);
    const again = await ns.computeSimilarity(dataset, { model, brainKey: "images" });
    expect(await again.totalIndexSize()).toBe(30);
    expect((await dataset.getBrainInfo("images")).state).toBe("ready");
  });

  it("skipFailures: false stops at the first", async () => {
    writeFileSync(join(folder, "picture0.png"), "");
    const build = ns.computeSimilarity(dataset, {
      model: colourModel(),
      brainKey: "images",
      skipFailures: false,
    });
    await expect(build).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    expect((await dataset.getBrainInfo("images")).state).toBe("failed");
  });

  it("is an error, and no run, when no vector belongs to a row", async () => {
    const embeddings = new Map([["somebody else", [1, 2, 3]]]);
    const build = ns.computeSimilarity(dataset, { embeddings, brainKey: "strangers" });
    await expect(build).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    expect(await dataset.listBrainRuns()).toEqual([]);
    const some = new Map([...embeddings, [ids[0] ?? "", [1, 2, 3]]]);
    const index = await ns.computeSimilarity(dataset, { embeddings: some, brainKey: "some" });
    expect(await index.totalIndexSize()).toBe(1);
  });

  it("is an error when nothing could be embedded", async () => {
    const missing = await ns.createDataset("missing");
    await missing.addSamples([{ filepath: "/nowhere/a.jpg" }]);
    const build = ns.computeSimilarity(missing, { model: colourModel(), brainKey: "images" });
    await expect(build).rejects.toMatchObject({ code: "WRITE_PARTIAL" });
  });
});

describe("stopping and going on", () => {
  it("an aborted build is cancelled and goes on without embedding again what was done", async () => {
    const controller = new AbortController();
    const model = watched((call) => call === 4 && controller.abort());
    const request = { model, brainKey: "images", batchSize: 2, signal: controller.signal };
    await expect(ns.computeSimilarity(dataset, request)).rejects.toMatchObject({ code: "ABORTED" });
    expect((await dataset.getBrainInfo("images")).state).toBe("cancelled");
    const rest = watched(() => {});
    const index = await ns.computeSimilarity(dataset, { model: rest, brainKey: "images", batchSize: 2 });
    expect(await index.totalIndexSize()).toBe(30);
    expect((await dataset.getBrainInfo("images")).entries).toMatchObject({ indexed: 30, pending: 0 });
  });

  it("a build stopped before its rows were frozen starts over", async () => {
    const stopped = ns.computeSimilarity(dataset, {
      model: colourModel(),
      brainKey: "images",
      signal: AbortSignal.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    const early = new AbortController();
    const building = ns.computeSimilarity(dataset, {
      model: colourModel(),
      brainKey: "images",
      signal: early.signal,
    });
    const outcome = expect(building).rejects.toMatchObject({ code: "ABORTED" });
    while (!(await dataset.hasBrainRun("images"))) await new Promise((resolve) => setImmediate(resolve));
    early.abort();
    await outcome;
    const index = await ns.computeSimilarity(dataset, { model: colourModel(), brainKey: "images" });
    expect(await index.totalIndexSize()).toBe(30);
  });

  it("addMissing adds new samples, tries failed ones again, and goes on with a stopped build", async () => {
    writeFileSync(join(folder, "picture3.png"), "");
    const controller = new AbortController();
    const model = watched((call) => call === 2 && controller.abort());
    const request = { model, brainKey: "images", batchSize: 4, signal: controller.signal };
    await expect(ns.computeSimilarity(dataset, request)).rejects.toMatchObject({ code: "ABORTED" });
    const index = await dataset.loadBrainResults("images");
    const first = await index.addMissing();
    expect(first.failed).toEqual([
      { id: ids[3], sampleId: ids[3], reason: expect.stringContaining("empty") },
    ]);
    expect((await dataset.getBrainInfo("images")).failed).toEqual(first.failed);
    expect(await index.totalIndexSize()).toBe(29);
    await sharp({ create: { width: 9, height: 9, channels: 3, background: "green" } })
      .png()
      .toFile(join(folder, "picture3.png"));
    await dataset.addSamples([{ filepath: join(folder, "picture3.png") }]);
    expect(await index.addMissing()).toEqual({ added: 2, failed: [] });
    expect(await dataset.getBrainInfo("images")).toMatchObject({ state: "ready", entries: { indexed: 31 } });
    expect(await index.addMissing()).toEqual({ added: 0, failed: [] });
  });

  it("a second builder of a run under way is told so", async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const inner = colourModel();
    let started: () => void = () => {};
    const begun = new Promise<void>((resolve) => {
      started = resolve;
    });
    const slow: EmbeddingModel = {
      ...inner,
      async embed(batch) {
        started();
        await held;
        return inner.embed(batch);
      },
    };
    const first = ns.computeSimilarity(dataset, { model: slow, brainKey: "images" });
    await begun;
    const other = await temporaryNearsight({ config: { home: ns.home } });
    const second = other.computeSimilarity(await other.loadDataset("build"), {
      model: inner,
      brainKey: "images",
    });
    await expect(second).rejects.toMatchObject({ code: "RUN_BUSY", retryable: true });
    release();
    expect(await (await first).totalIndexSize()).toBe(30);
  });
});
