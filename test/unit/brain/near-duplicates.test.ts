/** Near duplicates in one call. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { colourModel } from "../../support/colour-model.ts";
import { DRIVERS } from "../../support/duplicates.ts";
import { encodePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder, temporaryNearsight } from "../../support/temporary.ts";

const EMBEDDINGS = [
  [1, 0],
  [1, 0.1],
  [1, 0.6],
  [0, 1],
];

let ns: Nearsight;
let dataset: Dataset;
let ids: string[];

beforeEach(async () => {
  ns = await temporaryNearsight({ backends: DRIVERS });
  dataset = await ns.createDataset("near");
  ids = await dataset.addSamples(EMBEDDINGS.map((_, i) => ({ filepath: `image${i}.jpg` })));
});

describe("computeNearDuplicates", () => {
  it("makes an index under cosine and finds duplicates within 0.2", async () => {
    const index = await dataset.computeNearDuplicates({ embeddings: EMBEDDINGS, brainKey: "near" });
    expect([index.thresh, index.config.metric, index.config.method]).toEqual([0.2, "cosine", "local"]);
    expect(index.uniqueIds).toEqual([ids[0], ids[3]]);
    expect(await dataset.listBrainRuns()).toEqual(["near"]);
  });

  it("uses an index that is there, and leaves the object given as it is", async () => {
    const given = await ns.computeSimilarity(dataset, {
      embeddings: EMBEDDINGS,
      backend: "server",
      brainKey: "images",
    });
    const index = await ns.computeNearDuplicates(dataset, { similarityIndex: given, threshold: 0.01 });
    expect([index.key, index.duplicateIds]).toEqual(["images", [ids[1]]]);
    expect([given.thresh, given.uniqueIds]).toEqual([null, null]);
    const some = dataset.exclude([ids[0] ?? ""]);
    const limited = await some.computeNearDuplicates({ similarityIndex: "images" });
    expect(limited.uniqueIds).toEqual([ids[1], ids[3]]);
    expect(await dataset.listBrainRuns()).toEqual(["images"]);
  });

  it("embeds pictures with a model, and patches of a patches view", async () => {
    const folder = temporaryFolder();
    const pictures = await ns.createDataset("pictures");
    const colours = [
      [200, 10, 10],
      [10, 200, 10],
      [201, 10, 10],
    ] as const;
    for (const [i, colour] of colours.entries()) {
      const filepath = join(folder, `${i}.png`);
      writeFileSync(filepath, await encodePicture(plainPicture(16, 16, colour)));
      const boxed = [{ label: "all", boundingBox: [0, 0, 1, 1] as const }];
      await pictures.addSample({ filepath, objects: { _cls: "Detections" as const, detections: boxed } });
    }
    const all = await pictures.values<string>("id");
    const model = colourModel();
    const index = await pictures.computeNearDuplicates({ model, threshold: 0.01 });
    expect(index.duplicateIds).toEqual([all[2]]);
    const patches = await pictures.toPatches("objects").computeNearDuplicates({ model, threshold: 0.01 });
    expect(patches.config.patchesField).toBe("objects");
    expect(patches.duplicateIds).toHaveLength(1);
  });

  it("refuses a threshold that is no number, and a run that is not there", async () => {
    await expect(dataset.computeNearDuplicates({ threshold: Number.NaN })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(dataset.computeNearDuplicates({ similarityIndex: "absent" })).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
    });
    expect(await dataset.listBrainRuns()).toEqual([]);
  });
});
