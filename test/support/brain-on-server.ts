/** What the brain promises on every backend, on a real server: the same answers as the embedded index. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackendDriver } from "../../core/backends/registry.ts";
import { local } from "../../core/backends/registry.ts";
import type { SimilarityIndex } from "../../core/dataset/brain-port.ts";
import type { Dataset } from "../../core/dataset/dataset.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { temporaryNearsight } from "./temporary.ts";
import { randomVectors } from "./vectors.ts";

/** The server under test. */
export interface ServerUnderTest {
  readonly driver: BackendDriver;
  readonly connection: Readonly<Record<string, unknown>>;
  /** Takes an entry out of a collection with the client of the server's own SDK. */
  lose(client: unknown, collection: string, id: string): Promise<void>;
}

const ROWS = 300;
const DIMENSION = 8;

/** Registers the tests. */
export function testBrainOn({ driver, connection, lose }: ServerUnderTest): void {
  const { name } = driver;
  let ns: Nearsight & { home: string; warnings: string[] };
  let dataset: Dataset;
  let ids: string[];
  let server: SimilarityIndex;
  let here: SimilarityIndex;

  beforeAll(async () => {
    ns = await temporaryNearsight({ backends: [local, driver] });
    dataset = await ns.createDataset("brain on a server");
    ids = await dataset.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `image${i}.jpg` })));
    const base = randomVectors(ROWS, DIMENSION, 17);
    // The last thirty are near copies of the first thirty.
    const copied = (ROWS - 30) * DIMENSION;
    const data = base.data.map((value, i) =>
      i < copied ? value : (base.data[i - copied] ?? 0) + 0.001 * value,
    );
    const embeddings = Array.from(ids, (_, i) => data.slice(i * DIMENSION, (i + 1) * DIMENSION));
    const options = { embeddings, metric: "euclidean" } as const;
    server = await ns.computeSimilarity(dataset, {
      ...options,
      ...connection,
      backend: name,
      brainKey: "server",
    });
    here = await ns.computeSimilarity(dataset, { ...options, backend: "local", brainKey: "here" });
  });

  afterAll(() => server.delete({ force: true }));

  const both = async <Answer>(ask: (index: SimilarityIndex) => Promise<Answer>) =>
    [await ask(server), await ask(here)] as const;

  describe("the brain", () => {
    it.each([{}, { reverse: true }, { maxDistance: 1 }])(
      "gives the whole ranking with %j",
      async (options) => {
        const [found, right] = await both((index) =>
          index.sortBySimilarity({ id: ids[3] ?? "" }, options).hits(),
        );
        expect(found.map(({ id }) => id)).toEqual(right.map(({ id }) => id));
        for (const [i, { distance }] of found.entries()) {
          expect(distance).toBeCloseTo(right[i]?.distance ?? Number.NaN, 4);
        }
      },
    );

    it("finds duplicates, unique samples, leaks and scores", async () => {
      const [found, right] = await both(async (index) => {
        await index.findDuplicates({ thresh: 0.05 });
        const duplicates = index.duplicateIds;
        await index.findUnique(12);
        const splits = { a: dataset.limit(ROWS - 30), b: dataset.skip(ROWS - 30) };
        const leaks = await dataset.computeLeakySplits(splits, { similarityIndex: index, threshold: 0.05 });
        return { duplicates, unique: index.uniqueIds, leaks: leaks.leakIds };
      });
      expect(found).toEqual(right);
      expect(found.duplicates).toHaveLength(30);
      const [uniqueness, rightUniqueness] = await both(async (similarityIndex) => {
        await dataset.computeUniqueness({ similarityIndex });
        return dataset.values<number>("uniqueness");
      });
      for (const [i, value] of uniqueness.entries()) {
        expect(value).toBeCloseTo(rightUniqueness[i] ?? Number.NaN, 4);
      }
    });

    it("evaluates the index and tells of the server", async () => {
      const { recall, distanceError, lost } = await server.evaluate({ k: 10, samples: 30 });
      expect(recall).toBeGreaterThan(0.98);
      expect([distanceError < 1e-4, lost]).toEqual([true, []]);
      const { checks } = await ns.doctor({ dataset: dataset.name });
      expect(checks.filter(({ status }) => status === "error")).toEqual([]);
      const names = checks.flatMap(({ subject, name: check }) =>
        subject.endsWith("/server") ? [check] : [],
      );
      expect(names).toEqual(["state", "collection", "entries", "search", "index", "recall"]);
      const version = checks.find((check) => check.name === "server")?.message;
      expect(version).toMatch(new RegExp(`^${name}: version .*\\d+\\.\\d+`));
    });

    it("switches to the server and back", async () => {
      await dataset.switchBrainRun("here", "server");
      expect((await dataset.getBrainInfo("here")).config.method).toBe(name);
      const found = await dataset.sortBySimilarity({ id: ids[9] ?? "" }, { brainKey: "here" }).values("id");
      await dataset.switchBrainRun("here", "server");
      const right = await dataset.sortBySimilarity({ id: ids[9] ?? "" }, { brainKey: "here" }).values("id");
      expect(found).toEqual(right);
    });

    it("opens what is there without being told its entries", async () => {
      const lazy = await ns.computeSimilarity(dataset, {
        ...connection,
        ...{ backend: name, brainKey: "lazy", embeddings: false, lazy: true },
        collectionName: server.config.collectionName,
      });
      expect(await lazy.indexSize()).toBe(ROWS);
      expect((await dataset.getBrainInfo("lazy")).config).toMatchObject({
        metric: "euclidean",
        dimension: DIMENSION,
      });
      await lazy.delete();
      expect(await server.totalIndexSize()).toBe(ROWS);
    });

    it("names a vector that the server has lost", async () => {
      const id = ids[11] ?? "";
      await lose(await server.client(), server.config.collectionName, id);
      ns.warnings.length = 0;
      expect(await server.sortBySimilarity({ id: ids[0] ?? "" }).count()).toBe(ROWS - 1);
      expect(ns.warnings).toEqual([expect.stringContaining(id)]);
      await expect(server.sortBySimilarity({ id }).count()).rejects.toMatchObject({ code: "ID_NOT_FOUND" });
    });
  });
}
