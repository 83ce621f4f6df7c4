/** Reads settings: arguments first, then environment variables, then FiftyOne's brain configuration file. */

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  BACKEND_ALIASES,
  BACKEND_SETTINGS,
  type SettingSpec,
  snakeCase,
  VISUALIZATION_SETTINGS,
} from "./backend-settings.ts";
import { NearsightError } from "./errors.ts";
import { S3_SETTINGS, type S3Settings } from "./s3-settings.ts";

/** Where a value came from. */
export type SettingSource = "argument" | "environment" | "file" | "default";

/** One setting as `nearsight config` prints it. */
export interface SettingRow {
  readonly name: string;
  readonly value: unknown;
  readonly source: SettingSource;
  /** The variable or file it was read from. */
  readonly origin: string | null;
  readonly secret: boolean;
}

/** What the process was configured with when it was read. */
export interface Config {
  /** Folder of the store and its indexes: `NEARSIGHT_HOME`, default `~/.nearsight`. */
  readonly home: string;
  /** Address of the metadata store, `postgres://…`: `NEARSIGHT_STORE`. Without it: a file in `home`. */
  readonly store: string | undefined;
  /** Folder of downloaded models and computed embeddings: `NEARSIGHT_CACHE`, default `~/.cache/nearsight`. */
  readonly cache: string;
  /** Model hub: `HF_ENDPOINT`. */
  readonly hubEndpoint: string;
  readonly hubToken: string | undefined;
  readonly defaultSimilarityBackend: string;
  /** Size of the embedding cache at most: `NEARSIGHT_EMBEDDING_CACHE_BYTES`, default 1 GiB, 0 for none. */
  readonly embeddingCacheBytes: number;
  readonly defaultVisualizationMethod: string;
  /** How S3 is reached: AWS's own variables, and `NEARSIGHT_S3_PATH_STYLE`. */
  readonly s3: S3Settings;
  /** Options of a backend from environment and file, typed as declared. */
  backendOptions(name: string): Readonly<Record<string, unknown>>;
  /** Options of a visualization method, likewise. */
  visualizationOptions(method: string): Readonly<Record<string, unknown>>;
  /** Every known setting with its value and where it came from; secrets are masked. */
  rows(): SettingRow[];
}

