/** The shipped model through the library, on the quickstart scenes: the promises of its model card. */

import { beforeAll, expect, it } from "vitest";
import type { Dataset } from "../../core/dataset/dataset.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { temporaryNearsight } from "../support/temporary.ts";

let ns: Nearsight;
let dataset: Dataset;
let labels: string[];

beforeAll(async () => {
  ns = await temporaryNearsight();
  dataset = await ns.loadZooDataset("quickstart");
  await ns.computeSimilarity(dataset, { brainKey: "images" });
  await ns.computeSimilarity(dataset, { brainKey: "patches", patchesField: "ground_truth" });
  labels = await dataset.distinct<string>("ground_truth.label");
}, 120_000);

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Labels of the scenes in the order of the ranking. */
function scenes(prompt: string, k: number): Promise<string[][]> {
  return dataset.sortBySimilarity({ prompt }, { k, brainKey: "images" }).values("ground_truth.label");
}

it("a prompt finds scenes with the thing named: precision at 10 of 0.6 and more", async () => {
  const precisions = await Promise.all(
    labels.map(async (label) => {
      const found = await scenes(`a photo of a ${label}`, 10);
      return found.filter((scene) => scene.includes(label)).length / 10;
    }),
  );
  expect(labels).toHaveLength(40);
  expect(mean(precisions)).toBeGreaterThanOrEqual(0.6);
});

it("the first hit for a dog holds a dog", async () => {
  expect((await scenes("a photo of a dog", 1))[0]).toContain("dog");
});

it("patches of a label find each other: precision at 10 of 0.7 and more", async () => {
  const patches = dataset.toPatches("ground_truth");
  const precisions: number[] = [];
  for (const { id, label } of await patches.take(150, { seed: 51 }).head(150)) {
    const near = patches.sortBySimilarity({ id }, { k: 11, brainKey: "patches" });
    const found = (await near.values<string>("label")).slice(1);
    precisions.push(found.filter((other) => other === label).length / 10);
  }
  expect(mean(precisions)).toBeGreaterThanOrEqual(0.7);
});
