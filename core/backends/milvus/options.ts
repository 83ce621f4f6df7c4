/** Where a Milvus server is and who asks: FiftyOne's options, checked, and what the SDK calls them. */

import type { ClientConfig } from "@zilliz/milvus2-sdk-node";
import { fileOfOption, givenOptions, invalidOption } from "../remote/connection-options.ts";

/** Options of a connection, by FiftyOne's names. */
export interface MilvusOptions {
  /** Address such as `http://localhost:19530` or `https://….zillizcloud.com`. @default "http://localhost:19530" */
  readonly uri?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Use TLS; `https://` and certificates mean it as well. @default false */
  readonly secure?: boolean | undefined;
  /** API key of Zilliz Cloud, or `user:password`. */
  readonly token?: string | undefined;
  /** @default "default" */
  readonly dbName?: string | undefined;
  /** Own private key, for mutual TLS. */
  readonly clientKeyPath?: string | undefined;
  /** Own certificate, for mutual TLS. */
  readonly clientPemPath?: string | undefined;
  /** Certificate of the authority that the server's is checked against. */
  readonly caPemPath?: string | undefined;
  /** The server's own certificate, for one-way TLS; `caPemPath` wins. */
  readonly serverPemPath?: string | undefined;
  /** Name in the server's certificate where it is not the address's. */
  readonly serverName?: string | undefined;
}

/** What a connection is made with. */
export interface ConnectionPlan {
  readonly config: ClientConfig;
  /** Where it goes, to print: no credentials. */
  readonly address: string;
  /** What no error may tell. */
  readonly secrets: readonly string[];
  readonly isZilliz: boolean;
}

const DEFAULT_URI = "http://localhost:19530";
const DEFAULT_PORT = "19530";
const TLS_PORT = "443";

/** Largest message and pauses of a connection; grpc-js would wait up to two minutes before it connects again. */
const CHANNEL = {
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 2000,
};

/** The plan of a connection; CONFIG_INVALID. */
export function connectionPlan(options: MilvusOptions): ConnectionPlan {
  const given: MilvusOptions = givenOptions("milvus", { ...options });
  const { url, hostname } = parsedUri(given.uri ?? DEFAULT_URI);
  const tls = tlsFiles(given);
  const ssl = url.protocol === "https:" || given.secure === true || tls !== undefined;
  const address = `${hostname}:${url.port || (url.protocol === "https:" ? TLS_PORT : DEFAULT_PORT)}`;
  const { user, password, token } = credentials(given, url);
  const database = given.dbName ?? (decodeURIComponent(url.pathname.slice(1)) || undefined);
  return {
    address,
    isZilliz: hostname.endsWith(".zillizcloud.com") || hostname.endsWith(".zilliz.com.cn"),
    secrets: secretsOf(user, password, token),
    config: {
      address,
      ssl,
      ...(token === undefined ? {} : { token }),
      ...(user === undefined || password === undefined ? {} : { username: user, password }),
      ...(database === undefined ? {} : { database }),
      ...(ssl ? { tls: { ...tls, ...(given.serverName ? { serverName: given.serverName } : {}) } } : {}),
      channelOptions: CHANNEL,
      // The driver tries again itself: a retry of the SDK can throw from a timer.
      maxRetries: 0,
      logLevel: "error",
      telemetry: { enabled: false },
      __SKIP_CONNECT__: true,
    },
  };
}

function parsedUri(uri: string): { url: URL; hostname: string } {
  const text = /^[a-z]+:\/\//i.test(uri) ? uri : `http://${uri}`;
  const problem = uriProblem(uri, text);
  if (problem !== null) {
    throw invalid(
      `Expected uri to be the address of a Milvus server such as ${DEFAULT_URI} but ${problem}`,
      "uri",
    );
  }
  // `http:` hides the port 80 and `https:` the port 443; both are real ports here.
  const url = new URL(text);
  return { url, hostname: url.hostname };
}

function uriProblem(uri: string, text: string): string | null {
  if (/\.db$/.test(uri)) return "it is a file, which only Python's Milvus Lite opens by itself";
  if (!URL.canParse(text)) return "it is none";
  const { protocol, hostname } = new URL(text);
  if (!["http:", "https:", "tcp:", "grpc:"].includes(protocol)) return `it begins with ${protocol}`;
  return hostname === "" ? "it names no host" : null;
}

function credentials({ user, password, token }: MilvusOptions, url: URL) {
  const fromUri = url.username === "" ? undefined : decodeURIComponent(url.username);
  const who = user ?? fromUri;
  const secret = password ?? (url.password === "" ? undefined : decodeURIComponent(url.password));
  if (token === undefined && (who === undefined) !== (secret === undefined)) {
    const missing = who === undefined ? "user" : "password";
    throw invalid(`Expected user and password for Milvus but found no ${missing}`, missing);
  }
  return { user: who, password: secret, token };
}

function secretsOf(
  user: string | undefined,
  password: string | undefined,
  token: string | undefined,
): string[] {
  const pair = user === undefined || password === undefined ? undefined : `${user}:${password}`;
  const plain = [token, password, token?.includes(":") ? token.slice(token.indexOf(":") + 1) : undefined];
  const sent = [token, pair].map((text) => text && Buffer.from(text).toString("base64"));
  return [...sent, ...plain].filter((text): text is string => text !== undefined && text !== "");
}

function tlsFiles(options: MilvusOptions): NonNullable<ClientConfig["tls"]> | undefined {
  const { clientKeyPath, clientPemPath } = options;
  if (Boolean(clientKeyPath) !== Boolean(clientPemPath)) {
    const missing = clientKeyPath ? "clientPemPath" : "clientKeyPath";
    throw invalid(`Expected clientKeyPath and clientPemPath for mutual TLS but found no ${missing}`, missing);
  }
  const files = {
    rootCert: read("caPemPath", options.caPemPath) ?? read("serverPemPath", options.serverPemPath),
    privateKey: read("clientKeyPath", clientKeyPath),
    certChain: read("clientPemPath", clientPemPath),
  };
  const found = Object.entries(files).filter(([, bytes]) => bytes !== undefined);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

const read = (option: string, path: string | undefined) => fileOfOption("milvus", option, path);

const invalid = (message: string, option: string) => invalidOption("milvus", option, message);
