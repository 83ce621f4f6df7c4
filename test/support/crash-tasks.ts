/** What the child programs of the crash tests do with an installation: each task is one call that users make. */

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "../../core/dataset/dataset.ts";
import { F } from "../../core/dataset/field.ts";
import type { EmbeddingModel } from "../../core/models/model.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { open } from "../../core/open.ts";
import { colourModel } from "./colour-model.ts";
import { randomVectors } from "./vectors.ts";

/** Pictures of a batch. */
export const BATCH = 4;
/** Numbers of a given vector. */
export const DIMENSION = 8;
/** Samples of two transactions. */
export const MANY = 1_500;

/** The colours' model; every picture it embeds is a line in a file, which outlives the process. */
function countingModel(home: string, embedded: (items: number) => void = () => {}): EmbeddingModel {
  const inner = colourModel();
  return {
    ...inner,
    async embed(batch, options) {
      const items = batch.shape[0] ?? 0;
      appendFileSync(join(home, "embedded.log"), "x".repeat(items));
      embedded(items);
      return inner.embed(batch, options);
    },
  };
}

/** Opens the installation without an embedding cache, so that what is embedded twice is counted twice. */
export function openHome(home: string, embedded?: (items: number) => void): Promise<Nearsight> {
  return open({
    config: { home, cache: join(home, "cache"), embeddingCacheBytes: 0 },
    models: { colours: countingModel(home, embedded) },
    warn: () => {},
  });
}

/** The request that every builder of these tests makes. */
export const REQUEST = { model: "colours", brainKey: "images", batchSize: BATCH } as const;

/** What a task gives that leaves its work, and the installation, to themselves. */
export const LEFT_OPEN = "left open";

/** The build, and what is done as soon as its first pictures are embedded. */
async function buildUntil(ns: Nearsight, dataset: Dataset, then: () => unknown): Promise<void> {
  const model = countingModel(ns.config.home, () => void then());
  await ns.computeSimilarity(dataset, { ...REQUEST, model });
}

/** What a child can do; each is one call that users make. */
export const TASKS: Readonly<Record<string, (ns: Nearsight, dataset: Dataset) => Promise<unknown>>> = {
  build: (ns, dataset) => ns.computeSimilarity(dataset, REQUEST),
  buildChosen: (ns, dataset) => ns.computeSimilarity(dataset.match(F("chosen").eq(true)), REQUEST),
  addMissing: async (_, dataset) =>
    (await dataset.loadBrainResults("images")).addMissing({ batchSize: BATCH }),
  addToIndex: async (_, dataset) => {
    const ids = (await dataset.values("id")).slice(5, 20) as string[];
    await (await dataset.loadBrainResults("given")).addToIndex(randomVectors(15, DIMENSION, 2), ids);
  },
  removeFromIndex: async (_, dataset) => {
    const sampleIds = (await dataset.values("id")).slice(0, 6) as string[];
    await (await dataset.loadBrainResults("given")).removeFromIndex({ sampleIds });
  },
  deleteSamples: async (_, dataset) => {
    await dataset.deleteSamples((await dataset.values("id")).slice(0, 6) as string[]);
    await dataset.loadBrainResults("given");
  },
  cleanup: async (_, dataset) => (await dataset.loadBrainResults("given")).cleanup(),
  deleteIndex: async (_, dataset) => (await dataset.loadBrainResults("given")).delete(),
  addSamples: (_, dataset) => {
    const vectors = randomVectors(MANY, DIMENSION);
    return dataset.addSamples(
      Array.from({ length: MANY }, (__, i) => ({
        filepath: `new${i}.png`,
        number: i,
        vector: vectors.row(i),
      })),
    );
  },
  setValues: async (_, dataset) => {
    const vectors = randomVectors(MANY, DIMENSION, 9);
    const ids = (await dataset.values("id")).slice(0, MANY) as string[];
    await dataset.setValues("vector", new Map(ids.map((id, i) => [id, vectors.row(i)])));
  },
  copyRun: (_, dataset) => dataset.copyRun("given", { to: "local", brainKey: "copy" }),
  renameBrainRun: (_, dataset) => dataset.renameBrainRun("given", "renamed"),
  deleteBrainRun: (_, dataset) => dataset.deleteBrainRun("given"),
  closeDuringBuild: (ns, dataset) => buildUntil(ns, dataset, () => ns.close()),
  exitDuringBuild: (ns, dataset) => buildUntil(ns, dataset, () => process.exit(0)),
  async forgetBuild(ns, dataset) {
    void ns.computeSimilarity(dataset, REQUEST);
    return LEFT_OPEN;
  },
  deleteDataset: (ns) => ns.deleteDataset("crash"),
};
