/**
 * What a deployment is to be like, from variables of the shell or of the files `.env` and `.env.STAGE`: `DEPLOY_…` say
 * what is made, `NEARSIGHT_API_…` go to the functions as they are.
 */

import { NearsightError } from "../core/errors.ts";

export interface DeploySettings {
  /** Where indexes are kept. */
  readonly backend: "zilliz" | "elastic";
  /** One address for all routes, or an address for each function, which can stream. */
  readonly api: "gateway" | "urls";
  /** Where samples and runs are kept: a PostgreSQL of your own, by its URL, or an Aurora of this deployment. */
  readonly database: "url" | "aurora";
  readonly architecture: "arm64" | "x86_64";
  /** Data set of the images in the bucket. */
  readonly dataset: string;
  /** Keys that begin with it are images of that data set. */
  readonly prefix: string;
  /** A model of one's own in a bucket, and the SHA-256 of its file SHA256SUMS. Null: the one that ships. */
  readonly model: ModelPlace | null;
  /** Settings of the API: docs/security.md lists them. Keys and the signing secret are not among them. */
  readonly apiVariables: Readonly<Record<string, string>>;
  /** Whether AWS checks a signature of the caller before a function runs: where users or roles are listed. */
  readonly iam: boolean;
  /** Pages that may call the API and upload. */
  readonly origins: readonly string[];
  /** Who is told of alarms. */
  readonly alarmEmail: string | null;
  /** Whether each function has a number of instances of its own, which is also the most it may have. */
  readonly reserve: boolean;
  /** How often the bucket is compared with the data set. */
  readonly schedule: `rate(${string})` | `cron(${string})`;
}

/** Where uploads go: beside the images that are followed, so that they are samples of the data set they are for alone. */
export const UPLOADS = "uploads/";

export interface ModelPlace {
  readonly bucket: string;
  /** Folder of the model in the bucket, without a slash at its end. */
  readonly folder: string;
  readonly sha256: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings; what is left out has its default. CONFIG_INVALID.
 *
 * @example
 * deploySettings({ DEPLOY_BACKEND: "elastic" }, { production: false }).backend; // "elastic"
 */
export function deploySettings(
  environment: Environment,
  { production }: { readonly production: boolean },
): DeploySettings {
  const read = <Value extends string>(name: string, fallback: Value, accept: Accept<Value>): Value =>
    readOne(environment, name, fallback, accept);
  const apiVariables = apiVariablesOf(environment);
  const flag = (name: string, fallback: boolean) =>
    read(name, fallback ? "true" : "false", oneOf("true", "false")) === "true";
  return {
    backend: read("DEPLOY_BACKEND", "zilliz", oneOf("zilliz", "elastic")),
    api: read("DEPLOY_API", "gateway", oneOf("gateway", "urls")),
    database: read("DEPLOY_DATABASE", "url", oneOf("url", "aurora")),
    architecture: read("DEPLOY_ARCHITECTURE", "arm64", oneOf("arm64", "x86_64")),
    dataset: read("DEPLOY_DATASET", "images", like(/^\S.*$/, "a name")),
    prefix: read("DEPLOY_PREFIX", "images/", like(PREFIX, "a prefix that ends in /, other than uploads/,")),
    model: modelOf(
      read("DEPLOY_MODEL", "", like(MODEL, "s3://bucket/folder")),
      read("DEPLOY_MODEL_SHA256", "", like(/^$|^[0-9a-f]{64}$/, "64 hexadecimal digits")),
    ),
    apiVariables,
    iam: !["", "[]"].includes(apiVariables["NEARSIGHT_API_IAM"]?.trim() ?? ""),
    origins: listOf(apiVariables["NEARSIGHT_API_ORIGINS"] ?? ""),
    alarmEmail: read("DEPLOY_ALARM_EMAIL", "", like(/^$|^[^\s@]+@[^\s@]+$/, "an e-mail address")) || null,
    // A new account has 10 instances in all, and AWS lets nobody reserve the last 100: only then it is a choice.
    reserve: flag("DEPLOY_RESERVE", production),
    schedule: read("DEPLOY_SCHEDULE", "rate(1 day)", like(/^(rate|cron)\(.+\)$/, "rate(…) or cron(…)")),
  };
}

const PREFIX = new RegExp(String.raw`^(?!${UPLOADS})[^/\s*?][^\s*?]*/$`);
/** Secrets, which are linked. */
const NOT_VARIABLES = ["NEARSIGHT_API_KEYS", "NEARSIGHT_API_SECRET"];
const MODEL = /^$|^s3:\/\/([a-z0-9.-]+)\/(\S*[^\s/])\/?$/;

/** What a variable may hold, in words and as a test. */
interface Accept<Value extends string> {
  readonly expected: string;
  test(text: string): text is Value;
}

function oneOf<const Value extends string>(...values: readonly Value[]): Accept<Value> {
  return {
    expected: values.join(" or "),
    test: (text): text is Value => (values as readonly string[]).includes(text),
  };
}

function like<Value extends string>(pattern: RegExp, expected: string): Accept<Value> {
  return { expected, test: (text): text is Value => pattern.test(text) };
}

function readOne<Value extends string>(
  environment: Environment,
  name: string,
  fallback: Value,
  { expected, test }: Accept<Value>,
): Value {
  const text = environment[name]?.trim();
  if (text === undefined || text === "") return fallback;
  if (test(text)) return text;
  throw invalid(name, expected, text);
}

/** A model is of use with its checksum only. */
function modelOf(place: string, sha256: string): ModelPlace | null {
  const [, bucket, folder] = MODEL.exec(place) ?? [];
  if (bucket === undefined || folder === undefined) return null;
  if (sha256 === "") throw invalid("DEPLOY_MODEL_SHA256", "the SHA-256 of the model's file SHA256SUMS", "");
  return { bucket, folder, sha256 };
}

function invalid(name: string, expected: string, found: string): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected ${expected} in ${name} but found ${JSON.stringify(found)}`,
    hint: `Correct ${name}, or leave it out`,
    details: { variable: name },
  });
}

/** The functions check these themselves. */
function apiVariablesOf(environment: Environment): Record<string, string> {
  const ours = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[0].startsWith("NEARSIGHT_API_") && !NOT_VARIABLES.includes(entry[0]) && (entry[1] ?? "") !== "",
  );
  return Object.fromEntries(ours);
}

function listOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
