/** What other tools get wrong with similarity indexes, and what is right instead: on every kind of backend. */

import { beforeEach, describe, expect, it } from "vitest";
import { distanceOf } from "../../../core/backends/metric.ts";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import { matrix } from "../../../core/matrix.ts";
import { DRIVERS } from "../../support/duplicates.ts";
import { ranking } from "../../support/ranking.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

/** A mean far from 0, where centring would change every answer; the last ten are near copies of the first. */
const ROWS = 120;
const base = randomVectors(ROWS, 12, 77);
const vectors = matrix(
  base.data.map((value, i) => {
    const copied = i >= (ROWS - 10) * 12 ? (base.data[i - (ROWS - 10) * 12] ?? 0) + 0.001 * value : value;
    return 0.3 + copied;
  }),
  12,
);

describe.each(DRIVERS.map((driver) => driver.name))("an index on '%s'", (backend) => {
  let dataset: Dataset;
  let index: SimilarityIndex;
  let ids: string[];

  beforeEach(async () => {
    const ns = await temporaryNearsight({ backends: DRIVERS });
    dataset = await ns.createDataset("weak points");
    ids = await dataset.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `image${i}.jpg` })));
    index = await ns.computeSimilarity(dataset, {
      embeddings: vectors,
      backend,
      metric: "cosine",
      brainKey: "images",
    });
  });

  it("holds the same vectors after queries of every kind", async () => {
    const given = vectors.data.slice();
    await dataset.sortBySimilarity({ id: ids[0] ?? "" }).count();
    await dataset.sortBySimilarity({ ids: ids.slice(0, 5) }).count();
    await dataset.sortBySimilarity(vectors.row(3)).count();
    await index.findDuplicates({ thresh: 0.02 });
    await index.findDuplicates({ fraction: 0.2 });
    await index.findUnique(10);
    await index.plotDistances();
    await dataset.computeUniqueness({ similarityIndex: index });
    await dataset.computeRepresentativeness({ similarityIndex: index });
    await dataset.computeLeakySplits(
      { a: dataset.limit(60), b: dataset.skip(60) },
      { similarityIndex: index },
    );
    expect((await index.getEmbeddings()).embeddings.data).toEqual(given);
    expect(vectors.data).toEqual(given);
  });

  it("gives the same answer before and after a query by id, and by id as by vector", async () => {
    const byVector = async () =>
      (await dataset.sortBySimilarity(vectors.row(7), { k: 20 }).hits()).map(({ id }) => id);
    const before = await byVector();
    const byId = await dataset.sortBySimilarity({ id: ids[7] ?? "" }, { k: 20 }).values("id");
    expect(byId).toEqual(before);
    expect(await byVector()).toEqual(before);
    const exact = ranking(ids, vectors, vectors.row(7));
    expect(before).toEqual(exact.slice(0, 20).map(({ id }) => id));
  });

  it("reports distances of duplicates in the unit of the threshold, none above it", async () => {
    for (const thresh of [0.000_01, 0.02, 0.2]) {
      await index.findDuplicates({ thresh });
      const found = [...(index.neighborsMap ?? [])].flatMap(([kept, members]) =>
        members.map(([id, distance]) => ({ kept, id, distance })),
      );
      expect(found.length).toBeGreaterThanOrEqual(10);
      for (const { kept, id, distance } of found) {
        const [a, b] = [vectors.row(ids.indexOf(kept)), vectors.row(ids.indexOf(id))];
        expect(distance).toBeLessThanOrEqual(thresh);
        expect(distance).toBeCloseTo(distanceOf("cosine", a, b), 5);
      }
    }
    const view = await index.duplicatesView({ distField: "far" });
    for (const distance of await view.values<number>("far")) expect(distance).toBeLessThanOrEqual(0.2);
  });

  it("means the same by distance, so that uniqueness is not turned round", async () => {
    await dataset.computeUniqueness({ similarityIndex: index });
    const values = await dataset.values<number>("uniqueness");
    const copies = [...values.slice(0, 10), ...values.slice(-10)];
    const others = values.slice(10, -10);
    const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value) / list.length;
    expect(mean(copies)).toBeLessThan(mean(others));
    expect(values.indexOf(Math.max(...values))).toBeLessThan(ROWS - 10);
    const [near] = await dataset.sortBySimilarity({ id: ids[0] ?? "" }, { k: 1 }).hits();
    expect([near?.distance, near?.score]).toEqual([expect.closeTo(0, 5), expect.closeTo(1, 5)]);
  });

  it("finds duplicates, unique samples, leaks and the least similar", async () => {
    const near = await dataset.computeNearDuplicates({ similarityIndex: index, threshold: 0.000_01 });
    expect(near.duplicateIds).toEqual(ids.slice(-10));
    await index.findUnique(110);
    expect(index.uniqueIds).toHaveLength(110);
    const halves = { first: dataset.limit(ROWS - 10), last: dataset.skip(ROWS - 10) };
    const leaks = await dataset.computeLeakySplits(halves, { similarityIndex: index, threshold: 0.000_01 });
    expect([...(leaks.leakIds ?? [])].sort()).toEqual([...ids.slice(0, 10), ...ids.slice(-10)].sort());
    const [least] = await dataset.sortBySimilarity({ id: ids[0] ?? "" }, { k: 1, reverse: true }).hits();
    const distances = ids.map((_, row) => distanceOf("cosine", vectors.row(0), vectors.row(row)));
    expect(least?.id).toBe(ids[distances.indexOf(Math.max(...distances))]);
  });

  it("takes one id where it takes many", async () => {
    const { embeddings, sampleIds } = await index.getEmbeddings({ sampleIds: ids[4] ?? "" });
    expect([embeddings.shape, sampleIds]).toEqual([[1, 12], [ids[4]]]);
    expect(embeddings.row(0)).toEqual(vectors.row(4));
  });
});
