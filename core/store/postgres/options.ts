/** What the address of a PostgreSQL store says: where it is, and how it is used. */

import { NearsightError } from "../../errors.ts";

/** How a store on PostgreSQL is reached. */
export interface PostgresOptions {
  /** The address without our own parameters, as the driver takes it. Holds the password. */
  readonly connectionString: string;
  /** `host:port/database`, for messages. */
  readonly place: string;
  readonly schema: string;
  readonly poolSize: number;
  /** Milliseconds that one statement may take; 0 is no limit. */
  readonly statementTimeout: number;
  /** Milliseconds to wait for a connection. */
  readonly connectTimeout: number;
}

const EXAMPLE = "postgres://user:password@host:5432/database";
const SCHEMES = ["postgres:", "postgresql:"];
/** What PostgreSQL takes without quotes: https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/** Reads `postgres://user:password@host:port/database?parameters`; CONFIG_INVALID, without the address in it. */
export function postgresOptions(address: string): PostgresOptions {
  const url = URL.parse(address);
  if (url === null || !SCHEMES.includes(url.protocol)) {
    const found = url === null ? "a text that is none" : `one that begins with ${url.protocol}`;
    throw invalid(`Expected an address like ${EXAMPLE} for the store but found ${found}`);
  }
  const parameters = url.searchParams;
  const options = {
    place: placeOf(url),
    schema: schemaOf(parameters),
    poolSize: wholeNumber(parameters, "pool_size", 10, 1),
    statementTimeout: wholeNumber(parameters, "statement_timeout", 120_000, 0),
    connectTimeout: wholeNumber(parameters, "connect_timeout", 30, 1) * 1000,
  };
  for (const ours of ["schema", "pool_size", "statement_timeout", "connect_timeout"]) parameters.delete(ours);
  return { ...options, connectionString: url.href };
}

function placeOf({ hostname, port, pathname, searchParams }: URL): string {
  const host = searchParams.get("host") ?? (hostname === "" ? "localhost" : hostname);
  return `${host}:${port === "" ? 5432 : port}${pathname === "" ? "/" : pathname}`;
}

function schemaOf(parameters: URLSearchParams): string {
  const schema = parameters.get("schema") ?? "nearsight";
  if (SCHEMA_NAME.test(schema)) return schema;
  throw invalid(
    `Expected a name of small letters, digits and _ for schema in the store's address but found ${JSON.stringify(schema)}`,
  );
}

function wholeNumber(parameters: URLSearchParams, name: string, fallback: number, least: number): number {
  const text = parameters.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= 2 ** 31 - 1) return value;
  throw invalid(
    `Expected a whole number from ${least} on for ${name} in the store's address but found ${JSON.stringify(text)}`,
  );
}

function invalid(message: string): NearsightError {
  return new NearsightError({
    code: "CONFIG_INVALID",
    message,
    hint: "Correct the store's address: the option store, or NEARSIGHT_STORE",
  });
}
