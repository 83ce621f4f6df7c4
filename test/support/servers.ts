/** The real servers that a test file runs on: the one of its vitest project, and others it starts for itself. */

import { inject } from "vitest";
import type {
  Address,
  AddressOf,
  AwsAddress,
  ElasticsearchAddress,
  MilvusAddress,
  ServerName,
  Variant,
} from "../../tools/servers/catalogue.ts";
import {
  killInstance,
  startServer as start,
  startInstance,
  stopInstance,
} from "../../tools/servers/servers.ts";

export type { AwsAddress, ElasticsearchAddress, MilvusAddress, ServerName, Variant };

declare module "vitest" {
  export interface ProvidedContext {
    server: ProvidedServer;
  }
}

/** What the project's set-up hands to its test files. */
export interface ProvidedServer {
  readonly name: ServerName;
  readonly address: Address;
  /** The process of the whole test run: what is started for it ends with it. */
  readonly run: number;
}

/** A server of one test file's own, to be ended and started again. */
export interface OwnServer<Name extends ServerName = ServerName> {
  readonly address: AddressOf<Name>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Starts it again where it does not run: same port, same data. Returns when it answers. */
  start(): Promise<void>;
}

export interface OwnServerOptions {
  readonly variant?: Variant;
  /** By the names in the server's configuration file, such as `quotaAndLimits.dml.enabled`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Where the Milvus of this project is: connection options as they are. The server may hold what other test files and
 * earlier runs made, so names have to be one's own.
 */
export function milvusServer(): MilvusAddress {
  return provided("milvus", "milvus-lite").address as MilvusAddress;
}

/** Where the Elasticsearch of this project is: connection options as they are. */
export function elasticsearchServer(): ElasticsearchAddress {
  return provided("elasticsearch", "elasticsearch-8").address as ElasticsearchAddress;
}

/** Where the moto of this project is: S3 and SQS, for any credentials. */
export function motoServer(): AwsAddress {
  return provided("moto").address as AwsAddress;
}

/**
 * Gives a variant of a server, shared by all test files that ask for it and ended with the run. Call it in
 * `beforeAll`: it takes seconds, on a busy machine a minute.
 */
export async function startServer<Name extends ServerName>(
  name: Name,
  variant: Variant,
): Promise<AddressOf<Name>> {
  const { address } = await start(name, { variant, user: provided().run });
  return address;
}

/** Starts a server that no other test file is given, to be killed and started again; it ends with the run. */
export async function ownServer<Name extends ServerName>(
  name: Name,
  options: OwnServerOptions = {},
): Promise<OwnServer<Name>> {
  const { address, folder } = await start(name, { ...options, isPrivate: true, user: provided().run });
  if (folder === null) throw new Error(`Expected a server of one's own but found one that was given`);
  return {
    address,
    kill: () => killInstance(folder),
    stop: () => stopInstance(folder),
    start: () => startInstance(folder),
  };
}

function provided(...names: readonly ServerName[]): ProvidedServer {
  const server: ProvidedServer | undefined = inject("server");
  if (server === undefined) {
    throw new Error("Expected a project with a server: put the test file into test/backends, named after it");
  }
  if (names.length > 0 && !names.includes(server.name)) {
    throw new Error(`Expected the project ${names.join(" or ")} but found ${server.name}`);
  }
  return server;
}
