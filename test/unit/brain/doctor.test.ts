/** The check-up of an installation: what it finds wrong, and what it repairs. */

import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Collection } from "../../../core/backends/backend.ts";
import { local } from "../../../core/backends/registry.ts";
import type { Check, DoctorOptions } from "../../../core/brain/doctor/report.ts";
import { once } from "../../../core/brain/entries.ts";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { encodePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const vectors = randomVectors(20, 8, 3);
let ns: Nearsight & { home: string };
let dataset: Dataset;
let ids: string[];
let index: SimilarityIndex;

beforeEach(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("pets");
  ids = await dataset.addSamples(Array.from({ length: 20 }, (_, i) => ({ filepath: `image${i}.jpg` })));
  index = await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "images" });
});

async function problems(options: DoctorOptions = {}): Promise<Check[]> {
  return (await ns.doctor(options)).checks.filter(({ status }) => status !== "ok");
}

/** Does something to the collection behind the brain's back. */
async function meddle(work: (collection: Collection) => Promise<unknown>): Promise<void> {
  const backend = await local.connect({ home: ns.home }, {});
  try {
    await work(await backend.open(index.config.collectionName));
  } finally {
    await backend.close();
  }
}

const stranger = { ids: ["stranger"], sampleIds: ["stranger"], vectors: randomVectors(1, 8, 9) };

describe("an installation in order", () => {
  it("is healthy, with every check named", async () => {
    const { healthy, checks } = await ns.doctor({ deep: true });
    expect(healthy).toBe(true);
    expect(checks.map(({ subject, name, status }) => `${subject} ${name} ${status}`)).toEqual([
      "installation store ok",
      "installation model ok",
      "pets/images state ok",
      "pets/images collection ok",
      "pets/images entries ok",
      "pets/images search ok",
      "installation unused ok",
    ]);
  });

  it("says which data set is not there", async () => {
    await expect(ns.doctor({ dataset: "cars" })).rejects.toMatchObject({ code: "DATASET_NOT_FOUND" });
  });
});

describe("an index out of step with the store", () => {
  it("names entries the collection has lost; a repair makes them missing, to be added again", async () => {
    await meddle((collection) => collection.delete(once(ids.slice(0, 3))));
    expect(await problems()).toMatchObject([
      {
        subject: "pets/images",
        name: "entries",
        status: "warning",
        message: expect.stringContaining("3 entries"),
      },
      { name: "search", status: "warning" },
    ]);
    expect((await ns.doctor({ repair: true })).checks).toContainEqual(
      expect.objectContaining({ name: "entries", status: "repaired" }),
    );
    expect(await index.missingSize()).toBe(3);
  });

  it("names what no entry asks for; a repair removes it from a collection of our own", async () => {
    await meddle((collection) => collection.upsert(once(stranger)));
    expect(await problems()).toMatchObject([
      { name: "entries", message: expect.stringContaining("stranger") },
    ]);
    await ns.doctor({ repair: true });
    expect(await index.totalIndexSize()).toBe(20);
    expect(await problems({ deep: true })).toEqual([]);
  });

  it("takes over what another program has added to a sample", async () => {
    const [added = ""] = await dataset.addSamples([{ filepath: "later.jpg" }]);
    await meddle((collection) => collection.upsert(once({ ...stranger, ids: [added], sampleIds: [added] })));
    await ns.doctor({ repair: true });
    expect(await index.totalIndexSize()).toBe(21);
    expect(await index.missingSize()).toBe(0);
    expect(await problems({ deep: true })).toEqual([]);
  });

  it("sees an exchange of one entry for another only when it looks deep", async () => {
    await meddle(async (collection) => {
      await collection.delete(once([ids[19] ?? ""]));
      await collection.upsert(once(stranger));
    });
    expect(await problems()).toEqual([]);
    expect(await problems({ deep: true })).toMatchObject([{ name: "entries", status: "warning" }]);
  });

  it("writes down what came into a collection that was connected", async () => {
    await dataset.deleteBrainRun("images");
    const { collectionName } = index.config;
    const connected = await ns.computeSimilarity(dataset, {
      embeddings: false,
      collectionName,
      brainKey: "connected",
    });
    await meddle((collection) => collection.upsert(once(stranger)));
    await ns.doctor({ repair: true });
    expect(await connected.totalIndexSize()).toBe(21);
    expect(await problems({ deep: true })).toEqual([]);
  });

  it("finishes deletions", async () => {
    await dataset.deleteSamples(ids.slice(0, 2));
    expect(await problems()).toMatchObject([{ message: expect.stringContaining("2 deletions") }]);
    await ns.doctor({ repair: true });
    expect(await problems()).toEqual([]);
  });

  it("says that a collection is gone, and goes on with the others", async () => {
    await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "other" });
    await meddle((collection) => collection.drop());
    expect(await problems()).toMatchObject([
      { subject: "pets/images", name: "collection", status: "error", code: "INDEX_NOT_FOUND" },
    ]);
  });

  it("lists collections that belong to no run", async () => {
    await dataset.deleteBrainRun("images");
    expect(await problems()).toMatchObject([
      {
        subject: "installation",
        name: "unused",
        message: expect.stringContaining(index.config.collectionName),
      },
    ]);
  });
});

describe("media", () => {
  it("counts those that are gone and those that changed since they were indexed", async () => {
    const folder = temporaryFolder();
    const files = await Promise.all(
      [10, 90, 170].map(async (shade, i) => {
        const file = join(folder, `${i}.png`);
        writeFileSync(file, await encodePicture(plainPicture(40, 30, [shade, shade, shade]), "png"));
        utimesSync(file, 1_700_000_000, 1_700_000_000);
        return file;
      }),
    );
    const photos = await ns.createDataset("photos");
    await photos.addSamples(files.map((filepath) => ({ filepath })));
    await ns.computeSimilarity(photos, { model: colourModel(), brainKey: "colours" });
    expect(await problems({ dataset: "photos", media: true })).toEqual([]);

    rmSync(files[0] ?? "");
    writeFileSync(files[1] ?? "", await encodePicture(plainPicture(40, 30, [1, 2, 3]), "png"));
    expect(await problems({ dataset: "photos", media: true })).toMatchObject([
      {
        name: "media",
        status: "warning",
        message: "of 3 media 1 are gone, 1 changed since they were indexed",
      },
    ]);
  });
});
