/** Builds over a data set with every kind of bad file: what is good is indexed, each bad one is named with its reason. */

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { matrix } from "../../../core/matrix.ts";
import type { EmbeddingModel } from "../../../core/models/model.ts";
import { colourModel } from "../../support/colour-model.ts";
import { encodePicture, noisePicture, plainPicture } from "../../support/pictures.ts";
import { rawPng } from "../../support/raw-pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

/** Makes one bad file at `path`; the build must say something with `words` of it. */
type BadFile = readonly [words: string, make: (path: string) => unknown];

const JPEG = await encodePicture(noisePicture(60, 40, 1), "jpeg");
const write = (bytes: Uint8Array) => (path: string) => writeFileSync(path, bytes);

const BAD: Readonly<Record<string, BadFile>> = {
  "cut.jpg": ["cut off", write(JPEG.subarray(0, JPEG.length / 2))],
  "empty.jpg": ["empty", write(Buffer.alloc(0))],
  "text.jpg": ["format is not known", write(Buffer.from("no picture"))],
  "document.png": ["format is not known", write(Buffer.from("%PDF-1.7\n"))],
  "drawing.png": [
    "SVG",
    write(Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")),
  ],
  "packed.png": ["format is not known", write(gzipSync("<svg xmlns='http://www.w3.org/2000/svg'/>"))],
  "bomb.png": ["30000 x 30000", write(rawPng(30_000, 30_000, deflateSync(Buffer.alloc(100))))],
  "thin.png": ["sides", write(rawPng(2_000_000, 1))],
  "folder.jpg": ["a folder or a device", (path) => mkdirSync(path)],
  "pipe.jpg": ["a folder or a device", (path) => execFileSync("mkfifo", [path])],
  "loop.jpg": ["ELOOP", (path) => symlinkSync(path, path)],
  "vanished.jpg": ["No file at", () => undefined],
  "large.jpg": ["at most 268435456 bytes", (path) => write(JPEG)(path) ?? truncateSync(path, 2 ** 29)],
};

async function withBadFiles(files: Readonly<Record<string, BadFile>>) {
  const ns = await temporaryNearsight();
  const folder = temporaryFolder();
  const dataset = await ns.createDataset("bad files");
  const good = join(folder, "good.png");
  writeFileSync(good, await encodePicture(plainPicture(9, 9, [200, 0, 0])));
  // A good one after each bad one, so that both share batches.
  const samples = Object.keys(files).flatMap((name) => [
    { filepath: join(folder, name) },
    { filepath: good },
  ]);
  const ids = await dataset.addSamples([{ filepath: good }, ...samples]);
  for (const [name, [, make]] of Object.entries(files)) make(join(folder, name));
  const names = new Map(Object.keys(files).map((name, i) => [ids[1 + 2 * i] ?? "", name]));
  return { ns, dataset, names, folder };
}

describe("computeSimilarity", () => {
  test("indexes the good files and names every bad one", async () => {
    const { ns, dataset, names } = await withBadFiles(BAD);
    const index = await ns.computeSimilarity(dataset, { model: colourModel(), brainKey: "all" });
    expect(await index.totalIndexSize()).toBe(1 + names.size);
    const info = await dataset.getBrainInfo("all");
    expect(info).toMatchObject({ state: "partial", entries: { failed: names.size, pending: 0 } });
    const reasons = Object.fromEntries(info.failed.map(({ id, reason }) => [names.get(id), reason]));
    const expected = Object.entries(BAD).map(([name, [words]]) => [name, expect.stringContaining(words)]);
    expect(reasons).toEqual(Object.fromEntries(expected));
    expect(await dataset.sortBySimilarity({ prompt: "red" }).count()).toBe(1 + names.size);
  });

  test("names the patches that cannot be cut out, and those of pictures that cannot be read", async () => {
    const { ns, dataset, folder } = await withBadFiles({});
    const boxes = [
      [0, 0, 0.5, 0.5],
      [0.2, 0.2, 0, 0],
      [5, 5, 1, 1],
      [-3, -3, 1, 1],
      [0, 0, 1e9, 1e9],
    ] as const;
    const objects = boxes.map((boundingBox, i) => ({ id: `box${i}`, label: "thing", boundingBox }));
    const lost = { id: "lost", label: "thing", boundingBox: [0, 0, 1, 1] as const };
    await dataset.addSamples([
      { filepath: join(folder, "good.png"), things: { _cls: "Detections", detections: objects } },
      { filepath: join(folder, "none.png"), things: { _cls: "Detections", detections: [lost] } },
    ]);
    await ns.computeSimilarity(dataset, {
      model: colourModel(),
      patchesField: "things",
      brainKey: "patches",
    });
    const { failed, entries } = await dataset.getBrainInfo("patches");
    expect(entries.indexed).toBe(2);
    expect(Object.fromEntries(failed.map(({ id, reason }) => [id, reason]))).toEqual({
      box1: expect.stringContaining("covers none"),
      box2: expect.stringContaining("covers none"),
      box3: expect.stringContaining("covers none"),
      lost: expect.stringContaining("No file at"),
    });
  });

  test("a file that goes, and one that takes its place as a pipe, between two builds", async () => {
    const { ns, dataset, folder } = await withBadFiles({ "a.jpg": ["", write(JPEG)] });
    const path = join(folder, "a.jpg");
    await ns.computeSimilarity(dataset, { model: colourModel(), brainKey: "before" });
    rmSync(path);
    execFileSync("mkfifo", [path]);
    await ns.computeSimilarity(dataset, { model: colourModel({ version: "2" }), brainKey: "after" });
    expect((await dataset.getBrainInfo("before")).failed).toEqual([]);
    expect((await dataset.getBrainInfo("after")).failed).toEqual([
      expect.objectContaining({ reason: expect.stringContaining("a folder or a device") }),
    ]);
  });

  test("a socket", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "s");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const ns = await temporaryNearsight();
    const dataset = await ns.createDataset("socket");
    await dataset.addSamples([{ filepath: path }]);
    const { failed } = await dataset.computeEmbeddings(colourModel());
    expect(failed).toEqual([expect.objectContaining({ reason: expect.stringContaining("a device") })]);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("a model that answers wrongly", () => {
  let fixture: Awaited<ReturnType<typeof withBadFiles>>;
  beforeAll(async () => {
    fixture = await withBadFiles({});
  });

  const answering = (rows: (items: number) => number, dimension: number): EmbeddingModel => ({
    ...colourModel(),
    fingerprint: `wrong ${rows(8)} ${dimension}`,
    embed: async ({ shape }) => matrix(new Float32Array(rows(shape[0] ?? 0) * dimension).fill(1), dimension),
  });

  test.each<[string, EmbeddingModel]>([
    ["with fewer vectors than items", answering((items) => items - 1, 48)],
    ["with none", answering(() => 0, 48)],
    ["with more", answering((items) => items + 1, 48)],
    ["with shorter ones", answering((items) => items, 47)],
    ["with longer ones", answering((items) => items, 49)],
  ])("%s is MODEL_INVALID, not an index of shifted numbers", async (_, model) => {
    const { ns, dataset } = fixture;
    const build = ns.computeSimilarity(dataset, { model, brainKey: model.fingerprint });
    await expect(build).rejects.toMatchObject({
      code: "WRITE_PARTIAL",
      message: expect.stringMatching(/Expected \d+ vectors of 48 numbers from colours but found/),
    });
    await expect(dataset.computeEmbeddings(model, { skipFailures: false })).rejects.toMatchObject({
      code: "MODEL_INVALID",
    });
  });

  test("with NaN for one item: that one is named, the others are indexed", async () => {
    const inner = colourModel();
    const model: EmbeddingModel = {
      ...inner,
      fingerprint: "nan for the second",
      async embed(batch) {
        const vectors = await inner.embed(batch);
        if (vectors.rows > 1) vectors.row(1)[7] = Number.NaN;
        return vectors;
      },
    };
    const ns = await temporaryNearsight();
    const dataset = await ns.createDataset("nan");
    const folder = temporaryFolder();
    const ids = [];
    for (let i = 0; i < 3; i++) {
      const filepath = join(folder, `${i}.png`);
      writeFileSync(filepath, await encodePicture(plainPicture(9, 9, [10 * i, 0, 0])));
      ids.push(await dataset.addSample({ filepath }));
    }
    const index = await ns.computeSimilarity(dataset, { model, brainKey: "nan", batchSize: 3 });
    expect(await index.totalIndexSize()).toBe(2);
    expect((await dataset.getBrainInfo("nan")).failed).toEqual([
      expect.objectContaining({ id: ids[1], reason: expect.stringContaining("NaN") }),
    ]);
  });
});

describe("options", () => {
  let fixture: Awaited<ReturnType<typeof withBadFiles>>;
  beforeAll(async () => {
    fixture = await withBadFiles({});
  });

  test.each<[string, object]>([
    ["batchSize", { batchSize: 0 }],
    ["batchSize", { batchSize: Number.NaN }],
    ["batchSize", { batchSize: "8" }],
    ["numWorkers", { numWorkers: Number.NaN }],
    ["numWorkers", { numWorkers: -1 }],
    ["skipFailures", { skipFailures: "no" }],
    ["alpha", { alpha: Number.POSITIVE_INFINITY }],
    ["forceSquare", { forceSquare: 1 }],
    ["progress", { progress: 5 }],
    ["signal", { signal: {} }],
    ["brainkey", { brainkey: "misspelt" }],
    ["constructor", JSON.parse('{"constructor": 1}')],
    ["__proto__", JSON.parse('{"__proto__": {"brainKey": "inherited"}}')],
    ["model", { model: 5 }],
    ["model", { model: {} }],
    ["model", { model: () => undefined }],
    ["embeddings", { embeddings: null }],
    ["embeddings", { embeddings: 5 }],
  ])("%s in %o is INVALID_ARGUMENT before anything is written", async (name, options) => {
    const { ns, dataset } = fixture;
    const build = ns.computeSimilarity(dataset, { model: colourModel(), brainKey: "run", ...options });
    await expect(build).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(name),
      hint: expect.any(String),
    });
    expect(await dataset.listBrainRuns()).toEqual([]);
  });

  test("addMissing and computeEmbeddings check theirs", async () => {
    const { ns, dataset } = await withBadFiles({});
    const index = await ns.computeSimilarity(dataset, { model: colourModel(), brainKey: "run" });
    const code = "INVALID_ARGUMENT";
    await expect(index.addMissing({ numWorkers: 0.5 })).rejects.toMatchObject({ code });
    await expect(dataset.computeEmbeddings(colourModel(), { batchSize: -1 })).rejects.toMatchObject({ code });
  });
});
