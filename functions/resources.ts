/** What the deployment gives the functions: resources that SST links, or plain environment variables. */

import { Resource } from "sst/resource";
import { type ConfigOverrides, NearsightError } from "../core/index.ts";
import { type Settings, settings } from "./settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;
type Links = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

/** A model's files in a bucket, and what they have to be. */
export interface ModelPlace {
  readonly bucket: string;
  /** Folder of the model in the bucket; ends in a slash. */
  readonly prefix: string;
  /** SHA-256 of the file `SHA256SUMS` in that folder, which has those of the others. */
  readonly sha256: string;
}

export interface Resources {
  /** Where this container may write: the files of the store where there is no database, downloads, caches. */
  readonly folder: string;
  /** Address of the store's database; null: files in `folder`, gone with the container. */
  readonly storeUrl: string | null;
  /** Who may call, and how much. */
  readonly api: Settings;
  /** Where the backend is and who asks, beside what `FIFTYONE_BRAIN_*` says. */
  readonly backendOptions: NonNullable<ConfigOverrides["similarityBackends"]>[string];
  /** The model of the service; null: the one that ships with nearsight. */
  readonly model: ModelPlace | null;
  /** The queue that big builds go through; null: builds need no queue, or none are made. */
  readonly buildQueueUrl: string | null;
  /** `NEARSIGHT_API_UPLOADS`: where uploads go, `s3://bucket/folder/`; null: there are none. */
  readonly uploads: string | null;
  /** Texts that no log may show. */
  readonly secrets: readonly string[];
}

/** Names in `sst.config.ts`, and the variables that stand for them elsewhere. */
const NAMES = {
  storeUrl: ["NearsightStoreUrl", "value", "NEARSIGHT_STORE"],
  apiKeys: ["NearsightApiKeys", "value", "NEARSIGHT_API_KEYS"],
  apiSecret: ["NearsightApiSecret", "value", "NEARSIGHT_API_SECRET"],
  backend: ["NearsightBackend", "value", "NEARSIGHT_BACKEND_OPTIONS"],
  buildQueue: ["NearsightBuilds", "url", "NEARSIGHT_BUILD_QUEUE_URL"],
} as const;

const DEFAULT_FOLDER = "/tmp/nearsight";
const SHORTEST_SECRET = 6;

/** Reads all of it; CONFIG_INVALID names what is wrong, never its value. */
export function resources(
  environment: Environment = process.env,
  links: Links = Resource as never,
): Resources {
  const text = (of: keyof typeof NAMES) => {
    const [link, property, variable] = NAMES[of];
    const linked = link in links ? links[link]?.[property] : undefined;
    return nonEmpty(linked === undefined ? environment[variable] : String(linked));
  };
  const backendOptions = objectOf(text("backend"), NAMES.backend[2]);
  const storeUrl = text("storeUrl");
  return {
    folder: nonEmpty(environment["NEARSIGHT_HOME"]) ?? DEFAULT_FOLDER,
    storeUrl,
    api: settings({
      ...environment,
      NEARSIGHT_API_KEYS: text("apiKeys") ?? undefined,
      NEARSIGHT_API_SECRET: text("apiSecret") ?? undefined,
    }),
    backendOptions,
    model: modelOf(environment),
    buildQueueUrl: text("buildQueue"),
    uploads: nonEmpty(environment["NEARSIGHT_API_UPLOADS"]),
    secrets: secretsOf([
      storeUrl,
      text("apiSecret"),
      ...namedAsSecret(backendOptions),
      ...namedAsSecret(environment),
    ]),
  };
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text.trim() === "" ? null : text.trim();
}

/** `NEARSIGHT_MODEL=s3://bucket/folder` with `NEARSIGHT_MODEL_SHA256`. */
function modelOf(environment: Environment): ModelPlace | null {
  const place = nonEmpty(environment["NEARSIGHT_MODEL"]);
  if (place === null) return null;
  const [, bucket, folder] = /^s3:\/\/([a-z0-9.-]+)\/(.+?)\/*$/.exec(place) ?? [];
  if (bucket === undefined || folder === undefined) throw invalid("NEARSIGHT_MODEL", "s3://bucket/folder");
  const sha256 = nonEmpty(environment["NEARSIGHT_MODEL_SHA256"])?.toLowerCase() ?? "";
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw invalid("NEARSIGHT_MODEL_SHA256", "the SHA-256 of the model's file SHA256SUMS in hexadecimal");
  }
  return { bucket, prefix: `${folder}/`, sha256 };
}

/** Values whose name says what they are: options of backends, their variables, the credentials of AWS. */
function namedAsSecret(values: Readonly<Record<string, unknown>>): unknown[] {
  const isSecret = /password|token|secret|api_?key|access_?key|bearer|basic_?auth/i;
  return Object.entries(values).flatMap(([name, value]) => (isSecret.test(name) ? [value] : []));
}

/** The texts among values, passwords in addresses by themselves too. */
function secretsOf(values: readonly unknown[]): string[] {
  const texts = values.flatMap((value) => (typeof value === "string" ? [value, ...passwordsIn(value)] : []));
  return [...new Set(texts)].filter((text) => text.length >= SHORTEST_SECRET);
}

function passwordsIn(text: string): string[] {
  const password = /^[\w+.-]+:\/\/[^/@\s]*?:([^/@\s]*)@/.exec(text)?.[1];
  if (password === undefined) return [];
  return [password, ...decoded(password)];
}

/** What a driver makes of it; nothing where it is no encoding of anything. */
function decoded(text: string): string[] {
  try {
    return [decodeURIComponent(text)];
  } catch {
    return [];
  }
}

function objectOf(text: string | null, name: string): Record<string, unknown> {
  const found = parsed(text ?? "{}", name);
  if (typeof found === "object" && found !== null && !Array.isArray(found)) return { ...found };
  throw invalid(name, "a JSON object");
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(name, "JSON");
  }
}

function invalid(name: string, expected: string): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected ${expected} in ${name} but found something else`,
    hint: `Correct ${name}`,
    details: { variable: name },
  });
}
