/** Equal content is embedded once: across runs, backends, files, processes and within one build. */

import { copyFileSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { countingModel } from "../../support/counting-model.ts";
import { encodePicture, noisePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

let folder: string;
let cache: string;
let paths: string[];

beforeEach(async () => {
  folder = temporaryFolder();
  cache = join(folder, "cache");
  paths = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const path = join(folder, `${i}.png`);
      writeFileSync(path, await encodePicture(noisePicture(24, 16, i + 1)));
      return path;
    }),
  );
});

type Opened = Nearsight & { warnings: string[] };

async function installation(config: Record<string, unknown> = {}): Promise<{ ns: Opened; dataset: Dataset }> {
  const ns = await temporaryNearsight({ config: { cache, home: temporaryFolder(), ...config } });
  const dataset = await ns.createDataset("pictures");
  await dataset.addSamples(paths.map((filepath) => ({ filepath })));
  return { ns, dataset };
}

describe("pictures that were embedded before", () => {
  it("cost no inference in another run, another installation, or from moved files, and give the same vectors", async () => {
    const model = countingModel();
    const { ns, dataset } = await installation();
    const first = await ns.computeSimilarity(dataset, { model, brainKey: "a" });
    const expected = (await first.getEmbeddings()).embeddings.data;
    expect(model.embedded()).toBe(20);
    await ns.computeSimilarity(dataset, { model, brainKey: "b", metric: "euclidean" });
    paths = paths.map((path, i) => {
      const moved = join(folder, `moved-${i}.png`);
      renameSync(path, moved);
      return moved;
    });
    const elsewhere = await installation();
    const copy = await elsewhere.ns.computeSimilarity(elsewhere.dataset, { model, brainKey: "a" });
    expect((await copy.getEmbeddings()).embeddings.data).toEqual(expected);
    const { embeddings } = await elsewhere.dataset.computeEmbeddings(model);
    expect(embeddings.data).toEqual(expected);
    expect(model.embedded()).toBe(20);
    expect([...ns.warnings, ...elsewhere.ns.warnings]).toEqual([]);
  });

  it("are embedded again by a model of another fingerprint, and by one without any", async () => {
    const { ns, dataset } = await installation();
    await ns.computeSimilarity(dataset, { model: countingModel(), brainKey: "a" });
    const newer = countingModel({ version: "2" });
    await ns.computeSimilarity(dataset, { model: newer, brainKey: "b" });
    expect(newer.embedded()).toBe(20);
    const nameless = { ...countingModel(), fingerprint: "" };
    await dataset.computeEmbeddings(nameless);
    await dataset.computeEmbeddings(nameless);
    expect(nameless.embedded()).toBe(40);
  });

  it("need no model that is ready: it prepares for the others alone", async () => {
    const { ns, dataset } = await installation();
    let prepared = 0;
    const model = { ...countingModel(), prepare: () => void prepared++ };
    await ns.computeSimilarity(dataset.limit(5), { model, brainKey: "a" });
    expect(prepared).toBe(5);
    await ns.computeSimilarity(dataset.limit(6), { model, brainKey: "b" });
    expect(prepared).toBe(6);
  });

  it("are embedded again when the size of the cache is 0", async () => {
    const { ns, dataset } = await installation({ embeddingCacheBytes: 0 });
    const model = countingModel();
    await ns.computeSimilarity(dataset, { model, brainKey: "a" });
    await ns.computeSimilarity(dataset, { model, brainKey: "b" });
    expect(model.embedded()).toBe(40);
    expect(ns.warnings).toEqual([]);
  });
});

