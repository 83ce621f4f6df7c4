/** Asks a PostgreSQL server past the store. */

import { Client } from "pg";

/** A connection of its own, in the schema that the address names. */
export async function connectTo(address: string): Promise<Client & AsyncDisposable> {
  const url = new URL(address);
  const schema = url.searchParams.get("schema") ?? "public";
  url.searchParams.delete("schema");
  const client = new Client({ connectionString: url.href });
  await client.connect();
  await client.query(`set search_path to ${schema}`);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

/** Runs one statement on a connection of its own. */
export async function askPostgres(address: string, query: string): Promise<Record<string, unknown>[]> {
  await using client = await connectTo(address);
  return (await client.query(query)).rows;
}
