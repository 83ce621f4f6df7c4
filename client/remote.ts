/** A connection as the library's own interface: the same data sets and views, over the HTTP API. */

import * as z from "zod";
import type { DatasetContext } from "../core/dataset/context.ts";
import { Dataset } from "../core/dataset/dataset.ts";
import { createDatasets } from "../core/dataset/datasets.ts";
import type { IoPort } from "../core/dataset/io-port.ts";
import { isNearsightError, NearsightError } from "../core/errors.ts";
import type { ModelRow, Nearsight } from "../core/index.ts";
import { notOurs } from "./answers.ts";
import { remoteBrain } from "./brain.ts";
import { remoteConfig } from "./config.ts";
import { type DatasetJson, path, remoteDatasets } from "./datasets.ts";
import type { Http } from "./http.ts";
import { remoteModel } from "./models.ts";
import type { ReadMedia } from "./queries.ts";
import { remoteSimilarity } from "./similarity.ts";
import { remoteStores } from "./store.ts";
import { NO_ROUTE, unsupported } from "./unsupported.ts";

/** What of this machine a connection works with. */
export interface LocalPorts {
  readonly io: IoPort;
  readonly readMedia: ReadMedia;
}

const serviceSchema = z.object({
  service: z.literal("nearsight"),
  version: z.string(),
  defaultSimilarityBackend: z.string(),
  defaultVisualizationMethod: z.string(),
  models: z.array(z.custom<ModelRow>()),
  zooDatasets: z.array(z.string()),
});

export type Service = z.infer<typeof serviceSchema>;

/** Asks the server what it is, and gives its installation. SERVER_UNREACHABLE, SERVER_INVALID, API_KEY_INVALID. */
export async function remoteNearsight(http: Http, ports: LocalPorts): Promise<Nearsight> {
  const service = await serviceOf(http);
  const records = remoteDatasets(http);
  const { pathOf } = records;
  const brain = remoteBrain({ http, pathOf });
  const context: DatasetContext = {
    store: remoteStores(http, records),
    similarity: remoteSimilarity(http, pathOf, ports.readMedia),
    brain,
    io: ports.io,
    sync: {
      sync: async () => unsupported("sync()", NO_ROUTE),
      reconcile: async () => unsupported("reconcile()", NO_ROUTE),
    },
  };
  const datasets = createDatasets(context);
  const close = async () => http.close();

  return {
    ...datasets,
    config: remoteConfig(http.url, service),
    async loadZooDataset(name, { name: datasetName = name, maxSamples, dropExistingDataset = false } = {}) {
      if (dropExistingDataset && (await datasets.datasetExists(datasetName)))
        await datasets.deleteDataset(datasetName);
      const body = { name: datasetName, maxSamples };
      const json = await http<DatasetJson>("post", path("zoo", "datasets", name), { body, repeatable: true });
      return new Dataset(context, records.record(json));
    },
    listZooDatasets: () => service.zooDatasets,
    async loadZooModel(name, options = {}) {
      if (Object.keys(options).length > 0)
        unsupported("Options of loadZooModel()", "the server loads models by its own settings");
      return remoteModel(http, name);
    },
    listZooModels: () => service.models,
    mediaUrl: async () => unsupported("mediaUrl()", "media are read where the server runs"),
    computeSimilarity: (samples, options = {}) => brain.computeSimilarity(samples, options),
    computeVisualization: (samples, options = {}) => brain.computeVisualization(samples, options),
    computeNearDuplicates: brain.computeNearDuplicates,
    computeExactDuplicates: brain.computeExactDuplicates,
    computeLeakySplits: brain.computeLeakySplits,
    computeUniqueness: brain.computeUniqueness,
    computeRepresentativeness: brain.computeRepresentativeness,
    doctor: async () => unsupported("doctor()", "it checks files and collections of the server"),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function serviceOf(http: Http): Promise<Service> {
  const answer = await http<unknown>("get", "/service").catch((error: unknown) => {
    throw isNearsightError(error, "ROUTE_NOT_FOUND") ? olderServer(http.url, error) : error;
  });
  const { data: service } = serviceSchema.safeParse(answer);
  if (service === undefined) throw notOurs(http.url, 200, "JSON of another kind");
  return service;
}

function olderServer(url: string, cause: NearsightError): NearsightError {
  return new NearsightError({
    code: "SERVER_INVALID",
    message: `The nearsight server at ${url} is older than this client: it has no /service`,
    hint: "Upgrade the server",
    details: { url },
    cause,
  });
}