describe("equal pictures within one build", () => {
  it.each([
    ["with a cache", 2 ** 30],
    ["without one", 0],
  ])(
    "are embedded once, also while the first is still being embedded, %s",
    async (_, embeddingCacheBytes) => {
      const model = countingModel();
      const kinds = paths.slice(0, 3);
      paths = Array.from({ length: 60 }, (_, i) => {
        const path = join(folder, `copy-${i}.png`);
        copyFileSync(kinds[i % 3] ?? "", path);
        return path;
      });
      const { ns, dataset } = await installation({ embeddingCacheBytes });
      const index = await ns.computeSimilarity(dataset, { model, brainKey: "a", batchSize: 4 });
      expect(model.embedded()).toBe(3);
      const { embeddings, sampleIds } = await index.getEmbeddings();
      expect(sampleIds).toEqual(await dataset.values("id"));
      for (let i = 3; i < 60; i++) expect(embeddings.row(i)).toEqual(embeddings.row(i % 3));
      expect(embeddings.row(0)).not.toEqual(embeddings.row(1));
    },
  );

  it("each fail on their own where they are broken", async () => {
    paths = ["a", "b"].map((name) => {
      const path = join(folder, `${name}.png`);
      writeFileSync(path, "no picture");
      return path;
    });
    const good = join(folder, "good.png");
    writeFileSync(good, await encodePicture(plainPicture(8, 8, [1, 2, 3])));
    paths.push(good);
    const { ns, dataset } = await installation();
    await ns.computeSimilarity(dataset, { model: countingModel(), brainKey: "a" });
    const { failed } = await dataset.getBrainInfo("a");
    expect(failed.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("a.png"),
      expect.stringContaining("b.png"),
    ]);
  });
});

describe("patches", () => {
  it("are known by their box and how it is cut", async () => {
    const model = countingModel();
    const { ns, dataset } = await installation();
    const boxes = [
      [0, 0, 0.5, 0.5],
      [0.5, 0.5, 0.5, 0.5],
    ] as const;
    const ids = await dataset.values<string>("id");
    const objects = Object.fromEntries(
      ids.map((id) => [
        id,
        {
          _cls: "Detections",
          detections: boxes.map((boundingBox) => ({ label: "thing", boundingBox: [...boundingBox] })),
        },
      ]),
    );
    await dataset.setValues("objects", objects as never);
    const patchesField = "objects";
    const index = await ns.computeSimilarity(dataset, { model, brainKey: "a", patchesField });
    expect(await index.totalIndexSize()).toBe(40);
    expect(model.embedded()).toBe(40);
    await ns.computeSimilarity(dataset, { model, brainKey: "b", patchesField });
    expect(model.embedded()).toBe(40);
    await ns.computeSimilarity(dataset, { model, brainKey: "c", patchesField, alpha: -0.5 });
    expect(model.embedded()).toBe(80);
    await ns.computeSimilarity(dataset, { model, brainKey: "whole" });
    expect(model.embedded()).toBe(100);
  });
});

describe("a cache that is of no use", () => {
  it.each([
    ["is garbage", () => writeFileSync(join(cache, "embeddings.db"), "this is no database. ".repeat(500))],
    ["is a folder", () => mkdirSync(join(cache, "embeddings.db"))],
  ])("costs one warning and no picture when it %s", async (_, spoil) => {
    mkdirSync(cache);
    spoil();
    const model = countingModel();
    const { ns, dataset } = await installation();
    const index = await ns.computeSimilarity(dataset, { model, brainKey: "a" });
    await ns.computeSimilarity(dataset, { model, brainKey: "b" });
    expect(await index.totalIndexSize()).toBe(20);
    expect(model.embedded()).toBe(40);
    expect(ns.warnings).toEqual([
      expect.stringMatching(/^Embeddings are computed without their cache .*embeddings\.db/),
    ]);
  });

  it("is noticed when its folder cannot be made", async () => {
    writeFileSync(cache, "a file");
    const { ns, dataset } = await installation();
    const index = await ns.computeSimilarity(dataset, { model: countingModel(), brainKey: "a" });
    expect(await index.totalIndexSize()).toBe(20);
    expect(ns.warnings).toHaveLength(1);
  });

  it("is noticed when garbage takes its place between two builds", async () => {
    const model = countingModel();
    const { ns, dataset } = await installation();
    await ns.computeSimilarity(dataset, { model, brainKey: "a" });
    const size = readFileSync(join(cache, "embeddings.db")).length;
    for (const name of ["embeddings.db", "embeddings.db-wal"]) {
      writeFileSync(join(cache, name), Buffer.alloc(size, 7), { flag: "r+" });
    }
    const index = await ns.computeSimilarity(dataset, { model, brainKey: "b" });
    expect(await index.totalIndexSize()).toBe(20);
    const again = await installation();
    await again.ns.computeSimilarity(again.dataset, { model, brainKey: "c" });
    expect(again.ns.warnings).toHaveLength(1);
  });
});

