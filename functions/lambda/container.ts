/** What a function keeps between its invocations: one installation with its clients, opened once. */

import { basename, join } from "node:path";
import {
  type BackendDriver,
  type EmbeddingModel,
  type Installation,
  mediaRoots,
  type OpenOptions,
  open,
  webSource,
} from "../../core/index.ts";
import { type ModelPlace, type Resources, resources } from "../resources.ts";
import { createLog, type Log } from "./log.ts";

export interface FunctionSpec {
  /** What the function does, for its log. */
  readonly role: string;
  /** The one backend that its bundle has. */
  readonly backend: BackendDriver;
  /** Loads the model of the service's bucket; left out where the function needs none. */
  readonly loadModel?: (place: ModelPlace, folder: string) => Promise<EmbeddingModel>;
}

export interface Container {
  readonly log: Log;
  readonly resources: Resources;
  /** The installation; one that could not be opened is tried again by the next invocation. */
  nearsight(): Promise<Installation>;
}

/** Begins to open the installation while the function starts. */
export function createContainer(spec: FunctionSpec): Container {
  const given = resources();
  const log = createLog(spec.role, given.secrets);
  let opening: Promise<Installation> | undefined;

  const nearsight = () => {
    opening ??= open({ ...openOptions(spec, given), warn: (message) => log.warn(message) });
    opening.catch(() => {
      opening = undefined;
    });
    return opening;
  };
  void nearsight();
  return { log, resources: given, nearsight };
}

function openOptions({ backend, loadModel }: FunctionSpec, given: Resources): OpenOptions {
  const { folder, model, backendOptions, storeUrl, api } = given;
  const config = {
    home: folder,
    ...(storeUrl === null ? {} : { store: storeUrl }),
    cache: join(folder, "cache"),
    defaultSimilarityBackend: backend.name,
    similarityBackends: { [backend.name]: backendOptions },
  };
  const options = {
    config,
    backends: [backend],
    mediaSources: [webSource({ roots: mediaRoots(api.allow.media), networks: api.mediaNetworks })],
  };
  if (model === null || loadModel === undefined) return options;
  const name = basename(model.prefix);
  return {
    ...options,
    models: { [name]: () => loadModel(model, folder) },
    defaultModel: name,
  };
}
