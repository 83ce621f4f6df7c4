/** How a build writes to a server: batches on their way together, made visible together, none left behind. */

import { describe, expect, test } from "vitest";
import type { WriteReport } from "../../../core/backends/backend.ts";
import type { BackendDriver } from "../../../core/backends/registry.ts";
import type { SimilarityIndex } from "../../../core/index.ts";
import { referenceDriver } from "../../support/reference-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

/** Three batches of at most 2,000. */
const ROWS = 4_500;

/** What becomes of the write of that number, from 0, after which it is done. */
type Meanwhile = (write: number) => Promise<Partial<WriteReport> | undefined>;

function watchedDriver(meanwhile: Meanwhile) {
  const driver = referenceDriver({ capabilities: { publishes: true } });
  const seen = { writes: 0, underWay: 0, mostUnderWay: 0, published: 0 };
  const watched: BackendDriver = {
    ...driver,
    async connect(place, options) {
      const backend = await driver.connect(place, options);
      return {
        ...backend,
        async create(spec) {
          const collection = await backend.create(spec);
          return {
            ...collection,
            async upsert(batches, writeOptions = {}) {
              if (writeOptions.visible === "now") seen.published++;
              const write = writeOptions.visible === "now" ? -1 : seen.writes++;
              seen.underWay++;
              seen.mostUnderWay = Math.max(seen.mostUnderWay, seen.underWay);
              try {
                const changed = await meanwhile(write);
                return { ...(await collection.upsert(batches, writeOptions)), ...changed };
              } finally {
                seen.underWay--;
              }
            },
          };
        },
      };
    },
  };
  return { driver: watched, seen };
}

async function build(driver: BackendDriver, progress?: (failed: number) => void): Promise<SimilarityIndex> {
  const ns = await temporaryNearsight({ backends: [driver] });
  const dataset = await ns.createDataset("written");
  await dataset.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `/w/${i}.jpg`, id: `${i}` })));
  return dataset.computeSimilarity({
    backend: "reference",
    embeddings: Array.from({ length: ROWS }, (_, i) => [1, i]),
    progress: ({ failed }) => progress?.(failed),
  });
}

describe("a build on a server", () => {
  test("sends a batch while another one is on its way, and never more", async () => {
    const second = Promise.withResolvers<void>();
    const { driver, seen } = watchedDriver(async (write) => {
      // The first ends when the second has begun.
      if (write === 0) await second.promise;
      if (write === 1) second.resolve();
      return undefined;
    });
    expect(await (await build(driver)).totalIndexSize()).toBe(ROWS);
    expect(seen).toEqual({ writes: 3, underWay: 0, mostUnderWay: 2, published: 1 });
  });

  test("ends with the error of a batch, when no other is on its way any more", async () => {
    const failed = Promise.withResolvers<void>();
    const { driver, seen } = watchedDriver(async (write) => {
      if (write === 1) {
        failed.resolve();
        throw new Error("the server is on fire");
      }
      if (write === 0) await failed.promise.then(() => new Promise((later) => setImmediate(later)));
      return undefined;
    });
    await expect(build(driver)).rejects.toThrow("the server is on fire");
    expect(seen.underWay).toBe(0);
  });

  test("tells what the server refused, whichever batch it was in", async () => {
    const told: number[] = [];
    const { driver } = watchedDriver(async (write) =>
      write === 2 ? { failed: [{ id: "4321", reason: "too odd" }] } : undefined,
    );
    const index = await build(driver, (failed) => told.push(failed));
    const { failed } = await index.view.dataset.getBrainInfo(index.key);
    expect(failed).toEqual([{ id: "4321", sampleId: "4321", reason: "too odd" }]);
    expect(told.at(-1)).toBe(1);
  });
});
