/** Backends that search approximately, a hundred hits at a time: everything gives what the embedded one gives. */

import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { local } from "../../../core/backends/registry.ts";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { type ApproximateDriver, approximateDriver, MOST_HITS } from "../../support/approximate-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const ROWS = 240;
const base = randomVectors(ROWS, 6, 91);
/** The last twenty are near copies of the first twenty. */
const vectors = {
  ...base,
  data: base.data.map((value, i) => {
    const row = Math.floor(i / 6);
    return row < ROWS - 20 ? value : (base.data[i - (ROWS - 20) * 6] ?? 0) + 0.001 * value;
  }),
};

let driver: ApproximateDriver;
let ns: Nearsight & { warnings: string[] };
let dataset: Dataset;
let ids: string[];
let approximate: SimilarityIndex;
let exact: SimilarityIndex;

beforeAll(async () => {
  driver = approximateDriver();
  ns = await temporaryNearsight({ backends: [local, driver] });
  dataset = await ns.createDataset("approximate");
  ids = await dataset.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `image${i}.jpg` })));
  const embeddings = Array.from({ length: ROWS }, (_, i) => vectors.data.slice(i * 6, i * 6 + 6));
  const options = { embeddings, metric: "euclidean" } as const;
  approximate = await ns.computeSimilarity(dataset, {
    ...options,
    backend: "approximate",
    brainKey: "server",
  });
  exact = await ns.computeSimilarity(dataset, { ...options, backend: "local", brainKey: "here" });
});

const both = async <Answer>(ask: (index: SimilarityIndex) => Promise<Answer>) =>
  [await ask(approximate), await ask(exact)] as const;

describe("a backend that misses neighbours", () => {
  it("does so in plain searches, and says it", async () => {
    const view = approximate.sortBySimilarity({ id: ids[0] ?? "" }, { k: 50 });
    const right = await exact.sortBySimilarity({ id: ids[0] ?? "" }, { k: 50 }).values("id");
    expect(await view.values("id")).not.toEqual(right);
    expect(await view.facts()).toMatchObject({ exact: false });
  });

  it("is believed where it says that a search was exact", async () => {
    const view = dataset.limit(30).sortBySimilarity({ id: ids[0] ?? "" }, { k: 30, brainKey: "server" });
    expect(await view.facts()).toMatchObject({ exact: true });
  });

  it.each([null, 101, 240])("gives k %s hits in the true order", async (k) => {
    const options = k === null ? {} : { k };
    const [found, right] = await both((index) =>
      index.sortBySimilarity({ id: ids[3] ?? "" }, options).values("id"),
    );
    expect(found).toEqual(right);
    expect(found).toHaveLength(k ?? ROWS);
  });

  it("gives the least similar, what lies within a distance, and a large view, past its limit", async () => {
    const [least, rightLeast] = await both((index) =>
      index.sortBySimilarity({ id: ids[3] ?? "" }, { reverse: true }).values("id"),
    );
    expect(least).toEqual(rightLeast);
    const [near, rightNear] = await both((index) =>
      index.sortBySimilarity({ id: ids[3] ?? "" }, { maxDistance: 1.2 }).values("id"),
    );
    expect(near).toEqual(rightNear);
    const view = dataset.skip(40);
    const keys = ["server", "here"];
    const [part, rightPart] = await Promise.all(
      keys.map((brainKey) =>
        view.sortBySimilarity({ id: ids[3] ?? "" }, { brainKey, k: MOST_HITS + 20 }).values("id"),
      ),
    );
    expect(part).toEqual(rightPart);
  });

  it.each([{ thresh: 0.01 }, { thresh: 0.6 }, { fraction: 0.3 }])(
    "finds duplicates by %j",
    async (options) => {
      const [found, right] = await both(async (index) => {
        await index.findDuplicates(options);
        return { thresh: index.thresh, unique: index.uniqueIds, map: [...(index.neighborsMap ?? [])] };
      });
      expect(found).toEqual(right);
    },
  );

  it("chooses unique entries and plots distances", async () => {
    const [found, right] = await both(async (index) => {
      const plot = await index.plotDistances({ bins: 7 });
      await index.findUnique(25);
      return { plot, unique: index.uniqueIds };
    });
    expect({ ...found, plot: { ...found.plot, thresh: null } }).toEqual({
      ...right,
      plot: { ...right.plot, thresh: null },
    });
  });

  it("finds leaks, those of one sample too", async () => {
    const splits = { a: dataset.limit(ROWS - 20), b: dataset.skip(ROWS - 20) };
    const [found, right] = await both(async (similarityIndex) => {
      const leaks = await dataset.computeLeakySplits(splits, { similarityIndex, threshold: 0.01 });
      const [first = ""] = leaks.leakIds ?? [];
      return { ids: leaks.leakIds, ofOne: await (await leaks.leaksForSample(first)).values("id") };
    });
    expect(found).toEqual(right);
    expect(found.ids).toHaveLength(40);
  });

  it("scores uniqueness and representativeness", async () => {
    const [found, right] = await both(async (similarityIndex) => {
      await dataset.computeUniqueness({ similarityIndex });
      await dataset.computeRepresentativeness({ similarityIndex });
      return [await dataset.values("uniqueness"), await dataset.values("representativeness")];
    });
    expect(found).toEqual(right);
  });

  it.each(["umap", "tsne", "pca"] as const)("lays out by %s as the embedded index does", async (method) => {
    const [found, right] = await both(
      async (similarityIndex) =>
        (
          await dataset.computeVisualization({
            similarityIndex,
            method,
            brainKey: `${method}_${similarityIndex.key}`,
          })
        ).points.data,
    );
    expect(found).toEqual(right);
  });

  it("is copied whole, watched, and compared on a view", async () => {
    const copy = await dataset.copyRun("server", { to: "local", brainKey: "copied" });
    expect((await copy.getEmbeddings()).embeddings.data).toEqual(
      (await exact.getEmbeddings()).embeddings.data,
    );
    const watch = approximate.watch({ id: ids[0] ?? "" }, { k: 1, interval: 5 });
    await approximate.addToIndex([Array.from(base.row(0))], [ids[0] ?? ""]);
    for await (const { id } of watch) expect(id).toBe(ids[0]);
    const view = dataset.skip(ROWS - 30);
    for (const index of [approximate, exact]) index.useView(view);
    const [found, right] = await both(async (index) => {
      await index.findDuplicates({ thresh: 0.5 });
      return index.uniqueIds;
    });
    expect(found).toEqual(right);
    for (const index of [approximate, exact]) index.clearView();
  });

  it("leaves nothing behind", async () => {
    const { folder } = (await exact.client()) as { folder: string };
    expect(readdirSync(folder).filter((file) => /comparison|visualization/.test(file))).toEqual([]);
  });
});
