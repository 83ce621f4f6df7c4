/** Searches through the brain: by id, vector, prompt, and combined. */

import { beforeAll, describe, expect, it } from "vitest";
import { distanceOf, scoreOf } from "../../../core/backends/metric.ts";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { rankedBy, ranking } from "../../support/ranking.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const vectors = randomVectors(60, 16, 7);
let ns: Nearsight;
let dataset: Dataset;
let ids: string[];
let index: SimilarityIndex;

/** The exact answer to a query. */
const exact = (query: Float32Array) => ranking(ids, vectors, query);

beforeAll(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.createDataset("search");
  ids = await dataset.addSamples(
    Array.from({ length: 60 }, (_, i) => ({
      filepath: `image${i}.jpg`,
      tags: i % 3 === 0 ? ["third"] : [],
      number: i,
    })),
  );
  index = await ns.computeSimilarity(dataset, { embeddings: vectors, brainKey: "images" });
});

describe("queries", () => {
  it("by id gives the id itself first, then its neighbours in exact order", async () => {
    const id = ids[5] ?? "";
    const view = dataset.sortBySimilarity(id, { k: 10, brainKey: "images" });
    const expected = exact(vectors.row(5)).slice(0, 10);
    expect(await view.values("id")).toEqual(expected.map((hit) => hit.id));
    const hits = await view.hits();
    hits.forEach((hit, i) => {
      expect(hit.distance).toBeCloseTo(expected[i]?.distance ?? Number.NaN, 5);
      expect(hit.score).toBeCloseTo(scoreOf("cosine", hit.distance), 5);
      expect(hit.rank).toBe(i + 1);
    });
  });

  it("by vector, by vectors and by ids use the mean of the vectors", async () => {
    const [a, b] = [vectors.row(1), vectors.row(2)];
    const mean = a.map((value, i) => (value + (b[i] ?? 0)) / 2);
    const expected = exact(mean)
      .slice(0, 5)
      .map((hit) => hit.id);
    const by = (query: Parameters<Dataset["sortBySimilarity"]>[0]) =>
      dataset.sortBySimilarity(query, { k: 5, brainKey: "images" }).values("id");
    expect(await by(mean)).toEqual(expected);
    expect(await by([a, b])).toEqual(expected);
    expect(await by([ids[1] ?? "", ids[2] ?? ""])).toEqual(expected);
    expect(await by({ ids: [ids[1] ?? "", ids[2] ?? ""] })).toEqual(expected);
  });

  it("without k gives the whole ranking, and reversed the farthest first", async () => {
    const expected = exact(vectors.row(0)).map((hit) => hit.id);
    expect(await dataset.sortBySimilarity({ id: ids[0] ?? "" }).values("id")).toEqual(expected);
    const farthest = dataset.sortBySimilarity({ id: ids[0] ?? "" }, { reverse: true, k: 3 });
    expect(await farthest.values("id")).toEqual(expected.slice(-3).reverse());
  });

  it("maxDistance leaves out what is farther", async () => {
    const all = exact(vectors.row(0));
    const limit = all[7]?.distance ?? 0;
    const view = dataset.sortBySimilarity({ id: ids[0] ?? "" }, { maxDistance: limit + 1e-6 });
    expect(await view.values("id")).toEqual(all.slice(0, 8).map((hit) => hit.id));
  });

  it.each(["post-mean", "post-min", "post-max"] as const)(
    "%s combines the distances of each query",
    async (aggregation) => {
      const combine = (values: number[]) =>
        aggregation === "post-min"
          ? Math.min(...values)
          : aggregation === "post-max"
            ? Math.max(...values)
            : (values[0] ?? 0) / 2 + (values[1] ?? 0) / 2;
      const expected = rankedBy(ids, (row) =>
        combine([1, 2].map((query) => distanceOf("cosine", vectors.row(query), vectors.row(row)))),
      ).slice(0, 6);
      const view = dataset.sortBySimilarity({ ids: [ids[1] ?? "", ids[2] ?? ""] }, { k: 6, aggregation });
      const hits = await view.hits();
      expect(hits.map((hit) => hit.id)).toEqual(expected.map((hit) => hit.id));
      expect(hits[3]?.distance).toBeCloseTo(expected[3]?.distance ?? Number.NaN, 5);
    },
  );

  it("combine moves towards what is wanted and away from what is not", async () => {
    const unit = (row: Float32Array) => row.map((value) => value / Math.hypot(...row));
    const [wanted, unwanted] = [unit(vectors.row(3)), unit(vectors.row(4))];
    const query = wanted.map((value, i) => value - 0.5 * (unwanted[i] ?? 0));
    const view = dataset.sortBySimilarity(
      { combine: [{ id: ids[3] ?? "" }, { not: { id: ids[4] ?? "" }, weight: 0.5 }] },
      { k: 5 },
    );
    expect(await view.values("id")).toEqual(
      exact(query)
        .slice(0, 5)
        .map((hit) => hit.id),
    );
  });

  it("combine by rank puts what both queries like first", async () => {
    const view = dataset.sortBySimilarity(
      { combine: [{ id: ids[3] ?? "" }, { id: ids[3] ?? "", weight: 2 }], by: "rank" },
      { k: 4 },
    );
    expect(await view.values("id")).toEqual(
      exact(vectors.row(3))
        .slice(0, 4)
        .map((hit) => hit.id),
    );
    expect((await view.hits())[0]?.distance).toBeCloseTo(0, 6);
  });

  it("distField puts the distance on the samples of the view only", async () => {
    const view = dataset.sortBySimilarity({ id: ids[9] ?? "" }, { k: 3, distField: "distance" });
    const first = await view.first();
    expect(first.id).toBe(ids[9]);
    expect(first.get("distance")).toBeCloseTo(0, 5);
    expect((await dataset.first()).get("distance")).toBeNull();
  });
});

