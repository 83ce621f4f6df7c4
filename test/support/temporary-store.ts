/** Where stores of tests are: in the project `postgres` on its server, in every other in a folder. */

import { createHash } from "node:crypto";
import { afterAll, inject } from "vitest";
import type { PostgresAddress } from "../../tools/servers/catalogue.ts";
import { askPostgres } from "./postgres.ts";
import type { ProvidedServer } from "./servers.ts";

const schemas = new Map<string, string>();

afterAll(async () => {
  for (const [schema, address] of schemas) {
    await askPostgres(address, `drop schema if exists ${schema} cascade`);
  }
  schemas.clear();
});

/** The address of the project's PostgreSQL; null in other projects. */
export function postgresAddress(): string | null {
  const server: ProvidedServer | undefined = inject("server");
  return server?.name === "postgres" ? (server.address as PostgresAddress).url : null;
}

/** The place of the store that belongs to a folder, the same whenever asked: the folder, or a schema of its own. */
export function placeOf(folder: string): string {
  const address = postgresAddress();
  return address === null ? folder : schemaOf(address, folder);
}

/** The address with a schema that belongs to `name`; dropped after the tests of the file. */
export function schemaOf(address: string, name: string): string {
  const schema = `test_${createHash("sha256").update(name).digest("hex").slice(0, 24)}`;
  schemas.set(schema, address);
  return inSchema(address, schema);
}

export function inSchema(address: string, schema: string): string {
  const url = new URL(address);
  url.searchParams.set("schema", schema);
  return url.href;
}
