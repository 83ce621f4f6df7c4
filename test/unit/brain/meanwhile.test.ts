/** What happens to an index while it is built or changed: by other processes, between each pair of steps. */

import { copyFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import { isNearsightError } from "../../../core/errors.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { drawPictures, expectInStep, letLeasesEnd } from "../../support/crash-checks.ts";
import { type Moment, steppedDriver } from "../../support/crash-driver.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const PICTURES = 12;
const REQUEST = { model: "colours", brainKey: "images", batchSize: 4 } as const;

/** `mine` builds; `theirs` is another process's view of the same home. */
let mine: Nearsight & { home: string };
let theirs: Nearsight;
let dataset: Dataset;
let same: Dataset;
let driver: ReturnType<typeof steppedDriver>;
let paths: string[];
let ids: string[];
let batches: number;
/** No model embeds before this. */
let released: Promise<unknown>;

beforeAll(async () => {
  paths = await drawPictures(temporaryFolder(), PICTURES);
});

beforeEach(async () => {
  driver = steppedDriver();
  batches = 0;
  released = Promise.resolve();
  const colours = colourModel();
  const inner = {
    ...colours,
    async embed(...values: Parameters<typeof colours.embed>) {
      await released;
      return colours.embed(...values);
    },
  };
  const counting = {
    ...inner,
    embed(...values: Parameters<typeof inner.embed>) {
      batches++;
      return inner.embed(...values);
    },
  };
  mine = await temporaryNearsight({ backends: [driver], models: { colours: counting } });
  const config = { home: mine.home, cache: temporaryFolder() };
  theirs = await temporaryNearsight({ config, models: { colours: inner } });
  dataset = await mine.createDataset("meanwhile");
  ids = await dataset.addSamples(paths.map((filepath) => ({ filepath })));
  same = await theirs.loadDataset("meanwhile");
});

/** What refuses one of two builds of a run; the other does not end before. */
async function refusedOf(start: () => readonly Promise<unknown>[]): Promise<unknown[]> {
  const refusal = Promise.withResolvers<unknown>();
  released = refusal.promise;
  const both = start();
  for (const build of both) build.catch(refusal.resolve);
  const outcomes = await Promise.allSettled(both);
  return outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
}

/** Files of indexes that are there. */
async function indexFiles(): Promise<string[]> {
  const names = await readdir(join(mine.home, "indexes")).catch(() => []);
  return names.filter((name) => name !== "names.lock");
}

const MOMENTS: readonly Moment[] = ["before create", "after create", "before upsert", "after upsert"];

describe("two builders of one run", () => {
  it("one of two that start at once builds it, the other is told that it is busy", async () => {
    const refused = await refusedOf(() => [
      mine.computeSimilarity(dataset, REQUEST),
      theirs.computeSimilarity(same, REQUEST),
    ]);
    expect(refused).toEqual([expect.objectContaining({ code: "RUN_BUSY", retryable: true })]);
    await expectInStep(same, await same.loadBrainResults("images"), PICTURES);
  });

  it("the same holds inside one process", async () => {
    const refused = await refusedOf(() => [
      mine.computeSimilarity(dataset, REQUEST),
      mine.computeSimilarity(dataset, REQUEST),
    ]);
    expect(refused).toEqual([expect.objectContaining({ code: "RUN_BUSY" })]);
    expect(batches).toBe(PICTURES / REQUEST.batchSize);
    await expectInStep(dataset, await dataset.loadBrainResults("images"), PICTURES);
  });

  it("one whose lease ended is overtaken: it stops at its next write, and nothing is doubled", async () => {
    driver.meanwhile("before upsert", async () => {
      letLeasesEnd(mine.home);
      await theirs.computeSimilarity(same, REQUEST);
    });
    await expect(mine.computeSimilarity(dataset, REQUEST)).rejects.toMatchObject({ code: "LEASE_LOST" });
    await expectInStep(same, await same.loadBrainResults("images"), PICTURES);
  });
});

describe("a run given up during its build", () => {
  it.each(MOMENTS)("deleted with its index %s: nothing is left", async (moment) => {
    driver.meanwhile(moment, async () => (await same.loadBrainResults("images")).delete());
    await expect(mine.computeSimilarity(dataset, REQUEST)).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await dataset.listBrainRuns()).toEqual([]);
    expect(await indexFiles()).toEqual([]);
    await expectInStep(dataset, await mine.computeSimilarity(dataset, REQUEST), PICTURES);
  });

  it.each(MOMENTS)("cleaned up %s: it stays so", async (moment) => {
    driver.meanwhile(moment, async () => (await same.loadBrainResults("images")).cleanup());
    await expect(mine.computeSimilarity(dataset, REQUEST)).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await dataset.getBrainInfo("images")).toMatchObject({
      state: "deleting",
      entries: { indexed: 0 },
    });
    expect(await indexFiles()).toEqual([]);
  });

  it.each(MOMENTS)("its record deleted %s: the builder stops and the key is free", async (moment) => {
    driver.meanwhile(moment, () => same.deleteBrainRun("images"));
    await expect(mine.computeSimilarity(dataset, REQUEST)).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(batches).toBeLessThan(PICTURES / REQUEST.batchSize + 1);
    await expectInStep(dataset, await mine.computeSimilarity(dataset, REQUEST), PICTURES);
  });

  it("its data set deleted: the builder stops instead of embedding the rest", async () => {
    const many = await mine.createDataset("many");
    await many.addSamples(Array.from({ length: 120 }, (_, i) => ({ filepath: paths[i % PICTURES] ?? "" })));
    driver.meanwhile("before upsert", () => theirs.deleteDataset("many"));
    const building = mine.computeSimilarity(many, { ...REQUEST, batchSize: 1 });
    await expect(building).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(batches).toBeLessThan(10);
  });
});

