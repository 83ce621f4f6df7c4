/** What answers tell about themselves: facts and explanations. */

import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { F } from "../../../core/dataset/field.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { openSqliteStore } from "../../../core/store/sqlite-store.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const vectors = randomVectors(20, 8, 3);
let ns: Nearsight;
let dataset: Dataset;
let ids: string[];
let index: SimilarityIndex;

beforeEach(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("facts");
  ids = await dataset.addSamples(
    Array.from({ length: 30 }, (_, i) => ({
      filepath: `${i}.jpg`,
      tags: i < 10 ? ["first"] : [],
      number: i,
    })),
  );
  const some = Object.fromEntries(ids.slice(0, 20).map((id, i) => [id, vectors.row(i)]));
  index = await ns.computeSimilarity(dataset, { embeddings: some, brainKey: "images" });
});

const query = { vector: Array.from(vectors.row(0)) };

describe("facts", () => {
  it("count the rows of the searched view, not those of the answer", async () => {
    const view = dataset.sortBySimilarity(query, { k: 3 });
    expect(await view.facts()).toEqual({ exact: true, indexed: 20, missing: 10, stale: 0 });
    const first = dataset.matchTags("first").sortBySimilarity(query, { k: 3 });
    expect(await first.facts()).toEqual({ exact: true, indexed: 10, missing: 0, stale: 0 });
    const none = dataset.match(F("number").gte(25)).sortBySimilarity(query);
    expect(await none.facts()).toEqual({ exact: true, indexed: 0, missing: 5, stale: 0 });
  });

  it("are those of the last search, and null without one", async () => {
    expect(await dataset.matchTags("first").facts()).toBeNull();
    const twice = dataset.sortBySimilarity(query, { k: 25 }).sortBySimilarity({ id: ids[1] ?? "" });
    expect(await twice.facts()).toEqual({ exact: true, indexed: 20, missing: 0, stale: 0 });
    const later = dataset.sortBySimilarity(query).limit(2).matchTags("first");
    expect(await later.facts()).toEqual({ exact: true, indexed: 20, missing: 10, stale: 0 });
  });

  it("tell entries that are out of date from those that never were there", async () => {
    const view = dataset.sortBySimilarity(query);
    expect(await view.facts()).toMatchObject({ indexed: 20, missing: 10 });
    const run = await storedRun();
    const planned = [0, 1, 25].map((i) => ({ entryId: ids[i] ?? "", sampleId: ids[i] ?? "" }));
    await run.entries.plan(run.id, planned, { overwrite: true });
    expect(await view.facts()).toEqual({ exact: true, indexed: 18, missing: 10, stale: 2 });
    await run.entries.settle(run.id, { indexed: [], failed: [{ id: ids[0] ?? "", reason: "broken" }] });
    expect(await view.facts()).toEqual({ exact: true, indexed: 18, missing: 10, stale: 2 });
    await index.removeFromIndex({ sampleIds: ids.slice(2, 5) });
    expect(await view.facts()).toEqual({ exact: true, indexed: 15, missing: 13, stale: 2 });
    await dataset.deleteSamples(ids.slice(10, 12));
    expect(await view.facts()).toEqual({ exact: true, indexed: 13, missing: 13, stale: 2 });
  });

  /** The run as the store has it: what another process does to it. */
  async function storedRun() {
    const store = await openSqliteStore({ folder: ns.config.home });
    const run = await store.runs.get(dataset.id, "images");
    return { id: run?.id ?? "", entries: store.entries };
  }
});

describe("explain", () => {
  it("tells where each stage runs and how the search was done, as plain JSON", async () => {
    const view = dataset.matchTags("first").sortBySimilarity(query, { k: 3, maxDistance: 5 }).limit(2);
    const explained = await view.explain();
    expect(JSON.parse(JSON.stringify(explained))).toEqual({
      dataset: "facts",
      stages: [
        { stage: "matchTags", runs: "store", options: { tags: ["first"] } },
        {
          stage: "sortBySimilarity",
          runs: "index",
          options: { k: 3, maxDistance: 5 },
          search: {
            brainKey: "images",
            backend: "local",
            collectionName: "facts_images",
            metric: "cosine",
            model: null,
            patchesField: null,
            query: { kind: "vector", vectors: 1, aggregation: "mean" },
            k: 3,
            reverse: false,
            maxDistance: 5,
            within: { by: "ids", rows: 10 },
            exact: true,
            calls: { search: 1, scan: 0 },
            fallbacks: [],
            dropped: 0,
            refills: 0,
            hits: 3,
            lost: [],
            driver: { selection: "ids sent" },
            milliseconds: {
              planning: expect.any(Number),
              query: expect.any(Number),
              viewRead: expect.any(Number),
              search: expect.any(Number),
              liveCheck: expect.any(Number),
            },
          },
        },
        { stage: "limit", runs: "store", options: { count: 2 } },
      ],
      milliseconds: { resolve: expect.any(Number), firstRows: expect.any(Number) },
    });
    const again = await dataset.matchTags("first").sortBySimilarity(query, { k: 2 }).explain();
    expect(again.stages[1]?.search?.driver).toEqual({ selection: "bitmap kept" });
  });

  it("counts the searches it took where samples are gone", async () => {
    const nearest = await dataset.sortBySimilarity(query).values<string>("id");
    await dataset.deleteSamples(nearest.slice(0, 5));
    const view = dataset.sortBySimilarity(query, { k: 3 });
    const [stage] = (await view.explain()).stages;
    expect(stage?.search).toMatchObject({ hits: 3, dropped: 5, refills: 2, calls: { search: 3, scan: 0 } });
    expect(await view.values("id")).toEqual(nearest.slice(5, 8));
  });

  it("explains every search of a view, and names several query vectors", async () => {
    const ofIds = { ids: [ids[0] ?? "", ids[1] ?? ""] };
    const view = dataset
      .sortBySimilarity(ofIds, { k: 10, aggregation: "post-min" })
      .sortBySimilarity({ combine: [{ id: ids[2] ?? "" }, { id: ids[3] ?? "" }], by: "rank" });
    const searches = (await view.explain()).stages.map((stage) => stage.search);
    expect(searches.map((search) => search?.query)).toEqual([
      { kind: "ids", vectors: 2, aggregation: "post-min" },
      { kind: "combine", vectors: 2, aggregation: "mean" },
    ]);
    expect(searches.map((search) => search?.within)).toEqual([{ by: "index" }, { by: "ids", rows: 10 }]);
    expect(searches.map((search) => search?.calls.search)).toEqual([2, 2]);
  });

  it("shows no vectors, and long lists by their length, and is printed whole", async () => {
    const view = dataset.select(ids).sortBySimilarity(query, { k: 3 });
    const explained = await view.explain();
    expect(explained.stages[0]?.options).toEqual({ ids: "30 values" });
    expect(JSON.stringify(explained)).not.toContain(String(query.vector[0]));
    const printed = inspect(explained);
    expect(printed).toContain("liveCheck");
    expect(printed).not.toContain("[Object]");
  });

  it("tells that nothing was searched while the index is empty", async () => {
    await ns.computeSimilarity(dataset, { embeddings: false, brainKey: "empty" });
    const view = dataset.sortBySimilarity(query, { brainKey: "empty" });
    expect((await view.explain()).stages[0]?.search).toMatchObject({
      hits: 0,
      query: { kind: "vector", vectors: 0 },
      calls: { search: 0, scan: 0 },
    });
    expect(await view.facts()).toEqual({ exact: true, indexed: 0, missing: 30, stale: 0 });
  });
});
