/** The brain's methods over the API. */

import type { BrainPort, BrainRunFilter, CopyRunOptions } from "../core/dataset/brain-port.ts";
import type { SampleCollection } from "../core/dataset/sample-collection.ts";
import type { Stage } from "../core/stages.ts";
import { buildRun } from "./compute-similarity.ts";
import type { RemoteContext } from "./context.ts";
import { embedRows } from "./embeddings.ts";
import { modelName } from "./models.ts";
import { build, type RunJson, removeRun, runInfo } from "./runs.ts";
import { remoteIndex } from "./similarity-index.ts";
import { assertNoConnection, NO_ROUTE, unsupported } from "./unsupported.ts";

export function remoteBrain(context: RemoteContext): BrainPort {
  const { http, pathOf } = context;
  const runPath = (datasetId: string, ...parts: string[]) => pathOf(datasetId, "runs", ...parts);
  const run = (datasetId: string, key: string) => http<RunJson>("get", runPath(datasetId, key));

  async function runs(datasetId: string): Promise<readonly RunJson[]> {
    return (await http<{ runs: RunJson[] }>("get", runPath(datasetId))).runs;
  }

  async function copyRun(
    samples: SampleCollection,
    key: string,
    { progress, signal, overwrite = false, ...options }: CopyRunOptions,
  ) {
    const { id } = samples.dataset;
    const body = { brainKey: `${key}_${options.to}`, ...options };
    if (overwrite) await removeRun(http, runPath(id, body.brainKey), { cleanup: true });
    const start = { path: runPath(id, key, "copy"), body };
    const copy = await build(http, runPath(id, body.brainKey), start, { phase: "copying", progress, signal });
    return remoteIndex(context, samples, copy);
  }

  return {
    copyRun,
    async computeSimilarity(samples, options) {
      return remoteIndex(context, samples, await buildRun(context, samples, options));
    },
    async computeEmbeddings(samples, model, { progress, signal, modelKwargs, ...options }) {
      if (modelKwargs !== undefined)
        unsupported("modelKwargs", "the server loads models by its own settings");
      const { id } = samples.dataset;
      const body = { ...options, model: modelName(model) };
      const scope = { patchesField: options.patchesField ?? null };
      return embedRows(http, pathOf(id, "embeddings"), samples, scope, body, { progress, signal });
    },
    async listBrainRuns(datasetId, filter) {
      return (await runs(datasetId)).filter(({ config }) => fits(config, filter)).map(({ key }) => key);
    },
    getBrainInfo: async (datasetId, key) => runInfo(await run(datasetId, key)),
    async loadBrainResults(samples, key, connection) {
      assertNoConnection(connection);
      const found = await run(samples.dataset.id, key);
      if (found.config.type === "visualization") unsupported("A visualization", NO_ROUTE);
      return remoteIndex(context, samples, found);
    },
    async brainViewStages(datasetId, key) {
      return (await http<{ stages: Stage[] }>("get", runPath(datasetId, key, "view"))).stages;
    },
    async renameBrainRun(datasetId, key, newKey) {
      await http("patch", runPath(datasetId, key), { body: { brainKey: newKey } });
    },
    async switchBrainRun(datasetId, key, toKey) {
      await http("post", runPath(datasetId, key, "switch"), { body: { to: toKey } });
    },
    async deleteBrainRun(datasetId, key) {
      await http("delete", runPath(datasetId, key));
    },
    async deleteBrainRuns(datasetId) {
      for (const { key } of await runs(datasetId)) await http("delete", runPath(datasetId, key));
    },
    computeVisualization: async () => unsupported("computeVisualization()", NO_ROUTE),
    computeNearDuplicates: async () => unsupported("computeNearDuplicates()", NO_ROUTE),
    computeExactDuplicates: async () => unsupported("computeExactDuplicates()", NO_ROUTE),
    computeLeakySplits: async () => unsupported("computeLeakySplits()", NO_ROUTE),
    computeUniqueness: async () => unsupported("computeUniqueness()", NO_ROUTE),
    computeRepresentativeness: async () => unsupported("computeRepresentativeness()", NO_ROUTE),
  };
}

/** Any setting can be asked for, as with an opened installation: the API's filters are those that texts can name. */
function fits(config: RunJson["config"], filter: BrainRunFilter): boolean {
  const values = config as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(filter).every(([name, wanted]) => wanted === undefined || values[name] === wanted);
}
