/** Where an Elasticsearch cluster is and who asks: FiftyOne's options, checked, and what the SDK calls them. */

import type { ClientOptions, UndiciAgentOptions } from "@elastic/elasticsearch";
import { fileOfOption, givenOptions, invalidOption } from "../remote/connection-options.ts";
import { pinnedConnector } from "./pinning.ts";

/** Options of a connection, by FiftyOne's names. */
export interface ElasticsearchOptions {
  /** Addresses of nodes of one cluster. @default "http://localhost:9200" */
  readonly hosts?: string | readonly string[] | undefined;
  /** Cloud ID of an Elastic Cloud deployment, in place of `hosts`. */
  readonly cloudId?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Encoded API key, in place of a user. */
  readonly apiKey?: string | undefined;
  /** Bearer token, such as a service token, in place of a user. */
  readonly bearerAuth?: string | undefined;
  /** Path of a PEM file with the authorities that the server's certificate is checked against. */
  readonly caCerts?: string | undefined;
  /** SHA-256 of the server's certificate or of one of its issuers, in place of authorities. */
  readonly sslAssertFingerprint?: string | undefined;
  /** @default true */
  readonly verifyCerts?: boolean | undefined;
}

/** What a connection is made with. */
export interface ConnectionPlan {
  readonly config: ClientOptions;
  /** Where it goes, to print: no credentials. */
  readonly addresses: readonly string[];
  /** What no error may tell. */
  readonly secrets: readonly string[];
}

const DEFAULT_HOST = "http://localhost:9200";
/** 32 bytes in hexadecimal, with or without colons. */
const FINGERPRINT = /^[0-9a-f]{2}(:?[0-9a-f]{2}){31}$/i;

/** The plan of a connection; CONFIG_INVALID. */
export function connectionPlan(options: ElasticsearchOptions): ConnectionPlan {
  const given: ElasticsearchOptions = givenOptions("elasticsearch", { ...options });
  const { addresses, nodes, userOfUrl } = placeOf(given);
  const auth = authOf(given) ?? userOfUrl;
  return {
    addresses,
    secrets: secretsOf(auth),
    config: {
      ...nodes,
      ...tlsOf(given),
      ...(auth === undefined ? {} : { auth }),
    },
  };
}

type Auth = NonNullable<ClientOptions["auth"]>;

function placeOf({ hosts, cloudId }: ElasticsearchOptions): {
  addresses: readonly string[];
  nodes: ClientOptions;
  userOfUrl: Auth | undefined;
} {
  if (cloudId !== undefined) {
    if (hosts !== undefined) throw invalid("Expected hosts or cloudId but found both", "cloudId");
    return { addresses: [checkedCloudId(cloudId)], nodes: { cloud: { id: cloudId } }, userOfUrl: undefined };
  }
  const urls = (typeof hosts === "string" ? [hosts] : (hosts ?? [DEFAULT_HOST])).map(parsedHost);
  if (urls.length === 0) throw invalid("Expected the address of at least one node but found none", "hosts");
  const named = urls.find((url) => url.username !== "");
  const userOfUrl =
    named === undefined
      ? undefined
      : { username: decodeURIComponent(named.username), password: decodeURIComponent(named.password) };
  const plain = urls.map(({ protocol, host, pathname }) =>
    `${protocol}//${host}${pathname}`.replace(/\/$/, ""),
  );
  return { addresses: plain, nodes: { nodes: plain }, userOfUrl };
}

function parsedHost(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== "") return url;
  // The text may hold a password and is not shown.
  throw invalid(
    `Expected hosts such as ${DEFAULT_HOST} but found one that is no http or https address`,
    "hosts",
  );
}

/** The deployment's name; the rest of the id is base64 of its domain and the ids of its parts. */
function checkedCloudId(cloudId: string): string {
  const [name = "", encoded = ""] = cloudId.split(":");
  const [domain = "", cluster = ""] = Buffer.from(encoded, "base64").toString("utf8").split("$");
  if (domain !== "" && cluster !== "") return name;
  throw invalid("Expected a cloudId such as name:base64text but found another text", "cloudId");
}

function authOf({ username, password, apiKey, bearerAuth }: ElasticsearchOptions): Auth | undefined {
  const basic = username !== undefined || password !== undefined;
  const ways = [
    basic && "username and password",
    apiKey !== undefined && "apiKey",
    bearerAuth !== undefined && "bearerAuth",
  ];
  const chosen = ways.filter((way) => way !== false);
  if (chosen.length > 1)
    throw invalid(`Expected one way to log in but found ${chosen.join(" and ")}`, "apiKey");
  if (apiKey !== undefined) return { apiKey };
  if (bearerAuth !== undefined) return { bearer: bearerAuth };
  if (!basic) return undefined;
  if (username !== undefined && password !== undefined) return { username, password };
  const missing = username === undefined ? "username" : "password";
  throw invalid(`Expected username and password but found no ${missing}`, missing);
}

function secretsOf(auth: Auth | undefined): string[] {
  if (auth === undefined) return [];
  if ("bearer" in auth) return [auth.bearer];
  if ("apiKey" in auth) return [String(auth.apiKey)];
  const { username, password } = auth;
  return [Buffer.from(`${username}:${password}`).toString("base64"), encodeURIComponent(password), password];
}

function tlsOf({ caCerts, sslAssertFingerprint, verifyCerts, cloudId }: ElasticsearchOptions): ClientOptions {
  const ca = fileOfOption("elasticsearch", "caCerts", caCerts);
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(verifyCerts === false ? { rejectUnauthorized: false } : {}),
  };
  if (sslAssertFingerprint === undefined) return Object.keys(tls).length === 0 ? {} : { tls };
  if (!FINGERPRINT.test(sslAssertFingerprint)) {
    throw invalid(
      "Expected a SHA-256 fingerprint of 64 hexadecimal digits but found another text",
      "sslAssertFingerprint",
    );
  }
  if (cloudId !== undefined) {
    throw invalid(
      "Expected no fingerprint with a cloudId, whose certificates are public, but found one",
      "sslAssertFingerprint",
    );
  }
  // The SDK's own check needs the issuer's certificate, which few servers send, and cannot tell the server's.
  const agent = { connect: pinnedConnector(sslAssertFingerprint, tls) };
  return { agent: agent as UndiciAgentOptions };
}

const invalid = (message: string, option: string) => invalidOption("elasticsearch", option, message);