describe("samples during a build", () => {
  it.each(["before upsert", "after upsert"] as const)("deleted %s: they are in no index", async (moment) => {
    driver.meanwhile(moment, async () => {
      await same.deleteSamples(ids.slice(0, 6));
      await same.loadBrainResults("images"); // which finishes deletions, as any use of the index does
    });
    const index = await mine.computeSimilarity(dataset, REQUEST);
    await expectInStep(dataset, index, PICTURES - 6);
  });

  it("added, or changed so that the view is another: the build keeps the rows it began with", async () => {
    await dataset.setValues("chosen", new Map(ids.slice(0, 8).map((id) => [id, true])));
    driver.meanwhile("before upsert", async () => {
      await same.setValues("chosen", new Map(ids.map((id, i) => [id, i >= 8])));
      await same.addSamples([{ filepath: paths[0] ?? "", chosen: true }]);
    });
    const index = await mine.computeSimilarity(dataset.match(F("chosen").eq(true)), REQUEST);
    expect((await index.getEmbeddings()).sampleIds).toEqual(ids.slice(0, 8));
  });

  it("replaced on disk: each vector is that of the old or the new picture", async () => {
    const model = colourModel();
    const replaced = await mine.createDataset("replaced");
    const files = await drawPictures(temporaryFolder(), PICTURES);
    await replaced.addSamples(files.map((filepath) => ({ filepath })));
    const before = (await replaced.computeEmbeddings(model)).embeddings;
    driver.meanwhile("before upsert", async () => {
      files.forEach((path, i) => {
        copyFileSync(paths[(i + 1) % PICTURES] ?? "", path);
      });
    });
    const index = await mine.computeSimilarity(replaced, REQUEST);
    const after = (await replaced.computeEmbeddings(model)).embeddings;
    const { embeddings } = await index.getEmbeddings();
    for (let row = 0; row < PICTURES; row++) {
      expect([before.row(row), after.row(row)]).toContainEqual(embeddings.row(row));
    }
    await expectInStep(replaced, index, PICTURES);
  });
});

describe("entries added and removed at once", () => {
  async function givenIndex() {
    return mine.computeSimilarity(dataset, { embeddings: randomVectors(PICTURES, 8), brainKey: "given" });
  }

  it.each(["before upsert", "after upsert"] as const)(
    "removed %s of their addition: they are there, whole",
    async (moment) => {
      const index = await givenIndex();
      const theirIndex = await same.loadBrainResults("given");
      driver.meanwhile(moment, () => theirIndex.removeFromIndex({ sampleIds: ids.slice(0, 3) }));
      const added = randomVectors(3, 8, 5);
      await index.addToIndex(added, ids.slice(0, 3));
      await expectInStep(dataset, index, PICTURES);
      expect((await index.getEmbeddings({ sampleIds: ids.slice(0, 3) })).embeddings.data).toEqual(added.data);
    },
  );

  it.each(["before delete", "after delete"] as const)(
    "added %s of their removal: they are gone",
    async (moment) => {
      const index = await givenIndex();
      const theirIndex = await same.loadBrainResults("given");
      driver.meanwhile(moment, () => theirIndex.addToIndex(randomVectors(3, 8, 5), ids.slice(0, 3)));
      await index.removeFromIndex({ sampleIds: ids.slice(0, 3) });
      await expectInStep(dataset, index, PICTURES - 3);
    },
  );

  it("an older deletion being finished does not take an addition silently", async () => {
    const index = await givenIndex();
    const theirIndex = await same.loadBrainResults("given");
    await same.deleteSamples(ids.slice(0, 1));
    await same.addSamples([{ id: ids[0] ?? "", filepath: "again.png" }]);
    driver.meanwhile("before delete", () => theirIndex.addToIndex(randomVectors(1, 8, 5), ids.slice(0, 1)));
    await index.reload();
    const info = await dataset.getBrainInfo("given");
    const size = await index.totalIndexSize();
    expect(info.entries).toMatchObject({ indexed: PICTURES - 1, failed: 1 });
    expect(info.failed).toEqual([
      { id: ids[0], sampleId: ids[0], reason: expect.stringContaining("add it again") },
    ]);
    expect(size).toBe(PICTURES - 1);
  });
});

describe("names of collections", () => {
  it("runs whose names become the same have collections of their own", async () => {
    const options = { embeddings: false, metric: "cosine" } as const;
    const first = await mine.computeSimilarity(await mine.createDataset("a b"), {
      ...options,
      brainKey: "c",
    });
    const second = await mine.computeSimilarity(await mine.createDataset("a"), {
      ...options,
      brainKey: "b_c",
    });
    expect(first.config.collectionName).not.toBe(second.config.collectionName);
    await first.addToIndex(randomVectors(1, 8), ["x"]);
    expect(await second.totalIndexSize()).toBe(0);
  });
});

describe("close() during a build", () => {
  it("ends it with CLOSED, and another process goes on at once", async () => {
    driver.meanwhile("after upsert", () => mine.close());
    const building = mine.computeSimilarity(dataset, REQUEST);
    await expect(building).rejects.toMatchObject({ code: "CLOSED", hint: expect.stringContaining("again") });
    expect((await same.getBrainInfo("images")).state).toBe("cancelled");
    await expectInStep(same, await theirs.computeSimilarity(same, REQUEST), PICTURES);
  });

  it("calls after it are refused, each with CLOSED", async () => {
    await mine.close();
    const calls = [dataset.count(), dataset.addSamples([{ filepath: "x" }]), mine.listDatasets()];
    for (const call of await Promise.allSettled(calls)) {
      expect(call.status === "rejected" && isNearsightError(call.reason, "CLOSED")).toBe(true);
    }
  });
});