describe("files that change", () => {
  const longAgo = new Date("2020-01-01");

  it("are embedded anew by addMissing, and only they", async () => {
    for (const path of paths) utimesSync(path, longAgo, longAgo);
    const model = countingModel();
    const { ns, dataset } = await installation();
    const index = await ns.computeSimilarity(dataset, { model, brainKey: "a" });
    const before = (await index.getEmbeddings()).embeddings;
    writeFileSync(paths[3] ?? "", await encodePicture(plainPicture(24, 16, [250, 10, 10])));
    utimesSync(paths[4] ?? "", new Date(), new Date());
    await index.addMissing();
    expect(model.embedded()).toBe(21);
    const after = (await index.getEmbeddings()).embeddings;
    const changed = Array.from({ length: 20 }, (_, i) => i).filter(
      (i) => after.row(i).join() !== before.row(i).join(),
    );
    expect(changed).toEqual([3]);
    expect(await index.missingSize()).toBe(0);
    await index.addMissing();
    expect(model.embedded()).toBe(21);
  });

  it("are embedded anew where the vectors are kept in a field as well", async () => {
    const model = countingModel();
    const { ns, dataset } = await installation();
    const index = await ns.computeSimilarity(dataset, { model, brainKey: "a", embeddingsField: "vectors" });
    writeFileSync(paths[3] ?? "", await encodePicture(plainPicture(24, 16, [250, 10, 10])));
    await index.addMissing();
    expect(model.embedded()).toBe(21);
    const { embeddings } = await index.getEmbeddings();
    expect(embeddings.row(3)[0]).toBeCloseTo(250 / 255 + 0.1, 4);
    const stored = await dataset.getVectors("vectors", await dataset.values<string>("id"));
    expect(stored.vectors.row(3)).toEqual(embeddings.row(3));
  });

  it("are embedded anew by a build that goes on after a stop", async () => {
    const { ns, dataset } = await installation();
    const stop = new AbortController();
    const progress = ({ done }: { done: number }) => {
      if (done >= 8) stop.abort();
    };
    const request = { model: countingModel(), brainKey: "a", batchSize: 4 };
    const stopped = ns.computeSimilarity(dataset, { ...request, progress, signal: stop.signal });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    writeFileSync(paths[0] ?? "", await encodePicture(plainPicture(24, 16, [250, 10, 10])));
    const index = await ns.computeSimilarity(dataset, request);
    const { embeddings } = await index.getEmbeddings();
    expect(embeddings.rows).toBe(20);
    expect(embeddings.row(0)[0]).toBeCloseTo(250 / 255 + 0.1, 4);
  });

  it("keep their entries when they are gone or unreadable, and vectors that were given stay", async () => {
    const model = countingModel();
    const { ns, dataset } = await installation();
    const index = await ns.computeSimilarity(dataset, { model, brainKey: "a" });
    const [id = ""] = await dataset.values<string>("id");
    const given = new Float32Array(48).fill(2);
    await index.addToIndex([given], [id]);
    writeFileSync(paths[0] ?? "", await encodePicture(plainPicture(24, 16, [1, 2, 3])));
    renameSync(paths[1] ?? "", join(folder, "gone.png"));
    await index.addMissing();
    expect(await index.indexSize()).toBe(20);
    expect((await index.getEmbeddings({ sampleIds: id })).embeddings.row(0)).toEqual(given);
    expect(model.embedded()).toBe(20);
  });
});