/** Settings given in code; they win over environment and file. */
export interface ConfigOverrides {
  readonly home?: string;
  readonly store?: string;
  readonly cache?: string;
  readonly hubEndpoint?: string;
  readonly hubToken?: string;
  readonly defaultSimilarityBackend?: string;
  readonly embeddingCacheBytes?: number;
  readonly similarityBackends?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly s3?: S3Settings;
  readonly defaultVisualizationMethod?: string;
  readonly visualizationMethods?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Settings that several things of one kind have, each by its name: what the three places call them. */
interface SettingFamily {
  readonly settings: Readonly<Record<string, Readonly<Record<string, SettingSpec>>>>;
  readonly override: "similarityBackends" | "visualizationMethods";
  readonly variable: string;
  readonly fileKey: string;
}

const BACKENDS: SettingFamily = {
  settings: BACKEND_SETTINGS,
  override: "similarityBackends",
  variable: "FIFTYONE_BRAIN_SIMILARITY",
  fileKey: "similarity_backends",
};

const METHODS: SettingFamily = {
  settings: VISUALIZATION_SETTINGS,
  override: "visualizationMethods",
  variable: "FIFTYONE_BRAIN_VISUALIZATION",
  fileKey: "visualization_methods",
};

type Environment = Readonly<Record<string, string | undefined>>;

/** The file's content as far as it concerns similarity. */
interface BrainFile {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
}

const MASK = "********";
const DEFAULT_HUB = "https://huggingface.co";
const DEFAULT_EMBEDDING_CACHE_BYTES = 2 ** 30;

/**
 * Reads the configuration. Throws CONFIG_INVALID for a file that is no JSON object or a value that is not
 * of its setting's type.
 *
 * @example
 * readConfig({ defaultSimilarityBackend: "local" }).defaultSimilarityBackend; // "local"
 */
export function readConfig(overrides: ConfigOverrides = {}, environment: Environment = process.env): Config {
  const file = readBrainFile(environment);
  const general = generalRows(overrides, environment, file);
  const s3 = s3Rows(overrides, environment);
  const value = (name: string) => general.find((row) => row.name === name)?.value;
  return {
    home: String(value("home")),
    store: value("store") as string | undefined,
    cache: String(value("cache")),
    hubEndpoint: String(value("hubEndpoint")),
    hubToken: value("hubToken") as string | undefined,
    defaultSimilarityBackend: String(value("defaultSimilarityBackend")),
    embeddingCacheBytes: Number(value("embeddingCacheBytes")),
    defaultVisualizationMethod: String(value("defaultVisualizationMethod")),
    s3: valuesOf(s3),
    backendOptions: (name) =>
      valuesOf(familyRows(BACKENDS, BACKEND_ALIASES[name] ?? name, overrides, environment, file)),
    visualizationOptions: (name) => valuesOf(familyRows(METHODS, name, overrides, environment, file)),
    rows() {
      const families = [BACKENDS, METHODS].flatMap((family) =>
        Object.keys(family.settings).flatMap((name) =>
          familyRows(family, name, overrides, environment, file),
        ),
      );
      const rows = [...general, ...s3, ...families];
      return rows.map((row) => ({ ...row, value: shownValue(row) }));
    },
  };
}

/** Secrets are masked, and so is who logs in where an address says that too: `https://user:password@host`. */
function shownValue({ secret, value }: SettingRow): unknown {
  if (secret) return value === undefined ? undefined : MASK;
  if (Array.isArray(value)) return value.map((part) => shownValue({ secret, value: part } as SettingRow));
  return typeof value === "string" ? value.replace(/\/\/[^/@\s]+@/g, `//${MASK}@`) : value;
}

function valuesOf(rows: readonly SettingRow[]): Record<string, unknown> {
  return Object.fromEntries(
    rows.filter((row) => row.value !== undefined).map((row) => [shortName(row.name), row.value]),
  );
}

function generalRows(overrides: ConfigOverrides, environment: Environment, file: BrainFile): SettingRow[] {
  const home = environment.HOME || homedir();
  const cacheHome = environment.XDG_CACHE_HOME || join(home, ".cache");
  const row = (
    name: keyof ConfigOverrides,
    variable: string,
    fallback: string | number | undefined,
    fileKey?: string,
    secret = false,
  ): SettingRow => {
    const base = { name, secret };
    const given = overrides[name];
    if (given !== undefined) return { ...base, value: given, source: "argument", origin: null };
    const text = environment[variable];
    if (text) return { ...base, value: text, source: "environment", origin: variable };
    const stored = fileKey === undefined ? undefined : file.content[fileKey];
    if (stored !== undefined) {
      const value = typed(stored, { type: "string" }, `${fileKey} in ${file.path}`);
      return { ...base, value, source: "file", origin: file.path };
    }
    return { ...base, value: fallback, source: "default", origin: null };
  };
  return [
    row("home", "NEARSIGHT_HOME", join(home, ".nearsight")),
    row("store", "NEARSIGHT_STORE", undefined, undefined, true),
    row("cache", "NEARSIGHT_CACHE", join(cacheHome, "nearsight")),
    row("hubEndpoint", "HF_ENDPOINT", DEFAULT_HUB),
    row("hubToken", "HF_TOKEN", undefined, undefined, true),
    row(
      "defaultSimilarityBackend",
      "FIFTYONE_BRAIN_DEFAULT_SIMILARITY_BACKEND",
      "local",
      "default_similarity_backend",
    ),
    row(
      "defaultVisualizationMethod",
      "FIFTYONE_BRAIN_DEFAULT_VISUALIZATION_METHOD",
      "umap",
      "default_visualization_method",
    ),
    checkedBytes(
      row(
        "embeddingCacheBytes",
        "NEARSIGHT_EMBEDDING_CACHE_BYTES",
        DEFAULT_EMBEDDING_CACHE_BYTES,
        "nearsight_embedding_cache_bytes",
      ),
    ),
  ];
}

function s3Rows({ s3 = {} }: ConfigOverrides, environment: Environment): SettingRow[] {
  return Object.entries(S3_SETTINGS).map(([name, { variables, ...spec }]) => {
    const base = { name: `s3.${name}`, secret: spec.secret ?? false };
    const given = s3[name as keyof S3Settings];
    if (given !== undefined) return { ...base, value: given, source: "argument", origin: null };
    const origin = variables.find((variable) => environment[variable]);
    if (origin === undefined) return { ...base, value: undefined, source: "default", origin: null };
    return { ...base, value: typed(environment[origin], spec, origin), source: "environment", origin };
  });
}

/** The row with its value as a number; CONFIG_INVALID unless it is a whole number from 0 on. */
function checkedBytes(row: SettingRow): SettingRow {
  const value = typeof row.value === "string" && row.value.trim() === "" ? Number.NaN : Number(row.value);
  if (Number.isSafeInteger(value) && value >= 0) return { ...row, value };
  throw invalid(row.origin ?? row.name, "a whole number of bytes, 0 or more,", row.value);
}

function familyRows(
  family: SettingFamily,
  member: string,
  overrides: ConfigOverrides,
  environment: Environment,
  file: BrainFile,
): SettingRow[] {
  const settings = Object.entries(family.settings[member] ?? {});
  return settings.map(([name, spec]) => familyRow(family, member, name, spec, overrides, environment, file));
}

function familyRow(
  family: SettingFamily,
  member: string,
  name: string,
  spec: SettingSpec,
  overrides: ConfigOverrides,
  environment: Environment,
  file: BrainFile,
): SettingRow {
  const base = { name: `${member}.${name}`, secret: spec.secret ?? false };
  const names = namesOf(member);
  for (const alias of names) {
    const given = overrides[family.override]?.[alias]?.[name];
    if (given !== undefined) return { ...base, value: given, source: "argument", origin: null };
  }
  for (const alias of names) {
    const variable = `${family.variable}_${alias}_${snakeCase(name)}`.toUpperCase();
    const text = environment[variable];
    if (text) return { ...base, value: typed(text, spec, variable), source: "environment", origin: variable };
  }
  for (const alias of names) {
    const stored = membersOf(family, file)[alias]?.[snakeCase(name)];
    if (stored === undefined || stored === null) continue;
    const value = typed(stored, spec, `${family.fileKey}.${alias}.${snakeCase(name)} in ${file.path}`);
    return { ...base, value, source: "file", origin: file.path };
  }
  return { ...base, value: undefined, source: "default", origin: null };
}

/** The own name, then FiftyOne's names for the same backend. */
function namesOf(backend: string): string[] {
  const aliases = Object.entries(BACKEND_ALIASES).filter(([, target]) => target === backend);
  return [backend, ...aliases.map(([alias]) => alias)];
}

function membersOf(
  { fileKey }: SettingFamily,
  file: BrainFile,
): Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>> {
  const members = file.content[fileKey] ?? {};
  if (!isRecord(members)) throw invalid(`${fileKey} in ${file.path}`, "an object", members);
  return members as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function readBrainFile(environment: Environment): BrainFile {
  const named = environment.FIFTYONE_BRAIN_CONFIG_PATH;
  const path = named || join(environment.HOME || homedir(), ".fiftyone", "brain_config.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && !named) return { path, content: {} };
    throw new NearsightError({
      code: "CONFIG_INVALID",
      message: `The configuration file ${path} cannot be read: ${(error as Error).message}`,
      hint: "Correct FIFTYONE_BRAIN_CONFIG_PATH or the file's permissions",
      cause: error,
    });
  }
  return { path, content: parseBrainFile(path, text) };
}

function parseBrainFile(path: string, text: string): BrainFile["content"] {
  try {
    const content: unknown = JSON.parse(text);
    if (isRecord(content)) return content;
  } catch (error) {
    throw new NearsightError({
      code: "CONFIG_INVALID",
      message: `Expected JSON in ${path}: ${(error as Error).message}`,
      hint: `Correct ${path}, or move it away`,
      cause: error,
    });
  }
  throw invalid(path, "a JSON object", text.slice(0, 40));
}

function typed(value: unknown, spec: Pick<SettingSpec, "type" | "secret">, where: string): unknown {
  switch (spec.type) {
    case "string":
      if (typeof value === "string" || typeof value === "number") return String(value);
      break;
    case "number":
      if (value !== "" && Number.isFinite(Number(value))) return Number(value);
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      if (/^(true|1|yes|on)$/i.test(String(value))) return true;
      if (/^(false|0|no|off)$/i.test(String(value))) return false;
      break;
    case "list":
      return Array.isArray(value)
        ? value.map(String)
        : String(value)
            .split(",")
            .map((part) => part.trim());
    case "json":
      return typeof value === "string" ? parsedJson(value, where) : value;
  }
  throw invalid(where, `a ${spec.type}`, spec.secret ? MASK : value);
}

function parsedJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(where, "JSON", text);
  }
}

function invalid(where: string, expected: string, found: unknown): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected ${expected} for ${where} but found ${JSON.stringify(found)}`,
    hint: `Correct ${where}`,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shortName(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}
