/** Collections on a server that other programs have changed: `reload()` takes over what they did. */

import { beforeEach, expect, it } from "vitest";
import { local } from "../../../core/backends/registry.ts";
import type { SimilarityIndex } from "../../../core/dataset/brain-port.ts";
import type { Dataset } from "../../../core/dataset/dataset.ts";
import type { Nearsight } from "../../../core/nearsight.ts";
import { approximateDriver } from "../../support/approximate-driver.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { randomVectors } from "../../support/vectors.ts";

const ROWS = 30;
const DIMENSION = 4;
const driver = approximateDriver();
let ns: Nearsight & { warnings: string[] };
let dataset: Dataset;
let index: SimilarityIndex;
let ids: string[];

beforeEach(async () => {
  driver.server.clear();
  ns = await temporaryNearsight({ backends: [local, driver] });
  dataset = await ns.createDataset("shared");
  ids = await dataset.addSamples(Array.from({ length: ROWS }, (_, i) => ({ filepath: `image${i}.jpg` })));
  index = await ns.computeSimilarity(dataset.limit(20), {
    embeddings: randomVectors(20, DIMENSION, 5),
    backend: "approximate",
    brainKey: "images",
  });
  index.useView(dataset);
});

/** The collection as another program holds it. */
async function collectionElsewhere() {
  const backend = await driver.connect({ home: "" }, {});
  return backend.open(index.config.collectionName);
}

async function addElsewhere(added: readonly string[]): Promise<void> {
  const vectors = randomVectors(added.length, DIMENSION, 6);
  await (await collectionElsewhere()).upsert(
    (async function* () {
      yield { ids: added, sampleIds: added, vectors };
    })(),
  );
}

async function removeElsewhere(removed: readonly string[]): Promise<void> {
  await (await collectionElsewhere()).delete(
    (async function* () {
      yield removed;
    })(),
  );
}

it("counts what was added to samples of the data set as indexed, and keeps it", async () => {
  await addElsewhere([...ids.slice(20, 25), "stranger"]);
  await index.reload();
  expect((await index.sampleIds()).toSorted()).toEqual(ids.slice(0, 25).toSorted());
  expect(await index.missingSize()).toBe(5);
  // A whole ranking is exact, where a search may miss entries.
  const [nearest] = await index.sortBySimilarity({ id: ids[22] ?? "" }).values("id");
  expect(nearest).toBe(ids[22]);
});

it("counts what was removed as missing, without a warning from then on", async () => {
  await removeElsewhere(ids.slice(3, 6));
  await index.reload();
  expect(await index.indexSize()).toBe(17);
  expect(await index.missingSize()).toBe(13);
  expect(await index.sortBySimilarity({ id: ids[0] ?? "" }).count()).toBe(17);
  expect(ns.warnings).toEqual([]);
});

it("sees one entry exchanged for another", async () => {
  await removeElsewhere(ids.slice(0, 1));
  await addElsewhere(ids.slice(20, 21));
  await index.reload();
  expect((await index.sampleIds()).toSorted()).toEqual(ids.slice(1, 21).toSorted());
});

it("tells that the collection is gone", async () => {
  await (await collectionElsewhere()).drop();
  await expect(index.reload()).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
});
