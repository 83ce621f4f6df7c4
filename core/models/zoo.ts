/** Models by name: the shipped one, known ones on the hub, and any directory or hub repository. */

import { fileURLToPath } from "node:url";
import { NearsightError } from "../errors.ts";
import { loadModelDirectory, type ModelDirectoryOptions } from "./directory.ts";
import { downloadModel, type HubModel, type HubOptions } from "./hub.ts";
import type { EmbeddingModel } from "./model.ts";
import { isDirectory } from "./model-files.ts";

/** A model that has a name. */
export interface ModelRow {
  readonly name: string;
  /** What it was made for. */
  readonly kind: string;
  /** "shipped", or the hub repository as `hub:owner/name`. */
  readonly source: string;
  /** Numbers per vector. */
  readonly dimension: number;
  /** Whether it takes prompts. */
  readonly prompts: boolean;
  /** Bytes of its files in full precision, about. */
  readonly size: number;
  readonly license: string;
}

/** Where models come from, and how they are loaded. */
export type ResolveOptions = Partial<HubOptions> & Omit<ModelDirectoryOptions, "checksums" | "recorded">;

/** The model that is used where none is named: small, and part of the package. */
export const DEFAULT_MODEL = "nearsight-tiny";

const SHIPPED = "shipped";
const MB = 1_000_000;

/** Names are FiftyOne's where it has the same weights. Sizes of hub models are those of their pages. */
const ZOO: readonly ModelRow[] = [
  {
    name: DEFAULT_MODEL,
    kind: "small pictures and short English prompts; runs anywhere, for first steps and tests",
    source: SHIPPED,
    dimension: 512,
    prompts: true,
    size: 5 * MB,
    license: "Apache-2.0",
  },
  hub("clip-vit-base32-torch", "Xenova/clip-vit-base-patch32", 512, 606, "MIT", "photos and English prompts"),
  hub(
    "siglip-base-patch16-224-torch",
    "onnx-community/siglip2-base-patch16-224-ONNX",
    768,
    1500,
    "Apache-2.0",
    "photos and prompts in many languages",
  ),
  hub("dinov2-vits14-torch", "Xenova/dinov2-small", 384, 88, "Apache-2.0"),
  hub("dinov2-vitb14-torch", "Xenova/dinov2-base", 768, 346, "Apache-2.0"),
  hub("dinov2-vitb14-reg-torch", "onnx-community/dinov2-with-registers-base", 768, 347, "Apache-2.0"),
];

function hub(
  name: string,
  repository: string,
  dimension: number,
  size: number,
  license: string,
  kind?: string,
): ModelRow {
  return {
    name,
    kind: kind ?? "photos, without prompts: looks and shapes",
    source: `hub:${repository}`,
    dimension,
    prompts: kind !== undefined,
    size: size * MB,
    license,
  };
}

/** The models that have a name. */
export function listModels(): readonly ModelRow[] {
  return ZOO;
}

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
  throw new NearsightError({
    code: "MODEL_NOT_FOUND",
    message: `Expected a model's name, a directory or hub:owner/name but found '${nameOrPath.slice(0, 200)}'`,
    hint: `Names: ${ZOO.map(({ name }) => name).join(", ")}`,
    details: { names: ZOO.map(({ name }) => name) },
  });
}

function findZoo(name: string): ModelRow | undefined {
  return ZOO.find((model) => model.name === name);
}

function shippedDirectory(name: string): string {
  return fileURLToPath(new URL(`./${name}/`, import.meta.url));
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
