/** Settings of the embedded backend: how much memory its indexes take, and how many threads a search uses. */

import { describe, expect, it } from "vitest";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const vectors = randomVectors(300, 64, 3);

async function nearest(options: Readonly<Record<string, number>>): Promise<string[]> {
  const ns = await temporaryNearsight();
  const dataset = await ns.createDataset("settings");
  await dataset.addSamples(Array.from({ length: 300 }, (_, i) => ({ id: `s${i}`, filepath: `${i}.jpg` })));
  await dataset.computeSimilarity({ embeddings: vectors, brainKey: "images", ...options });
  return dataset.sortBySimilarity({ id: "s7" }, { k: 10 }).values("id");
}

describe("memoryLimit and threads", () => {
  it("change what is held and how it is searched, not what is found", async () => {
    expect(await nearest({ memoryLimit: 40_000, threads: 1 })).toEqual(await nearest({}));
  });

  it.each([{ memoryLimit: 0 }, { memoryLimit: Number.NaN }, { threads: 1.5 }])(
    "refuse %o",
    async (options) => {
      await expect(nearest(options)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    },
  );
});
