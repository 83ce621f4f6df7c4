/** Credentials: given with a key or a search they are used and never kept, and no text that leaves us holds them. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { local } from "../../../core/backends/registry.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { type ApproximateDriver, approximateDriver } from "../../support/approximate-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const CANARY = "canary-8d1f-secret";
const ROWS = 8;

let driver: ApproximateDriver;
let ns: Nearsight & { home: string; warnings: string[] };
let dataset: Dataset;
let ids: string[];

/** A process that knows of no credentials, on a store whose index was made with some. */
beforeEach(async () => {
  driver = approximateDriver({ token: CANARY });
  const first = await temporaryNearsight({ backends: [local, driver] });
  const made = await first.createDataset("guarded");
  ids = await made.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `image${i}.jpg` })));
  await first.computeSimilarity(made, {
    embeddings: randomVectors(ROWS, 4, 3),
    backend: "approximate",
    brainKey: "images",
    token: CANARY,
  });
  ns = await temporaryNearsight({ backends: [local, driver], config: { home: first.home } });
  dataset = await ns.loadDataset("guarded");
});

const search = (connection?: Record<string, unknown>) =>
  dataset.sortBySimilarity(
    { id: ids[0] ?? "" },
    { brainKey: "images", k: 3, ...(connection === undefined ? {} : { connection }) },
  );

describe("a new process", () => {
  it("is refused without credentials, and the hint names the option", async () => {
    const refusal = { code: "AUTHENTICATION_FAILED", hint: expect.stringContaining("token") };
    await expect(search().count()).rejects.toMatchObject(refusal);
    const index = await dataset.loadBrainResults("images");
    await expect(index.totalIndexSize()).rejects.toMatchObject(refusal);
    await expect(search({ token: "another" }).count()).rejects.toMatchObject(refusal);
  });

  it("gives them with one search, which does not speak for the next", async () => {
    const view = search({ token: CANARY });
    expect(await view.count()).toBe(3);
    expect(await view.limit(2).sortBy("filepath").count()).toBe(2);
    await expect(search().count()).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED" });
  });

  it("gives them with the key, for everything after it", async () => {
    const index = await dataset.loadBrainResults("images", { token: CANARY });
    expect(await index.totalIndexSize()).toBe(ROWS);
    expect(await search().count()).toBe(3);
    expect(await index.sortBySimilarity({ id: ids[0] ?? "" }, { k: 2 }).count()).toBe(2);
  });

  it("may give them to an index's own searches too", async () => {
    const index = await dataset.loadBrainResults("images");
    const view = index.sortBySimilarity({ id: ids[0] ?? "" }, { k: 2, connection: { token: CANARY } });
    expect(await view.count()).toBe(2);
  });

  it("shares a connection among equal options, in whatever order", async () => {
    driver.connections.length = 0;
    await search({ token: CANARY, url: "a" }).count();
    await search({ url: "a", token: CANARY }).count();
    expect(driver.connections).toEqual([{ token: CANARY, url: "a" }]);
  });

  it.each([{ shards: 3 }, { tokn: CANARY }])("is told of the option that is none: %j", async (wrong) => {
    const refusal = { code: "INVALID_ARGUMENT", hint: expect.stringContaining("url, token") };
    await expect(search(wrong).count()).rejects.toMatchObject(refusal);
    await expect(dataset.loadBrainResults("images", wrong)).rejects.toMatchObject(refusal);
  });
});

describe("a secret", () => {
  it("is no part of stages, JSON, saved views, printed views or explanations", async () => {
    const view = search({ token: CANARY }).limit(2);
    expect(view.stages[0]).toEqual({
      stage: "sortBySimilarity",
      query: { id: ids[0] },
      brainKey: "images",
      k: 3,
    });
    await dataset.saveView("near", view);
    const told = [JSON.stringify(view), inspect(view, { depth: 12, showHidden: true })];
    told.push(JSON.stringify(await view.explain()), JSON.stringify(await view.facts()));
    for (const text of told) expect(text).not.toContain(CANARY);
    await expect((await dataset.loadView("near")).count()).rejects.toMatchObject({
      code: "AUTHENTICATION_FAILED",
    });
  });

  it("is in no file, export, run, error, warning or setting", async () => {
    const index = await dataset.loadBrainResults("images", { token: CANARY });
    await dataset.saveView("near", search({ token: CANARY }));
    await index.save();
    await dataset.copyRun("images", { to: "approximate", brainKey: "copy", token: CANARY });
    const errors: unknown[] = [];
    const note = (error: unknown) => errors.push(error);
    await search({ token: `${CANARY}x` })
      .count()
      .catch(note);
    await dataset.loadBrainResults("images", { wrong: CANARY }).catch(note);
    await dataset
      .copyRun("images", { to: "approximate", brainKey: "bad", metric: "none" as "cosine", token: CANARY })
      .catch(note);
    expect(errors).toHaveLength(3);
    const report = await ns.doctor({ deep: true });
    await dataset.export(join(ns.home, "exported"), { format: "fiftyone", exportMedia: false });
    await dataset.export(join(ns.home, "exported.jsonl"), { format: "jsonl" });
    const told = [
      ...errors.map((error) => inspect(error, { depth: 12 })),
      ...ns.warnings,
      ...[report, index, await dataset.getBrainInfo("images"), ns.config.rows(), index.config].map((value) =>
        inspect(value, { depth: 12, showHidden: true }),
      ),
    ];
    for (const text of told) expect(text).not.toContain(CANARY);
    const holding = filesOf(ns.home).filter((path) => readFileSync(path).includes(CANARY));
    expect(holding).toEqual([]);
    expect(filesOf(ns.home).some((path) => readFileSync(path).includes("guarded"))).toBe(true);
  });
});

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