describe("views", () => {
  it("a search on a view gives only results of the view", async () => {
    const third = new Set(await dataset.matchTags("third").values("id"));
    const view = dataset
      .matchTags("third")
      .sortBySimilarity({ id: ids[1] ?? "" }, { k: 8, brainKey: "images" });
    const expected = exact(vectors.row(1))
      .filter((hit) => third.has(hit.id))
      .slice(0, 8);
    expect(await view.values("id")).toEqual(expected.map((hit) => hit.id));
  });

  it("later stages keep the order of the search", async () => {
    const expected = exact(vectors.row(1)).map((hit) => hit.id);
    const view = dataset
      .sortBySimilarity({ id: ids[1] ?? "" }, { k: 20 })
      .skip(5)
      .limit(4);
    expect(await view.values("id")).toEqual(expected.slice(5, 9));
  });

  it("an empty view gives nothing", async () => {
    expect(
      await dataset
        .select([])
        .sortBySimilarity({ id: ids[1] ?? "" })
        .count(),
    ).toBe(0);
  });

  it("a query changes neither the index nor the caller's arrays", async () => {
    const before = (await index.getEmbeddings()).embeddings.data.slice();
    const query = vectors.row(8).slice();
    const first = await dataset.sortBySimilarity(query, { k: 10 }).values("id");
    await dataset.sortBySimilarity({ ids: ids.slice(0, 5) }).values("id");
    expect(await dataset.sortBySimilarity(query, { k: 10 }).values("id")).toEqual(first);
    expect(query).toEqual(vectors.row(8));
    expect((await index.getEmbeddings()).embeddings.data).toEqual(before);
    expect(before).toEqual(vectors.data);
  });
});

describe("refused queries", () => {
  const read = async (query: Parameters<Dataset["sortBySimilarity"]>[0], options = {}) =>
    dataset.sortBySimilarity(query, { brainKey: "images", ...options }).values("id");

  it("names an id that is not in the index", async () => {
    await expect(read({ id: "0123456789abcdef01234567" })).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    await expect(read("a photo of a dog")).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
  });

  it("refuses prompts on an index made from vectors", async () => {
    await expect(read({ prompt: "a dog" })).rejects.toMatchObject({ code: "PROMPTS_UNSUPPORTED" });
  });

  it("refuses vectors of another dimension, with NaN, or zero under cosine", async () => {
    await expect(read({ vector: [1, 2, 3] })).rejects.toMatchObject({ code: "DIMENSION_MISMATCH" });
    await expect(read(new Float32Array(16).fill(Number.NaN))).rejects.toMatchObject({
      code: "VECTOR_INVALID",
    });
    await expect(read(new Float32Array(16))).rejects.toMatchObject({ code: "VECTOR_INVALID" });
  });

  it("names the keys when no run of that name exists", async () => {
    await expect(read({ id: ids[0] ?? "" }, { brainKey: "other" })).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
      hint: expect.stringContaining("images"),
    });
  });
});
