/** Loads models by name: the shipped one, known ones on the hub, and any directory or hub repository. */

import { fileURLToPath } from "node:url";
import { NearsightError } from "../errors.ts";
import { dataUrl } from "../location.ts";
import { loadModelDirectory, type ModelDirectoryOptions } from "./directory.ts";
import { downloadModel, type HubModel, type HubOptions } from "./hub.ts";
import type { EmbeddingModel } from "./model.ts";
import { isDirectory } from "./model-files.ts";
import { listModels, type ModelRow, SHIPPED } from "./named-models.ts";

/** Where models come from, and how they are loaded. */
export type ResolveOptions = Partial<HubOptions> & Omit<ModelDirectoryOptions, "checksums" | "recorded">;

/**
 * Loads a model by a name of `listModels()`, by the path of a directory, or as `hub:owner/name`.
 *
 * Hub models are downloaded once into `cache`; later calls need no network.
 * Throws MODEL_NOT_FOUND listing the names, DOWNLOAD_FAILED, MODEL_INVALID, CHECKSUM_MISMATCH.
 *
 * @example
 * const model = await resolveModel(DEFAULT_MODEL);
 * const clip = await resolveModel("clip-vit-base32-torch", { cache, endpoint });
 */
export async function resolveModel(
  nameOrPath: string,
  options: ResolveOptions = {},
): Promise<EmbeddingModel> {
  const { directory, recorded } = await fetchModel(nameOrPath, options);
  const isPath = findZoo(nameOrPath) === undefined && !nameOrPath.startsWith("hub:");
  const name = options.name ?? (isPath ? undefined : nameOrPath);
  return loadModelDirectory(directory, { ...options, name, recorded });
}

/** Makes sure the files of a model are on this machine and gives their directory, without loading it. */
export async function fetchModel(nameOrPath: string, options: ResolveOptions = {}): Promise<HubModel> {
  const source = findZoo(nameOrPath)?.source ?? nameOrPath;
  if (source === SHIPPED) return { directory: shippedDirectory(nameOrPath), recorded: {} };
  if (source.startsWith("hub:"))
    return downloadModel(source.slice("hub:".length), hubOptions(nameOrPath, options));
  if (isDirectory(nameOrPath)) return { directory: nameOrPath, recorded: {} };
  const names = listModels().map(({ name }) => name);
  throw new NearsightError({
    code: "MODEL_NOT_FOUND",
    message: `Expected a model's name, a directory or hub:owner/name but found '${nameOrPath.slice(0, 200)}'`,
    hint: `Names: ${names.join(", ")}`,
    details: { names },
  });
}

function findZoo(name: string): ModelRow | undefined {
  return listModels().find((model) => model.name === name);
}

function shippedDirectory(name: string): string {
  return fileURLToPath(dataUrl(`models/${name}/`));
}

function hubOptions(name: string, options: ResolveOptions): HubOptions {
  const { cache, endpoint } = options;
  if (cache !== undefined && endpoint !== undefined) return { ...options, cache, endpoint };
  throw new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected a cache folder and the address of the hub, from which '${name}' is downloaded, but found none`,
    hint: "Set NEARSIGHT_CACHE and HF_ENDPOINT, or give cache and endpoint",
  });
}
