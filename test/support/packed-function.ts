/** Packed functions under AWS's own runtime client, with a home and keys of their own. */

import { afterAll } from "vitest";
import { createApiKey } from "../../functions/auth/api-keys.ts";
import { type BackendName, folderOf, type Role } from "../../tools/pack/bundles.ts";
import { pack } from "../../tools/pack/pack.ts";
import { installLambdaRuntime } from "../../tools/servers/lambda-runtime.ts";
import { type LambdaFunction, type LambdaOptions, startLambda } from "./lambda-service.ts";
import { temporaryFolder } from "./temporary.ts";

const { key, record } = createApiKey("test", "manage");
/** Headers of a caller who may do everything. */
export const AUTHORIZED = { authorization: `Bearer ${key}` };

/** A port where nothing listens. */
const CLOSED: Readonly<Record<BackendName, Readonly<Record<string, unknown>>>> = {
  milvus: { uri: "http://127.0.0.1:9" },
  elasticsearch: { hosts: ["http://127.0.0.1:9"] },
};

const architecture = process.arch === "arm64" ? "arm64" : "x64";
const packed = new Map<string, Promise<string>>();
const running: LambdaFunction[] = [];
let output: string | undefined;

afterAll(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

/** The folder of a bundle, packed once for a test file. */
function packOnce(role: Role, backend: BackendName): Promise<string> {
  const bundle = { role, backend, architecture } as const;
  const name = folderOf(bundle);
  output ??= temporaryFolder();
  const folder = packed.get(name) ?? pack(bundle, output).then((one) => one.folder);
  packed.set(name, folder);
  return folder;
}

export interface PackedOptions extends Pick<LambdaOptions, "handler" | "timeoutMs" | "environment"> {
  /** Where its store is. Default: a folder of its own. */
  readonly home?: string;
  /** Where the backend is. Default: a port where nothing listens. */
  readonly backendOptions?: Readonly<Record<string, unknown>>;
}

export interface PackedFunction extends LambdaFunction {
  readonly home: string;
}

/** Starts a packed function; it is ended with the test file. */
export async function packedFunction(
  role: Role,
  backend: BackendName,
  { home = temporaryFolder(), backendOptions = CLOSED[backend], environment, ...rest }: PackedOptions = {},
): Promise<PackedFunction> {
  const [folder, runtimeClient] = await Promise.all([packOnce(role, backend), installLambdaRuntime()]);
  const started = await startLambda({
    folder,
    runtimeClient,
    environment: {
      NEARSIGHT_HOME: home,
      NEARSIGHT_API_REQUESTS_PER_MINUTE: "1000000",
      NEARSIGHT_API_KEYS: JSON.stringify([record]),
      NEARSIGHT_BACKEND_OPTIONS: JSON.stringify(backendOptions),
      ...environment,
    },
    ...rest,
  });
  running.push(started);
  return { ...started, home };
}

/** The answer of an HTTP function. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** An answer to a REST API has lists of values. */
function firstOf(headers: Readonly<Record<string, readonly string[]>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, [value = ""]]) => [name, value]));
}

/** Calls an HTTP function with an event; its answer, and its JSON where it has some. */
export async function callFunction(called: LambdaFunction, event: unknown) {
  const { payload, isError } = await called.invoke(event);
  if (isError) throw new Error(`The function failed: ${payload}\n${called.log()}`);
  const { multiValueHeaders, ...rest } = JSON.parse(payload);
  const answer: HttpAnswer = { ...rest, headers: rest.headers ?? firstOf(multiValueHeaders) };
  const isJson = /json/.test(answer.headers["content-type"] ?? "");
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any route.
  const json: any = isJson ? JSON.parse(answer.body) : null;
  return { ...answer, json };
}
