/** Evaluating an index: recall against an exact comparison, times, and what the check-up makes of it. */

import { beforeAll, describe, expect, it } from "vitest";
import { local } from "../../../core/backends/registry.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { type ApproximateDriver, approximateDriver } from "../../support/approximate-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const ROWS = 150;
let driver: ApproximateDriver;
let ns: Nearsight;
let dataset: Dataset;

beforeAll(async () => {
  driver = approximateDriver();
  ns = await temporaryNearsight({ backends: [local, driver] });
  dataset = await ns.createDataset("evaluated");
  await dataset.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `image${i}.jpg` })));
  const embeddings = randomVectors(ROWS, 8, 13);
  for (const backend of ["local", "approximate"]) {
    await ns.computeSimilarity(dataset, { embeddings, backend, brainKey: backend, metric: "cosine" });
  }
});

describe("evaluate()", () => {
  it("finds nothing to blame in an exact index", async () => {
    const found = await (await dataset.loadBrainResults("local")).evaluate({ k: 5, samples: 20 });
    expect(found).toMatchObject({
      brainKey: "local",
      k: 5,
      entries: ROWS,
      samples: 20,
      exact: true,
      lost: [],
    });
    expect([found.recall, found.worstRecall]).toEqual([1, 1]);
    expect(found.distanceError).toBeLessThan(1e-5);
    const { mean, median, p95, largest } = found.milliseconds;
    expect([mean, median, p95, largest].every((time) => time >= 0 && time <= largest)).toBe(true);
  });

  it("tells how much an approximate one misses: the same for the same seed", async () => {
    const index = await dataset.loadBrainResults("approximate");
    const found = await index.evaluate({ k: 10 });
    expect(found).toMatchObject({ samples: 100, exact: false, driver: { effort: 7 } });
    expect(found.recall).toBeGreaterThan(0.6);
    expect(found.recall).toBeLessThan(0.95);
    expect(found.worstRecall).toBeLessThan(found.recall);
    expect((await index.evaluate({ k: 10 })).recall).toBe(found.recall);
    const others = await Promise.all([1, 2, 3].map((seed) => index.evaluate({ k: 10, samples: 15, seed })));
    expect(new Set(others.map(({ recall }) => recall)).size).toBeGreaterThan(1);
  });

  it("asks beyond the limit of one search, and for more neighbours than there are", async () => {
    const index = await dataset.loadBrainResults("approximate");
    expect(await index.evaluate({ k: 120, samples: 4 })).toMatchObject({ recall: 1, exact: true });
    expect(await index.evaluate({ k: 1_000, samples: 4 })).toMatchObject({ recall: 1, worstRecall: 1 });
  });

  it.each([{ k: 0 }, { k: 1.5 }, { samples: -1 }, { samples: Number.NaN }])("refuses %j", async (options) => {
    const index = await dataset.loadBrainResults("local");
    await expect(index.evaluate(options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("ends when it is told to, and has nothing to say of an empty index", async () => {
    const index = await dataset.loadBrainResults("local");
    const controller = new AbortController();
    const stop = index.evaluate({ signal: controller.signal, progress: () => controller.abort() });
    await expect(stop).rejects.toMatchObject({ code: "ABORTED" });
    const empty = await ns.computeSimilarity(dataset, { embeddings: false, brainKey: "empty" });
    await expect(empty.evaluate()).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
    await empty.delete();
  });
});

describe("the check-up of a server", () => {
  it("tells its version and limits, the kind of index, and the recall", async () => {
    const { checks } = await ns.doctor();
    const message = (subject: string, name: string) =>
      checks.find((check) => check.subject === subject && check.name === name)?.message;
    expect(message("installation", "server")).toBe("approximate: version 1.2.3, limits: k 100");
    expect(message("evaluated/approximate", "index")).toBe("index SOME_GRAPH, state finished");
    expect(message("evaluated/approximate", "recall")).toMatch(/^0\.\d+ of the 10 nearest/);
    expect(checks.filter(({ subject }) => subject === "evaluated/local").map(({ name }) => name)).toEqual([
      ...["state", "collection", "entries", "search"],
    ]);
  });
});

describe("the server's own collection", () => {
  it("is handed out where the backend has one", async () => {
    const index = await dataset.loadBrainResults("approximate");
    const collection = await index.collection();
    expect([collection.name, await collection.count()]).toEqual([index.config.collectionName, ROWS]);
    const here = (await dataset.loadBrainResults("local")).collection();
    await expect(here).rejects.toMatchObject({
      code: "BACKEND_NOT_SUPPORTED",
      hint: expect.stringContaining("client()"),
    });
  });

  it("is not there before the first vectors", async () => {
    const index = await ns.computeSimilarity(dataset, {
      embeddings: false,
      brainKey: "later",
      backend: "approximate",
    });
    await expect(index.collection()).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
    await index.delete();
  });
});
