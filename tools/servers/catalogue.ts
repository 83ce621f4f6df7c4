/** The servers that tests and development run on: their names, versions, variants, usual ports and addresses. */

export const SERVER_NAMES = [
  "milvus",
  "milvus-lite",
  "elasticsearch",
  "elasticsearch-8",
  "moto",
  "versitygw",
  "postgres",
] as const;

export type ServerName = (typeof SERVER_NAMES)[number];

/** What sets a variant apart: who may come in, and whether the way there is encrypted. */
export type Variant = "plain" | "users" | "tls" | "mutual-tls";

/** Where a Milvus server is, in the words of the backend's connection options. */
export interface MilvusAddress {
  readonly uri: string;
  readonly user?: string;
  readonly password?: string;
  readonly secure?: boolean;
  readonly caPemPath?: string;
  readonly clientPemPath?: string;
  readonly clientKeyPath?: string;
  readonly serverName?: string;
}

/** Where an Elasticsearch server is, in the words of the backend's connection options. */
export interface ElasticsearchAddress {
  readonly hosts: string[];
  readonly username?: string;
  readonly password?: string;
  readonly caCerts?: string;
}

/** Who else may come in where an Elasticsearch has users: not connection options, but what a test makes some of. */
export interface ElasticsearchGuests {
  /** May read and nothing else. */
  readonly reader: { readonly username: string; readonly password: string };
  readonly bearerAuth: string;
}

/** Where a server with the protocols of AWS is, and who may come in. */
export interface AwsAddress {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Servers with the protocols of AWS. */
type AwsServer = "moto" | "versitygw";

/** Where a PostgreSQL server is: what the option `store` takes. */
export interface PostgresAddress {
  readonly url: string;
}

/** The address by the server's name. */
export type AddressOf<Name extends ServerName> = Name extends "milvus" | "milvus-lite"
  ? MilvusAddress
  : Name extends AwsServer
    ? AwsAddress
    : Name extends "postgres"
      ? PostgresAddress
      : ElasticsearchAddress & Partial<ElasticsearchGuests>;

export type Address = AddressOf<ServerName>;

interface ServerFacts {
  readonly version: string;
  /** The port of each variant there is, where it is free. */
  readonly ports: Partial<Record<Variant, number>>;
  /** Further ports, counted from the first. */
  readonly companions: readonly number[];
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, step) => first + step);

export const CATALOGUE: Readonly<Record<ServerName, ServerFacts>> = {
  // The last release of which there is a wheel with the whole server for Linux.
  milvus: {
    version: "2.3.5",
    ports: { plain: 19530, users: 19550, tls: 19570, "mutual-tls": 19590 },
    companions: range(1000, 1010),
  },
  "milvus-lite": { version: "3.2.2", ports: { plain: 19531 }, companions: [] },
  elasticsearch: {
    version: "9.5.3",
    ports: { plain: 9200, users: 9210, tls: 9220 },
    companions: [100],
  },
  "elasticsearch-8": {
    version: "8.19.21",
    ports: { plain: 9208, users: 9218, tls: 9228 },
    companions: [100],
  },
  moto: { version: "5.2.5", ports: { plain: 5566 }, companions: [] },
  versitygw: { version: "1.8.0", ports: { plain: 7070 }, companions: [] },
  // Of the npm package, which is used where no PostgreSQL is installed.
  postgres: { version: "18.4.0-beta.17", ports: { plain: 54320, tls: 54330 }, companions: [] },
};

/** The first user of a server with users: on Milvus its own default, on Elasticsearch the name is fixed. */
export const MILVUS_ROOT = { user: "root", password: "Milvus" };
export const ELASTICSEARCH_ROOT = { username: "elastic", password: "nearsight-elastic" };
export const ELASTICSEARCH_READER = { username: "nearsight-reader", password: "nearsight-reader" };

export const AWS_CREDENTIALS = { accessKeyId: "nearsight", secretAccessKey: "nearsight-secret" };
export const POSTGRES_ROOT = { user: "nearsight", password: "nearsight-postgres" };

export function isServerName(name: string): name is ServerName {
  return SERVER_NAMES.some((known) => known === name);
}

/** The variants that a server has. */
export function variantsOf(name: ServerName): Variant[] {
  return Object.keys(CATALOGUE[name].ports) as Variant[];
}

/** `milvus` as it is, `milvus-tls` with the variant. */
export function label(name: ServerName, variant: Variant): string {
  return variant === "plain" ? name : `${name}-${variant}`;
}

/** `milvus-lite` as `MILVUS_LITE`. */
function upperCase(name: ServerName): string {
  return name.toUpperCase().replaceAll("-", "_");
}

function isAwsServer(name: ServerName): name is AwsServer {
  return name === "moto" || name === "versitygw";
}

/** The environment variable that gives the address of a server of one's own. */
export function addressVariable(name: ServerName): string {
  if (isAwsServer(name)) return `NEARSIGHT_TEST_${upperCase(name)}_ENDPOINT`;
  if (name === "postgres") return "NEARSIGHT_TEST_POSTGRES";
  return `NEARSIGHT_TEST_${upperCase(name)}_${name.startsWith("milvus") ? "URI" : "HOSTS"}`;
}

/** The address that environment variables give, with user and password beside it; null where they give none. */
export function givenAddress(name: ServerName, environment = process.env): Address | null {
  const where = environment[addressVariable(name)];
  if (where === undefined || where === "") return null;
  if (isAwsServer(name)) return { endpoint: where, ...AWS_CREDENTIALS };
  if (name === "postgres") return { url: where };
  const prefix = `NEARSIGHT_TEST_${upperCase(name)}`;
  const user = environment[`${prefix}_USER`];
  const password = environment[`${prefix}_PASSWORD`];
  const secret = password === undefined ? {} : { password };
  if (name.startsWith("milvus")) return { uri: where, ...(user === undefined ? {} : { user }), ...secret };
  const hosts = where.split(",").map((host) => host.trim());
  return { hosts, ...(user === undefined ? {} : { username: user }), ...secret };
}
